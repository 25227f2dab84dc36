"""Patient effects centred as far as the data know them.

A standardised effect whose patient says nothing is independent of the population; one that the data determine moves
with every mean and spread, all patients' at once. Between the two lies, per patient and effect, the share of the
variance that the data take away (Papaspiliopoulos 2007, doi:10.1214/088342307000000014; Gorinova 2020,
arXiv:1906.03028). Sampling in these coordinates changes nothing but how far a trajectory must go.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.joint import Design, Dims, JointModel
from metachron.joint.population import fixed_part, patient_spread
from metachron.joint.sites import CORRELATION, effect_shapes, population_size, unpack_population


class Centring(NamedTuple):
    """The design, the share of each effect that is centred, from 0 (standardised) to 1, and the means it is about."""

    design: Design
    share: Float[Array, "effect patient"]
    origin: Float[Array, "effect patient"]


@dataclass(frozen=True)
class CentredDensity:
    """The posterior of population parameters and patient effects, the effects in centred coordinates.

    With mean m and standard deviation s of a parameter given the effects before it, share w and origin o, the
    coordinate of a standardised effect z is ``s**w z + w (m - o)``.
    """

    model: JointModel
    dims: Dims

    def __call__(self, vector: Float[Array, " free"], data: Centring) -> Float[Array, ""]:
        """Return the log density of coordinates."""
        plain, jacobian = self.standardise(vector, data)
        return self.model.log_density(plain, data.design, self.dims) + jacobian

    def standardise(
        self, vector: Float[Array, " free"], data: Centring
    ) -> tuple[Float[Array, " free"], Float[Array, ""]]:
        """Return the vector of `metachron.joint.sites.pack`, and the log determinant of its derivative."""
        return self._walk(vector, data, centring=False)

    def centre(self, vector: Float[Array, " free"], data: Centring) -> Float[Array, " free"]:
        """Return the coordinates of a vector of `metachron.joint.sites.pack`."""
        return self._walk(vector, data, centring=True)[0]

    def _walk(self, vector: Array, data: Centring, *, centring: bool) -> tuple[Array, Array]:
        part, first = self.model.dynamics, population_size(self.model, self.dims)
        patients, count = effect_shapes(self.model, self.dims)[0]
        if part is None or count == 0:
            return vector, jnp.zeros(())
        theta, _ = unpack_population(vector, self.model, self.dims)
        factor = theta.get(CORRELATION, jnp.eye(count))
        given = vector[first : first + patients * count].reshape(patients, count)
        found: list[Array] = []
        standard: list[Array] = []
        jacobian = jnp.zeros(())
        for k, parameter in enumerate(part.random):
            share, spread = data.share[k], patient_spread(parameter, theta, data.design)
            before = sum((factor[k, j] * z for j, z in enumerate(standard)), start=jnp.zeros(patients))
            shift = share * (fixed_part(parameter, theta, data.design) + spread * before - data.origin[k])
            log_scale = share * jnp.log(spread * factor[k, k])
            scale = jnp.exp(log_scale)
            found.append(scale * given[:, k] + shift if centring else (given[:, k] - shift) / scale)
            standard.append(given[:, k] if centring else found[-1])
            jacobian = jacobian - jnp.sum(log_scale)
        effects = jnp.ravel(jnp.stack(found, axis=-1))
        return jnp.concatenate([vector[:first], effects, vector[first + patients * count :]]), jacobian


def standardised(model: JointModel, dims: Dims, design: Design) -> Centring:
    """Return the centring that leaves all effects standardised."""
    patients, count = effect_shapes(model, dims)[0]
    return Centring(design, jnp.zeros((count, patients)), jnp.zeros((count, patients)))


@partial(jax.jit, static_argnames=("model", "dims"))
def learn_centring(vectors: Float[Array, "draw free"], design: Design, *, model: JointModel, dims: Dims) -> Centring:
    """Return the centring that draws of standardised effects call for: what their variance lacks of 1.

    Patients of padding stay standardised.
    """
    part, first = model.dynamics, population_size(model, dims)
    patients, count = effect_shapes(model, dims)[0]
    assert part is not None
    effects = vectors[:, first : first + patients * count].reshape(-1, patients, count)
    share = jnp.clip(1.0 - jnp.var(effects, axis=0), 0.0, 1.0).T * design.patient_weight
    theta, _ = unpack_population(jnp.mean(vectors, axis=0), model, dims)
    return Centring(design, share, jnp.stack([fixed_part(parameter, theta, design) for parameter in part.random]))
