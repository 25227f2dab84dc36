"""The marginal density: patient effects integrated out on fixed nodes, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.table import NodeModel, NodeTable, block_by_slot
from metachron.joint.sites import Theta, unpack_population


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def log_likelihood(view: NodeModel, theta: Theta, table: NodeTable) -> Float[Array, ""]:
    """Return the log likelihood of all patients.

    Its gradient is taken block by block while the block is at hand, so that memory does not grow with the number of
    blocks beyond that of the table.
    """
    _, total = jax.lax.scan(lambda _, block: (None, jnp.sum(block_by_slot(view, theta, block))), None, table)
    return jnp.sum(total)


def _forward(view: NodeModel, theta: Theta, table: NodeTable) -> tuple[Array, Any]:
    def step(carry: Any, block: NodeTable) -> tuple[Any, None]:
        value = jax.value_and_grad(lambda at: jnp.sum(block_by_slot(view, at, block)))(theta)
        return jax.tree.map(jnp.add, carry, value), None

    start = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), dict(theta)))
    (total, gradient), _ = jax.lax.scan(step, start, table)
    return total, gradient


def _backward(view: NodeModel, gradient: Any, cotangent: Array) -> tuple[Any, None]:
    return jax.tree.map(lambda leaf: leaf * cotangent, gradient), None


log_likelihood.defvjp(_forward, _backward)


class Whitened(NamedTuple):
    """A table, and the affine map from the sampler's coordinates to the unconstrained population parameters."""

    table: NodeTable
    centre: Float[Array, " free"]
    scale: Float[Array, "free free"]


@dataclass(frozen=True)
class MarginalDensity:
    """The posterior of the population parameters alone, in whitened coordinates."""

    view: NodeModel

    def __call__(self, vector: Float[Array, " free"], data: Whitened) -> Float[Array, ""]:
        """Return the log density at a whitened vector."""
        theta, prior = unpack_population(data.centre + data.scale @ vector, self.view.model, self.view.dims)
        return prior + log_likelihood(self.view, theta, data.table)


@partial(jax.jit, static_argnames=("view", "with_prior"))
def value_and_gradient(
    vector: Float[Array, " free"], table: NodeTable, *, view: NodeModel, with_prior: bool
) -> tuple[Float[Array, ""], Float[Array, " free"]]:
    """Return the log posterior, or the log likelihood, at an unconstrained vector, with its gradient."""

    def density(at: Array) -> Array:
        theta, prior = unpack_population(at, view.model, view.dims)
        return log_likelihood(view, theta, table) + (prior if with_prior else 0.0)

    return jax.value_and_grad(density)(vector)
