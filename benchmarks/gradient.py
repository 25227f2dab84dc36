"""The cost of one gradient of the joint log density, and whether it is the right gradient."""

from __future__ import annotations

import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from metachron.cohort import Cohort
from metachron.joint import JointModel
from metachron.joint.sites import median_values, pack

REPEATS = 9
CALLS = 400
STEP = 1e-5
TOLERANCE = 1e-5
"""Relative; a central difference with step 1e-5 of a function known to 1e-12 errs by about 1e-7."""


@dataclass(frozen=True)
class GradientCost:
    """Milliseconds per gradient (median and range over repeats), compile seconds, and the size of the problem."""

    median_ms: float
    fastest_ms: float
    slowest_ms: float
    compile_seconds: float
    dimensions: int
    error: float


def measure_gradient(model: JointModel, cohort: Cohort) -> GradientCost:
    """Return what a gradient costs inside compiled code, CPU time of one thread.

    Raises
    ------
    ValueError
        When the gradient differs from central differences: a wrong answer is not timed.
    """
    binding = model.bind(cohort)

    def density(vector: jax.Array) -> jax.Array:
        return model.log_density(vector, binding.design, binding.dims)

    start = pack(median_values(model, binding.dims), model, binding.dims)
    error = _error(density, start)
    if error > TOLERANCE:
        raise ValueError(f"the gradient is wrong: relative error {error:.1e} against central differences")

    @jax.jit
    def many(vector: jax.Array) -> jax.Array:
        def step(position: jax.Array, _: None) -> tuple[jax.Array, None]:
            return position + 1e-9 * jax.grad(density)(position), None

        return jax.lax.scan(step, vector, None, length=CALLS)[0]

    before = time.perf_counter()
    jax.block_until_ready(many(start))
    compile_seconds = time.perf_counter() - before
    costs = []
    for _ in range(REPEATS):
        before = time.process_time()
        jax.block_until_ready(many(start))
        costs.append((time.process_time() - before) / CALLS * 1e3)
    return GradientCost(float(np.median(costs)), min(costs), max(costs), compile_seconds, start.shape[0], error)


def _error(density: object, start: jax.Array) -> float:
    """Return the relative difference between gradient and central difference along random directions."""
    gradient = jax.jit(jax.grad(density))(start)  # type: ignore[arg-type]
    worst = 0.0
    for seed in range(5):
        direction = jax.random.normal(jax.random.key(seed), start.shape)
        ahead, behind = density(start + STEP * direction), density(start - STEP * direction)  # type: ignore[operator]
        numeric = (ahead - behind) / (2 * STEP)
        worst = max(worst, float(jnp.abs(numeric - gradient @ direction) / jnp.abs(numeric)))
    return worst
