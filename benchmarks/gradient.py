"""Is it the right gradient? A wrong answer is not timed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from metachron.base import MetachronError
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.sites import list_sites
from metachron.joint.vector import median_values, pack, population_size

STEP = 1e-5
TOLERANCE = 1e-5
"""Relative; a central difference with step 1e-5 of a function known to 1e-12 errs by about 1e-7."""
POINTS = 6
SPREAD = 0.3
"""Of the points about the prior medians, on the unconstrained scale; where a prior is normal, in its sds."""


def points_near_start(model: JointModel, binding: Binding, *, count: int = POINTS) -> np.ndarray:
    """Return unconstrained vectors about the prior medians, (vector, free); effects of padding patients stay at 0."""
    start = np.asarray(pack(median_values(model, binding.dims), model, binding.dims))
    sites = list_sites(model, binding.dims)
    free = [np.full(site.free_size, site.prior.args[-1] if site.prior.family == "normal" else 1.0) for site in sites]
    effects = (len(start) - population_size(model, binding.dims)) // binding.dims.patients
    scale = np.concatenate([*free, np.repeat(np.asarray(binding.design.patient_weight), effects)])
    return start + SPREAD * np.random.default_rng(0).normal(size=(count, len(start))) * scale


def check_gradient(model: JointModel, binding: Binding) -> float:
    """Return the relative difference between the joint density's gradient and central differences.

    Raises
    ------
    MetachronError
        When they differ by more than `TOLERANCE`.
    """

    @jax.jit
    def slopes(vector: jax.Array, direction: jax.Array) -> tuple[jax.Array, jax.Array]:
        def density(position: jax.Array) -> jax.Array:
            return model.log_density(position, binding.design, binding.dims)

        ahead, behind = density(vector + STEP * direction), density(vector - STEP * direction)
        return (ahead - behind) / (2 * STEP), jax.grad(density)(vector) @ direction

    worst = 0.0
    for seed, vector in enumerate(points_near_start(model, binding)):
        direction = jax.random.normal(jax.random.key(seed), vector.shape)
        numeric, exact = slopes(jnp.asarray(vector), direction / jnp.linalg.norm(direction))
        worst = max(worst, float(jnp.abs(numeric - exact) / jnp.abs(exact)))
    if worst > TOLERANCE:
        raise MetachronError(f"the gradient is wrong: relative error {worst:.1e} against central differences")
    return worst
