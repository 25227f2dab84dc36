"""Whitened coordinates of the population parameters: about standard normal under the posterior."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.marginal.table import NodeModel
from metachron.joint.hierarchical import organs_from_standard, organs_to_standard


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The map from whitened coordinates to the unconstrained population parameters.

    Affine onto the vector in which organs stand for themselves; where there are effects of organs, the vector with
    standardised ones is a bent image of that: data know the organs, and where their spread moves, standardised effects
    have to move against it.
    """

    centre: Float[np.ndarray, " free"]
    scale: Float[np.ndarray, "free free"]
    view: NodeModel

    @classmethod
    def about(
        cls, vector: Float[np.ndarray, " free"], covariance: Float[np.ndarray, "free free"], view: NodeModel
    ) -> Coordinates:
        """Return the coordinates about a vector in which a covariance there is the identity."""
        centre, slope = _from_standard(jnp.asarray(vector), view=view)
        slope = np.asarray(slope)
        return cls(np.asarray(centre), np.linalg.cholesky(slope @ covariance @ slope.T), view)

    def vectors(self, white: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "draw free"]:
        """Return unconstrained vectors."""
        return np.asarray(_to_standard(self.centre + white @ self.scale.T, view=self.view)[0])

    def log_change(self, white: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, " draw"]:
        """Return the log of the absolute Jacobian determinant of the map, up to a constant."""
        return np.asarray(_to_standard(self.centre + white @ self.scale.T, view=self.view)[1])

    def linearised(
        self, white: Float[np.ndarray, " free"]
    ) -> tuple[Float[np.ndarray, " free"], Float[np.ndarray, "free free"]]:
        """Return the unconstrained vector at whitened coordinates, and its derivative by them."""
        found = _linearised(jnp.asarray(white), jnp.asarray(self.centre), jnp.asarray(self.scale), view=self.view)
        return np.asarray(found[0]), np.asarray(found[1])


@partial(jax.jit, static_argnames=("view",))
def _linearised(white: Array, centre: Array, scale: Array, *, view: NodeModel) -> tuple[Array, Array]:
    def at(point: Array) -> Array:
        return vector_at(point, centre, scale, view)[0]

    return at(white), jax.jacfwd(at)(white)


def vector_at(
    white: Float[Array, " free"], centre: Float[Array, " free"], scale: Float[Array, "free free"], view: NodeModel
) -> tuple[Float[Array, " free"], Float[Array, ""]]:
    """Return the unconstrained vector at whitened coordinates, and the log Jacobian determinant as in `Coordinates`."""
    return organs_to_standard(centre + scale @ white, view.model, view.dims)


@partial(jax.jit, static_argnames=("view",))
def _to_standard(straight: Float[Array, "draw free"], *, view: NodeModel) -> tuple[Array, Array]:
    return jax.vmap(lambda vector: organs_to_standard(vector, view.model, view.dims))(straight)


@partial(jax.jit, static_argnames=("view",))
def _from_standard(vector: Float[Array, " free"], *, view: NodeModel) -> tuple[Array, Array]:
    def back(at: Array) -> Array:
        return organs_from_standard(at, view.model, view.dims)

    return back(vector), jax.jacfwd(back)(vector)
