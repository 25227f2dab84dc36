"""What few nodes get wrong, to second order.

The error of a patient's integral is smooth in the population parameters, so value, gradient and Hessian of the log
likelihood on many nodes, once, stand in for many nodes at every step.

Each order of the error is smaller than the one before it by about the square root of the number of patients: one
patient's data move little over one posterior standard deviation. What is left beyond the second order is seen, and
corrected, when the draws are weighed on other nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.marginal.coordinates import Coordinates, vector_at
from metachron.inference.marginal.density import log_likelihood
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint.vector import population_at

STEP = 0.5
"""Half the distance of the central differences, in standard deviations: derivatives are those of the neighbourhood in
which draws lie, and no second derivative is compiled."""
REACH = 4.0
"""Standard deviations per root of the dimension beyond which the expansion levels off."""


class Expansion(NamedTuple):
    """Value, gradient and Hessian about the centre of whitened coordinates.

    ``bend`` is what third derivatives add to the mean gradient over a standard normal neighbourhood: with it the
    quadratic is the best one for draws, without it the best one at the centre.
    """

    value: Float[Array, ""]
    gradient: Float[Array, " free"]
    bend: Float[Array, " free"]
    hessian: Float[Array, "free free"]

    def at(self, white: Float[Array, " free"]) -> Float[Array, ""]:
        """Return the quadratic at a whitened vector; it levels off far out, where nothing is known of the error."""
        near = white / jnp.sqrt(1.0 + jnp.sum(jnp.square(white)) / (REACH**2 * white.shape[0]))
        return self.value + (self.gradient + self.bend) @ near + 0.5 * near @ self.hessian @ near

    def at_centre(self) -> Expansion:
        """Return the expansion that is the best one at the centre."""
        return self._replace(bend=jnp.zeros_like(self.bend))

    def minus(self, other: Expansion) -> Expansion:
        """Return the difference."""
        return Expansion(*(own - its for own, its in zip(self, other, strict=True)))

    @property
    def spread(self) -> float:
        """Standard deviation of the quadratic over a standard normal vector."""
        squares = np.sum(np.square(self.gradient + self.bend)) + 0.5 * np.sum(np.square(self.hessian))
        return float(np.sqrt(squares))


def expand(view: NodeModel, tables: Iterable[NodeTable], coordinates: Coordinates) -> Expansion:
    """Return the expansion of the log likelihood on nodes that come table by table (all of one shape)."""
    free = len(coordinates.centre)
    offsets = STEP * np.concatenate([np.zeros((1, free)), np.eye(free), -np.eye(free)])
    affine = jnp.asarray(coordinates.centre), jnp.asarray(coordinates.scale)
    value, white = 0.0, np.zeros((2 * free + 1, free))
    for table in tables:
        values, slopes = _gradients(jnp.asarray(offsets), affine, table, view=view)
        value += float(values[0])
        white += np.asarray(slopes)
    hessian = (white[1 : free + 1] - white[free + 1 :]) / (2.0 * STEP)
    bend = np.sum(0.5 * (white[1 : free + 1] + white[free + 1 :]) - white[0], axis=0) / STEP**2
    parts = (np.asarray(value), white[0], bend, 0.5 * (hessian + hessian.T))
    return Expansion(*(jnp.asarray(part) for part in parts))


def mean(first: Expansion, second: Expansion) -> Expansion:
    """Return the mean of two expansions."""
    return Expansion(*(0.5 * (one + other) for one, other in zip(first, second, strict=True)))


@partial(jax.jit, static_argnames=("view",))
def _gradients(
    white: Float[Array, "point free"], affine: tuple[Array, Array], table: NodeTable, *, view: NodeModel
) -> tuple[Array, Array]:
    def at(point: Array) -> Array:
        vector = vector_at(point, *affine, view)[0]
        return log_likelihood(view, population_at(vector, view.model, view.dims), table)

    return jax.lax.map(jax.value_and_grad(at), white)


@jax.jit
def evaluate(expansion: Expansion, white: Float[Array, "draw free"]) -> Float[Array, " draw"]:
    """Return the expansion at many whitened vectors."""
    return jax.vmap(expansion.at)(white)
