"""The posterior of the population parameters alone, in coordinates in which it is about standard normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.coordinates import Coordinates, vector_at
from metachron.inference.marginal.density import log_likelihood
from metachron.inference.marginal.expansion import Expansion
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.inference.target import Target
from metachron.joint.vector import unpack_population

START_SPREAD = 1.0
"""Of the chains' starting points, in standard deviations of the normal approximation."""


class Whitened(NamedTuple):
    """Nodes in single precision, what they get wrong, and the affine map that whitens the population parameters."""

    table: NodeTable
    correction: Expansion
    centre: Float[Array, " free"]
    scale: Float[Array, "free free"]


@dataclass(frozen=True)
class MarginalDensity:
    """The log density that the sampler sees."""

    view: NodeModel

    def __call__(self, vector: Float[Array, " free"], data: Whitened) -> Float[Array, ""]:
        """Return the log density at a whitened vector."""
        at, change = vector_at(vector, data.centre, data.scale, self.view)
        theta, prior = unpack_population(at, self.view.model, self.view.dims)
        return prior + change + log_likelihood(self.view, theta, data.table) + data.correction.at(vector)


def whitened_target(view: NodeModel, table: NodeTable, correction: Expansion, coordinates: Coordinates) -> Target:
    """Return what the sampler needs.

    Nodes are in single precision here: what that changes is far below what more nodes would (see the tests).
    """
    data = Whitened(table.single(), correction, jnp.asarray(coordinates.centre), jnp.asarray(coordinates.scale))

    def start(key: jax.Array) -> jax.Array:
        return START_SPREAD * jax.random.normal(key, data.centre.shape)

    return Target(MarginalDensity(view), data, start)
