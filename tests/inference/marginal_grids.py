"""Integrals over patient effects by other means: the multivariate normal, and a fine grid."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from scipy.stats import multivariate_normal

from metachron.joint import JointModel, Values
from metachron.joint.design import Binding
from metachron.joint.vector import effect_shapes, unpack_population


def linear_gaussian_log_likelihood(binding: Binding, theta: Mapping[str, jax.Array]) -> float:
    """Return the log likelihood of sizes on a random straight line, one arm, nothing censored."""
    return float(linear_gaussian_by_patient(binding, theta).sum())


def linear_gaussian_by_patient(binding: Binding, theta: Mapping[str, jax.Array]) -> np.ndarray:
    """Return the same by patient."""
    rows = binding.design.measured
    assert rows is not None
    time, value, patient, weight = (np.asarray(x) for x in (rows.time_year, rows.value, rows.patient, rows.weight))
    mean = [float(np.ravel(theta[f"{name}.mean"])[0]) for name in ("baseline", "slope_per_year")]
    spread = np.diag([float(theta[f"{name}.sd"]) ** 2 for name in ("baseline", "slope_per_year")])
    total = np.zeros(len(binding.labels.patients))
    for index in range(len(total)):
        own = (patient == index) & (weight > 0)
        design = np.stack([np.ones(own.sum()), time[own]], axis=1)
        covariance = design @ spread @ design.T + float(theta["residual.additive"]) ** 2 * np.eye(own.sum())
        total[index] = multivariate_normal.logpdf(value[own], design @ mean, covariance)
    return total


def grid_log_likelihood(model: JointModel, binding: Binding, vector: np.ndarray, *, points: int = 110) -> float:
    """Return the log likelihood by the trapezoid rule on standardised effects from -5.5 to 5.5 in every direction."""
    theta, _ = unpack_population(jnp.asarray(vector), model, binding.dims)
    grid = np.linspace(-5.5, 5.5, points)
    count, effects = effect_shapes(model, binding.dims)[0]
    nodes = np.stack(np.meshgrid(*[grid] * effects, indexing="ij"), axis=-1).reshape(-1, effects)

    def at(node: jax.Array) -> jax.Array:
        values = Values(theta, jnp.broadcast_to(node, (count, effects)), jnp.zeros((0, 0)))
        prior = -0.5 * jnp.sum(jnp.square(node)) - 0.5 * effects * jnp.log(2 * jnp.pi)
        found = prior + model.log_likelihood_by_patient(values, binding.design, binding.dims)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    values = jax.jit(lambda all_nodes: jax.lax.map(at, all_nodes, batch_size=256))(jnp.asarray(nodes))
    by_patient = logsumexp(values, axis=0) + effects * np.log(grid[1] - grid[0])
    return float(jnp.sum(by_patient[: len(binding.labels.patients)]))
