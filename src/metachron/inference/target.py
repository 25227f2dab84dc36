"""What chains sample: a log density, the arrays it needs, and where to start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
from jaxtyping import Array, Float

from metachron.joint import Dims, JointModel
from metachron.joint.sites import median_values, pack


class Density(Protocol):
    """A log density: hashable, so that equal ones share compiled code; the arrays it needs are handed over as data."""

    def __call__(self, vector: Float[Array, " free"], data: Any) -> Float[Array, ""]:
        """Return the log density at a vector."""
        ...


@dataclass(frozen=True, eq=False)
class Target:
    """A density with its data, and the function that gives a chain's starting vector from its random key."""

    density: Density
    data: Any
    start: Callable[[Array], Float[Array, " free"]]


def start_at_medians(model: JointModel, dims: Dims, key: Array) -> Float[Array, " free"]:
    """Return a vector at the prior medians, effects at zero, shaken a little."""
    vector = pack(median_values(model, dims), model, dims)
    return vector + 0.1 * jax.random.uniform(key, vector.shape, minval=-1.0, maxval=1.0)
