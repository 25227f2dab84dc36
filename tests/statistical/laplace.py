"""The Laplace approximation of each patient's integral: what the marginal engine must not be content with."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.joint import Design, Dims, JointModel
from metachron.joint.sites import Theta
from metachron.joint.vector import Values, effect_shapes, unpack_population

STEPS, HALVINGS, MOVED = 40, 4, 1e-6
"""Newton steps at most, halvings of each, and the length of a step below which all patients are at their modes."""
LEAST_CURVATURE = 0.05
"""Of the Newton step: the prior of a standardised effect alone bends with 1."""


@partial(jax.jit, static_argnames=("model", "dims"))
def laplace_by_patient(
    vectors: Float[Array, "draw free"], design: Design, *, model: JointModel, dims: Dims
) -> Float[Array, "draw patient"]:
    """Return log of the integral of exp f over standardised effects, f its second-order expansion at the mode.

    f(z) = log p(data | theta, z) - |z|^2 / 2 - (d / 2) log(2 pi), and the integral is exp f(mode) sqrt((2 pi)^d / |H|)
    with H = -f'' there. The mode is found by Newton steps from 0, curvature made positive, halved until f rises.
    """
    shape = effect_shapes(model, dims)[0]

    def one(vector: Array) -> Array:
        theta, _ = unpack_population(vector, model, dims)

        def newton(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
            at, base, step, _ = state
            gradient, curvature = _slopes(at, theta, design, model, dims)
            values, axes = jnp.linalg.eigh(curvature)
            way = _solve(axes, jnp.maximum(values, LEAST_CURVATURE), gradient)
            way = way / jnp.maximum(1.0, jnp.linalg.norm(way, axis=1, keepdims=True))
            best, height = at, base
            for halving in range(HALVINGS):
                tried = at + 0.5**halving * way
                reached = _log_joint(tried, theta, design, model, dims)
                better = reached > height
                best, height = jnp.where(better[:, None], tried, best), jnp.where(better, reached, height)
            return best, height, step + 1, jnp.max(jnp.abs(best - at))

        start = jnp.zeros(shape)
        base = _log_joint(start, theta, design, model, dims)
        go_on = lambda state: (state[2] < STEPS) & (state[3] > MOVED)  # noqa: E731
        mode = jax.lax.while_loop(go_on, newton, (start, base, jnp.asarray(0), jnp.asarray(jnp.inf)))[0]
        values = jnp.linalg.eigvalsh(_slopes(mode, theta, design, model, dims)[1])
        log_volume = -0.5 * jnp.sum(jnp.log(jnp.maximum(values, 1e-3)), axis=1)
        return _log_joint(mode, theta, design, model, dims) + log_volume + 0.5 * shape[1] * jnp.log(2 * jnp.pi)

    return jax.lax.map(one, vectors)


def _log_joint(effects: Array, theta: Theta, design: Design, model: JointModel, dims: Dims) -> Array:
    data = model.log_likelihood_by_patient(Values(dict(theta), effects, jnp.zeros((0, 0))), design, dims)
    return data - 0.5 * jnp.sum(jnp.square(effects), axis=1) - 0.5 * effects.shape[1] * jnp.log(2 * jnp.pi)


def _slopes(effects: Array, theta: Theta, design: Design, model: JointModel, dims: Dims) -> tuple[Array, Array]:
    """Return gradient and negative Hessian by patient: no patient touches another, so one direction serves all."""

    def gradient(at: Array) -> Array:
        return jax.grad(lambda z: jnp.sum(_log_joint(z, theta, design, model, dims)))(at)

    directions = [jnp.zeros_like(effects).at[:, k].set(1.0) for k in range(effects.shape[1])]
    columns = [jax.jvp(gradient, (effects,), (direction,))[1] for direction in directions]
    return gradient(effects), -jnp.stack(columns, axis=2)


def _solve(axes: Array, values: Array, vector: Array) -> Array:
    along = jnp.einsum("pji,pj->pi", axes, vector) / values
    return jnp.einsum("pij,pj->pi", axes, along)
