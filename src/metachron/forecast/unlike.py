"""Patients unlike all others: a short run of NUTS where no draw of the posterior is near to what they need.

The posterior of the population parameters stands in as a normal distribution with the mean and the covariance of its
draws, on the unconstrained scale; the patient's data enter exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metachron.forecast.copies import Copies
from metachron.inference import Fit
from metachron.inference.chains import sample_chains
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target
from metachron.joint import Design, Dims, JointModel
from metachron.joint.sites import Values, effect_shapes, unpack_population

WARMUP = 300
RHAT_LIMIT, LEAST_ESS = 1.05, 100.0


class Sampled(NamedTuple):
    """Draws for one patient: population vectors, standardised effects, the copy that each belongs to, and whether the
    chains have come together.
    """

    vectors: Float[np.ndarray, "draw free"]
    effects: Float[np.ndarray, "draw effect"]
    copy: Int[np.ndarray, " draw"]
    converged: bool


class _Data(NamedTuple):
    design: Design
    centre: Float[Array, " free"]
    scale: Float[Array, "free free"]
    known: Float[Array, " patient"]


@dataclass(frozen=True)
class _Density:
    """Of whitened population parameters and standardised effects, given the data of one patient."""

    model: JointModel
    dims: Dims
    free: int

    def __call__(self, vector: Float[Array, " all"], data: _Data) -> Float[Array, ""]:
        """Return the log density, up to a constant."""
        found = self.by_copy(vector, data)
        return jax.scipy.special.logsumexp(found) - 0.5 * jnp.sum(jnp.square(vector))

    def by_copy(self, vector: Float[Array, " all"], data: _Data) -> Float[Array, " copy"]:
        """Return the log likelihood of the patient's data under each copy; -inf for padding."""
        theta, _ = unpack_population(data.centre + data.scale @ vector[: self.free], self.model, self.dims)
        shape = effect_shapes(self.model, self.dims)[0]
        values = Values(theta, jnp.broadcast_to(vector[self.free :], shape), jnp.zeros((0, 0)))
        each = self.model.log_likelihood_by_patient(values, data.design, self.dims)
        return jnp.where(data.known > 0, each, -jnp.inf)


def sample_unlike(
    fit: Fit, copies: Copies, rows: Int[np.ndarray, " copy"], vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> Sampled:
    """Return as many draws for one patient as there are posterior draws, by NUTS.

    Parameters
    ----------
    rows : the patient's copies, each with equal weight: its rows in ``copies.cohort``.
    vectors : unconstrained population vectors of the posterior.
    """
    names = [copies.cohort.patient_ids[row] for row in rows]
    model, binding = fit.model, fit.model.bind(copies.cohort.select(names), fit.labels)
    free = vectors.shape[1]
    density = _Density(model, binding.dims, free)
    covariance = np.cov(vectors.T) + 1e-10 * np.eye(free)
    data = _Data(
        binding.design, jnp.asarray(vectors.mean(axis=0)), jnp.asarray(np.linalg.cholesky(covariance)),
        binding.design.patient_weight,
    )  # fmt: skip
    size = free + effect_shapes(model, binding.dims)[0][1]

    def start(key: Array) -> Array:
        return 0.5 * jax.random.normal(key, (size,))

    settings = NutsSettings(chains=2, warmup=WARMUP, draws=-(-len(vectors) // 2), seed=seed, target_acceptance=0.9)
    drawn = sample_chains(Target(density, data, start), settings).positions
    table = summarise_draws([str(k) for k in range(size)], drawn)
    good = float(table["rhat"].max()) < RHAT_LIMIT and float(table["ess_bulk"].min()) > LEAST_ESS  # type: ignore[arg-type]
    flat = drawn.reshape(-1, size)[: len(vectors)]
    likelihood = np.asarray(_by_copy(jnp.asarray(flat), data, density=density))
    gumbel = np.random.default_rng(seed).gumbel(size=likelihood.shape)
    copy = np.argmax(likelihood + gumbel, axis=1)
    return Sampled(vectors.mean(axis=0) + flat[:, :free] @ np.asarray(data.scale).T, flat[:, free:], copy, good)


@partial(jax.jit, static_argnames=("density",))
def _by_copy(vectors: Float[Array, "draw all"], data: Any, *, density: _Density) -> Float[Array, "draw copy"]:
    return jax.lax.map(lambda vector: density.by_copy(vector, data), vectors)
