"""Patients unlike all others: a short run of NUTS where no draw of the posterior is near to what they need.

The posterior of the population parameters stands in as a normal distribution with the mean and the covariance of its
draws, on the unconstrained scale; the patient's data enter exactly. Several patients are sampled in one run, each with
population parameters of its own: they share nothing but steps, and a step costs little more for eight than for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metachron.inference.chains import sample_chains
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target
from metachron.joint import Binding, Design, Dims, JointModel
from metachron.joint.vector import Values, effect_shapes, population_at

WARMUP = 300
TOGETHER = 16
"""Patients in one run: one alone, or this many, so that two programs are compiled and no more."""
RHAT_LIMIT, LEAST_ESS = 1.05, 100.0


class Sampled(NamedTuple):
    """Draws for one patient: population vectors, standardised effects of the patient and of each lesion, the copy that
    each belongs to, the log odds to be a durable responder as each copy (where the model has the class) with a number
    between 0 and 1 that decides, and whether the chains have come together.
    """

    vectors: Float[np.ndarray, "draw free"]
    effects: Float[np.ndarray, "draw effect"]
    lesions: Float[np.ndarray, "draw lesion effect"]
    copy: Int[np.ndarray, " draw"]
    class_odds: Float[np.ndarray, "draw copy"]
    uniform: Float[np.ndarray, " draw"]
    converged: bool


class _Data(NamedTuple):
    """``design``, ``known`` (1 for a copy, 0 for padding) and ``lesion`` (which of the patient's lesions a series is)
    of each patient, stacked along a first axis.
    """

    design: Design
    centre: Float[Array, " free"]
    scale: Float[Array, "free free"]
    known: Float[Array, "patient copy"]
    lesion: Int[Array, "patient series"]


@dataclass(frozen=True)
class _Density:
    """Of whitened population parameters and standardised effects of patients, each given the data of that patient."""

    model: JointModel
    dims: Dims
    free: int
    lesions: int

    @property
    def effects(self) -> int:
        """Number of population parameters and patient effects, after which effects of lesions come."""
        return self.free + effect_shapes(self.model, self.dims)[0][1]

    @property
    def size(self) -> int:
        """Number of unknowns of one patient."""
        return self.effects + self.lesions * effect_shapes(self.model, self.dims)[1][1]

    def of_lesions(self, own: Float[Array, "*draw own"]) -> Float[Array, "*draw lesion effect"]:
        """Return the standardised effects of each lesion from all unknowns of a patient."""
        return own[..., self.effects :].reshape(
            *own.shape[:-1], self.lesions, effect_shapes(self.model, self.dims)[1][1]
        )

    def __call__(self, vector: Float[Array, " all"], data: _Data) -> Float[Array, ""]:
        """Return the log density, up to a constant."""
        found = self.by_copy(vector, data)
        return jnp.sum(jax.scipy.special.logsumexp(found, axis=1)) - 0.5 * jnp.sum(jnp.square(vector))

    def by_copy(self, vector: Float[Array, " all"], data: _Data) -> Float[Array, "patient copy"]:
        """Return the log likelihood of each patient's data under each of its copies; -inf for padding."""
        each = self._of_copies(vector, data, self.model.log_likelihood_by_patient)
        return jnp.where(data.known > 0, each, -jnp.inf)

    def class_odds(self, vector: Float[Array, " all"], data: _Data) -> Float[Array, "patient copy"]:
        """Return the log odds of each patient to be durable, under each copy; the model has the class."""

        def odds(values: Values, design: Design, dims: Dims) -> Float[Array, " copy"]:
            grows, durable = self.model.log_likelihood_by_class(values, design, dims)
            return durable - grows

        return self._of_copies(vector, data, odds)

    def _of_copies(
        self, vector: Float[Array, " all"], data: _Data, term: Callable[[Values, Design, Dims], Array]
    ) -> Float[Array, "patient copy"]:
        def one(own: Float[Array, " own"], design: Design, lesion: Int[Array, " series"]) -> Float[Array, " copy"]:
            theta = population_at(data.centre + data.scale @ own[: self.free], self.model, self.dims)
            shape = effect_shapes(self.model, self.dims)[0]
            effects = jnp.broadcast_to(own[self.free : self.effects], shape)
            values = Values(theta, effects, self.of_lesions(own)[lesion] if self.lesions else jnp.zeros((0, 0)))
            return term(values, design, self.dims)

        return jax.vmap(one)(vector.reshape(len(data.known), self.size), data.design, data.lesion)


def sample_unlike[Key](
    model: JointModel, bound: Mapping[Key, Binding], vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> dict[Key, Sampled]:
    """Return as many draws for each patient as there are posterior draws, by NUTS.

    Parameters
    ----------
    bound : by patient, the binding of the patient's copies, each with equal weight.
    vectors : unconstrained population vectors of the posterior.
    """
    found: dict[Key, Sampled] = {}
    alone: list[Key] = []
    numbers = {key: number for number, key in enumerate(bound)}
    for together in _groups(bound):
        drawn = _sample(model, [bound[key] for key in together], vectors, seed=seed + numbers[together[0]])
        found |= dict(zip(together, drawn, strict=True))
        if len(together) > 1:
            alone += [key for key in together if not found[key].converged]
    for key in alone:
        (found[key],) = _sample(model, [bound[key]], vectors, seed=seed + numbers[key])
    return found


def _groups[Key](bound: Mapping[Key, Binding]) -> Iterator[list[Key]]:
    """Yield patients whose arrays have the same shapes, `TOGETHER` at a time."""
    alike: dict[Any, list[Key]] = {}
    for key, binding in bound.items():
        shapes = tuple(leaf.shape for leaf in jax.tree.leaves(binding.design))
        alike.setdefault((binding.dims, shapes), []).append(key)
    for keys in alike.values():
        for start in range(0, len(keys), TOGETHER):
            yield keys[start : start + TOGETHER]


def _sample(
    model: JointModel, bound: Sequence[Binding], vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> list[Sampled]:
    """Return the draws of patients whose arrays have the same shapes; the first fills places left over."""
    filled = [*bound, *[bound[0]] * (TOGETHER - len(bound))] if len(bound) > 1 else list(bound)
    free = vectors.shape[1]
    lesions = bound[0].design.lesions
    density = _Density(model, bound[0].dims, free, lesions.series.shape[1] if lesions else 0)
    covariance = np.cov(vectors.T) + 1e-10 * np.eye(free)
    design = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(binding.design for binding in filled))
    centre, scale = vectors.mean(axis=0), np.linalg.cholesky(covariance)
    data = _Data(
        design,
        jnp.asarray(centre),
        jnp.asarray(scale),
        design.patient_weight,
        jnp.stack([_lesion(b.design) for b in filled]),
    )
    count, size = len(filled), density.size

    def start(key: Array) -> Array:
        return 0.5 * jax.random.normal(key, (count * size,))

    settings = NutsSettings(chains=2, warmup=WARMUP, draws=-(-len(vectors) // 2), seed=seed, target_acceptance=0.9)
    drawn = sample_chains(Target(density, data, start), settings).positions
    flat = drawn.reshape(-1, count * size)[: len(vectors)]
    likelihood = np.asarray(_by_copy(jnp.asarray(flat), data, density=density))
    rng = np.random.default_rng(seed)
    copy = np.argmax(likelihood + rng.gumbel(size=likelihood.shape), axis=2)
    odds, uniform = np.zeros((*copy.shape, 0)), rng.random(copy.shape)
    if model.durable is not None:
        odds = np.asarray(_class_odds(jnp.asarray(flat), data, density=density))
    each = flat.reshape(len(flat), count, size)
    found = []
    for k in range(len(bound)):
        own = drawn[:, :, k * size : (k + 1) * size]
        table = summarise_draws([str(j) for j in range(size)], own)
        good = float(table["rhat"].max()) < RHAT_LIMIT and float(table["ess_bulk"].min()) > LEAST_ESS  # type: ignore[arg-type]
        vector, rest = centre + each[:, k, :free] @ scale.T, each[:, k, free : density.effects]
        lesion = np.asarray(density.of_lesions(jnp.asarray(each[:, k])))
        found.append(Sampled(vector, rest, lesion, copy[:, k], odds[:, k], uniform[:, k], good))
    return found


def _lesion(design: Design) -> Int[Array, " series"]:
    """Return which of its patient's lesions each series is; 0 where sizes are not lesion by lesion, and for padding."""
    place = np.zeros(len(design.series_patient), dtype=int)
    if design.lesions is not None:
        copy, column = np.nonzero(np.asarray(design.lesions.weight))
        place[np.asarray(design.lesions.series)[copy, column]] = column
    return jnp.asarray(place)


@partial(jax.jit, static_argnames=("density",))
def _by_copy(vectors: Float[Array, "draw all"], data: Any, *, density: _Density) -> Float[Array, "draw patient copy"]:
    return jax.lax.map(lambda vector: density.by_copy(vector, data), vectors)


@partial(jax.jit, static_argnames=("density",))
def _class_odds(
    vectors: Float[Array, "draw all"], data: Any, *, density: _Density
) -> Float[Array, "draw patient copy"]:
    return jax.lax.map(lambda vector: density.class_odds(vector, data), vectors)
