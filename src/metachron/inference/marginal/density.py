"""The marginal density: patient effects integrated out on fixed nodes, block by block."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.kernel import RowTerms, log_likelihood_by_slot, row_terms
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint.sites import Theta
from metachron.joint.vector import unpack_population


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def log_likelihood(view: NodeModel, theta: Theta, table: NodeTable) -> Float[Array, ""]:
    """Return the log likelihood of all patients.

    Its gradient is taken block by block while the block is at hand, so that memory does not grow with the number of
    blocks beyond that of the table and of a few numbers per row.
    """

    def step(total: Array, block: tuple[NodeTable, RowTerms]) -> tuple[Array, None]:
        own, rows = block
        return total + jnp.sum(log_likelihood_by_slot(view, theta, rows, own)), None

    return jax.lax.scan(step, jnp.zeros(()), (table, row_terms(view, theta, table)))[0]


def _forward(view: NodeModel, theta: Theta, table: NodeTable) -> tuple[Array, Any]:
    rows, pull_back = jax.vjp(lambda at: row_terms(view, at, table), dict(theta))

    def step(carry: Any, block: tuple[NodeTable, RowTerms]) -> tuple[Any, RowTerms]:
        own, terms = block

        def of_block(at: Theta, given: RowTerms) -> Array:
            return jnp.sum(log_likelihood_by_slot(view, at, given, own))

        value, (direct, by_row) = jax.value_and_grad(of_block, argnums=(0, 1))(dict(theta), terms)
        return jax.tree.map(jnp.add, carry, (value, direct)), by_row

    start = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), dict(theta)))
    (total, direct), by_row = jax.lax.scan(step, start, (table, rows))
    return total, jax.tree.map(jnp.add, direct, pull_back(by_row)[0])


def _backward(view: NodeModel, gradient: Any, cotangent: Array) -> tuple[Any, None]:
    return jax.tree.map(lambda leaf: leaf * cotangent, gradient), None


log_likelihood.defvjp(_forward, _backward)


@partial(jax.jit, static_argnames=("view", "with_prior"))
def value_and_gradient(
    vector: Float[Array, " free"], table: NodeTable, *, view: NodeModel, with_prior: bool
) -> tuple[Float[Array, ""], Float[Array, " free"]]:
    """Return the log posterior, or the log likelihood, at an unconstrained vector, with its gradient."""

    def density(at: Array) -> Array:
        theta, prior = unpack_population(at, view.model, view.dims)
        return log_likelihood(view, theta, table) + (prior if with_prior else 0.0)

    return jax.value_and_grad(density)(vector)
