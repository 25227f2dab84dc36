"""What chains sample: a log density, the arrays it needs, and where to start; the joint one is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
from jaxtyping import Array, Float

from metachron.joint import Design, Dims, JointModel
from metachron.joint.design import Binding
from metachron.joint.hierarchical import Shares, to_standard
from metachron.joint.vector import median_values, pack


class Density(Protocol):
    """A log density: hashable, so that equal ones share compiled code; the arrays it needs are handed over as data."""

    def __call__(self, vector: Float[Array, " free"], data: Any) -> Float[Array, ""]:
        """Return the log density at a vector."""
        ...


@dataclass(frozen=True, eq=False)
class Target:
    """A density with its data, and the function that gives a chain's starting vector from its random key.

    ``standard`` takes draws to the vectors of `metachron.joint.vector.pack`; None where they are those already.
    ``scale`` is a first guess at the spread of each coordinate; None: from the gradient at the start.
    """

    density: Density
    data: Any
    start: Callable[[Array], Float[Array, " free"]]
    standard: Callable[[Float[Array, "draw free"]], Float[Array, "draw free"]] | None = None
    scale: Float[Array, " free"] | None = None


@dataclass(frozen=True)
class JointDensity:
    """The posterior of population parameters and patient effects together."""

    model: JointModel
    dims: Dims

    def __call__(self, vector: Float[Array, " free"], data: Design) -> Float[Array, ""]:
        """Return the log density at an unconstrained vector of `metachron.joint.vector.pack`."""
        return self.model.log_density(vector, data, self.dims)


@dataclass(frozen=True)
class CentredDensity:
    """The same posterior in the coordinates of `metachron.joint.hierarchical`."""

    model: JointModel
    dims: Dims

    def __call__(self, vector: Float[Array, " free"], data: tuple[Design, Shares]) -> Float[Array, ""]:
        """Return the log density at a vector in these coordinates."""
        standard, change = to_standard(vector, self.model, data[0], self.dims, data[1])
        standard = jax.lax.optimization_barrier(standard)  # else the compiler computes the map anew for every size
        return self.model.log_density(standard, data[0], self.dims) + change


def joint_target(model: JointModel, binding: Binding) -> Target:
    """Return the joint posterior; chains start at the prior medians, effects at zero, shaken a little.

    Sizes lesion by lesion are sampled in hierarchically centred coordinates, from near the maximum on; the draws come
    back standardised.
    """
    design, dims = binding.design, binding.dims

    def start(key: Array) -> Array:
        vector = pack(median_values(model, dims), model, dims)
        return vector + 0.1 * jax.random.uniform(key, vector.shape, minval=-1.0, maxval=1.0)

    if not model.single_lesions:
        return Target(JointDensity(model, dims), design, start)
    from metachron.inference.centring import centre  # here, since it imports an optimiser

    shares, middle, scale = centre(model, binding)
    return Target(
        CentredDensity(model, dims), (design, shares),
        lambda key: middle + scale * jax.random.uniform(key, middle.shape, minval=-1.0, maxval=1.0),
        partial(_standardised, design=design, shares=shares, model=model, dims=dims), scale,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("model", "dims"))
def _standardised(
    vectors: Float[Array, "draw free"], *, design: Design, shares: Shares, model: JointModel, dims: Dims
) -> Float[Array, "draw free"]:
    return jax.lax.map(lambda vector: to_standard(vector, model, design, dims, shares)[0], vectors)
