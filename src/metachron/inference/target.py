"""What chains sample: a log density, the arrays it needs, and where to start; the joint one is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
from jaxtyping import Array, Float

from metachron.joint import Design, Dims, JointModel
from metachron.joint.design import Binding
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


@dataclass(frozen=True)
class JointDensity:
    """The posterior of population parameters and patient effects together."""

    model: JointModel
    dims: Dims

    def __call__(self, vector: Float[Array, " free"], data: Design) -> Float[Array, ""]:
        """Return the log density at an unconstrained vector of `metachron.joint.sites.pack`."""
        return self.model.log_density(vector, data, self.dims)


def joint_target(model: JointModel, binding: Binding) -> Target:
    """Return the joint posterior; chains start at the prior medians, effects at zero, shaken a little."""

    def start(key: Array) -> Array:
        vector = pack(median_values(model, binding.dims), model, binding.dims)
        return vector + 0.1 * jax.random.uniform(key, vector.shape, minval=-1.0, maxval=1.0)

    return Target(JointDensity(model, binding.dims), binding.design, start)
