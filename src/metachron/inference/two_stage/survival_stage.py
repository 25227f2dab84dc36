"""The second stage: the posterior of the hazard's parameters while each patient's link values are held fixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gammaincinv, ndtr

from metachron.inference.marginal.correction import systematic
from metachron.inference.marginal.optimise import climb, optimum_at, positive, scale_at
from metachron.inference.pareto import pareto_smooth
from metachron.inference.predict.subjects import standard_normals
from metachron.joint import Design, Dims, JointModel
from metachron.joint.likelihood import LinkTable, event_terms, hazard_rows
from metachron.joint.names import FlatName
from metachron.joint.sites import hazard_sites
from metachron.joint.vector import median_values, pack_sites, unpack_sites

TAIL_FREEDOM = 7.0
"""Degrees of freedom of the proposal: heavier tails than those of a posterior that is nearly normal."""
STEPS = 60
BATCH = 64
"""Points at which the density is evaluated at once: memory, not the result, depends on it."""


@dataclass(frozen=True, eq=False)
class StagePosterior:
    """Equally weighted draws (draw, parameter) on the natural scale, the mode, and Pareto k of the weights."""

    draws: Float[np.ndarray, "draw parameter"]
    mode: Float[np.ndarray, " free"]
    pareto_k: float


@dataclass(frozen=True, eq=False)
class SurvivalStage:
    """A hazard on known link values: the density that the joint model has, its dynamics held fixed.

    Parameters
    ----------
    model : the joint model; its hazard alone has parameters here.
    design, dims : of the patients, without padding.
    names : of the hazard's parameters.
    """

    model: JointModel
    design: Design
    dims: Dims
    names: tuple[FlatName, ...]

    def start(self) -> Float[np.ndarray, " free"]:
        """Return the unconstrained prior medians."""
        theta = median_values(self.model, self.dims).theta
        return np.asarray(pack_sites(theta, hazard_sites(self.model, self.dims)))

    def posterior(
        self, links: LinkTable, start: Float[np.ndarray, " free"], *, draws: int, seed: int
    ) -> StagePosterior:
        """Return the posterior given link values.

        By importance sampling on quasi-random points of a Student distribution about the mode (7 degrees of freedom),
        with Pareto-smoothed weights: there are few parameters and the posterior is nearly normal, so that this is
        exact up to an error that Pareto k judges.
        """
        evaluate = partial(self._evaluate, links)
        scale = scale_at(evaluate, start, np.full(len(start), 0.01))
        vector = climb(evaluate, start, scale, steps=STEPS)
        optimum = optimum_at(evaluate, vector, scale)
        covariance = np.linalg.inv(positive(-optimum.hessian))
        points, log_proposal = _student(draws, optimum.vector, covariance, seed=seed)
        density, natural = _at_points(jnp.asarray(points), links, self.design, model=self.model, dims=self.dims)
        log_ratio = np.asarray(density) - log_proposal
        k, weight = pareto_smooth(np.where(np.isfinite(log_ratio), log_ratio, -np.inf))
        chosen = systematic(weight, np.random.default_rng(seed))
        values = np.stack([_column(natural, name) for name in self.names], axis=1)
        return StagePosterior(values[chosen], optimum.vector, k)

    def _evaluate(self, links: LinkTable, vector: np.ndarray) -> tuple[float, np.ndarray]:
        found = _value_and_gradient(jnp.asarray(vector), links, self.design, model=self.model, dims=self.dims)
        return float(found[0]), np.asarray(found[1])


def _column(natural: dict[str, Array], name: FlatName) -> Float[np.ndarray, " draw"]:
    place: tuple[slice | int, ...] = (slice(None), *name.position)
    return np.asarray(natural[name.site][place])


def _density(vector: Array, links: LinkTable, design: Design, model: JointModel, dims: Dims) -> Array:
    theta, prior = unpack_sites(vector, hazard_sites(model, dims))
    assert design.events is not None
    rows = hazard_rows(model, theta, design, dims)
    return prior + jnp.sum(event_terms(model, theta, rows, links, design.events))


@partial(jax.jit, static_argnames=("model", "dims"))
def _value_and_gradient(
    vector: Float[Array, " free"], links: LinkTable, design: Design, *, model: JointModel, dims: Dims
) -> tuple[Array, Array]:
    return jax.value_and_grad(_density)(vector, links, design, model, dims)


@partial(jax.jit, static_argnames=("model", "dims"))
def _at_points(
    points: Float[Array, "draw free"], links: LinkTable, design: Design, *, model: JointModel, dims: Dims
) -> tuple[Float[Array, " draw"], dict[str, Array]]:
    """Return the log density at points, and the parameters on the natural scale."""

    def one(vector: Array) -> tuple[Array, dict[str, Array]]:
        theta, _ = unpack_sites(vector, hazard_sites(model, dims))
        return _density(vector, links, design, model, dims), theta

    return jax.lax.map(one, points, batch_size=BATCH)


def _student(
    count: int, centre: np.ndarray, covariance: np.ndarray, *, seed: int
) -> tuple[Float[np.ndarray, "draw free"], Float[np.ndarray, " draw"]]:
    """Return quasi-random points of a Student distribution, and their log density up to a constant."""
    size = len(centre)
    normal = standard_normals(count, size + 1, seed=seed)
    stretch = np.sqrt(TAIL_FREEDOM / (2.0 * gammaincinv(TAIL_FREEDOM / 2.0, ndtr(normal[:, -1]))))
    standard = normal[:, :-1] * stretch[:, None]
    distance = np.sum(np.square(standard), axis=1)
    log_density = -0.5 * (TAIL_FREEDOM + size) * np.log1p(distance / TAIL_FREEDOM)
    return centre + standard @ np.linalg.cholesky(covariance).T, log_density
