"""Working scales: the scale on which a tumour law states its location, and the way to millimetres and back."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ModelError, Registry
from metachron.base.units import MM_PER_UNIT

_MM_PER_CM = MM_PER_UNIT["cm"]


class Scale(abc.ABC):
    """A monotone map between a size in mm and the working scale of a law."""

    name: str
    unit: str
    positive: bool
    """Whether every value of the scale is a size above 0 mm."""

    @abc.abstractmethod
    def to_mm(self, location: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the size in mm."""

    @abc.abstractmethod
    def from_mm(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the value on the working scale."""

    @abc.abstractmethod
    def log_jacobian(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return log |d working / d mm|, what a log density per unit of the scale needs to be one per mm."""


@dataclass(frozen=True)
class LogScale(Scale):
    """z = log(size in mm); -inf for a size of 0 mm."""

    name = "log"
    unit = "log mm"
    positive = True

    def to_mm(self, location: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(location)

    def from_mm(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.log(size_mm)

    def log_jacobian(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return -jnp.log(size_mm)


@dataclass(frozen=True)
class LinearScale(Scale):
    """z = size in mm; a location may fall below zero."""

    name = "mm"
    unit = "mm"
    positive = False

    def to_mm(self, location: Float[Array, "..."]) -> Float[Array, "..."]:
        return location

    def from_mm(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return size_mm

    def log_jacobian(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.zeros_like(size_mm)


@dataclass(frozen=True)
class BoxCoxScale(Scale):
    """z = ((size in cm)^power - 1) / power, the scale of Krol 2016, doi:10.1111/biom.12490.

    A size of 0 mm is z = -1/power; below it there is no size, and `to_mm` gives 0 mm. ``power`` must be above 0, else
    a `ModelError` is raised (the limit at 0 is `LogScale`, of mm).
    """

    power: float = 0.3
    name = "boxcox"
    unit = "Box-Cox of cm"
    positive = False

    def __post_init__(self) -> None:
        if not self.power > 0:
            raise ModelError(f"the power of a Box-Cox scale must be above 0; found {self.power}; use the log scale")

    def to_mm(self, location: Float[Array, "..."]) -> Float[Array, "..."]:
        inside = self.power * location + 1.0
        has_size = inside > 0
        safe = jnp.where(has_size, inside, 1.0)
        return jnp.where(has_size, _MM_PER_CM * safe ** (1.0 / self.power), 0.0)

    def from_mm(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return ((size_mm / _MM_PER_CM) ** self.power - 1.0) / self.power

    def log_jacobian(self, size_mm: Float[Array, "..."]) -> Float[Array, "..."]:
        return (self.power - 1.0) * jnp.log(size_mm / _MM_PER_CM) - jnp.log(_MM_PER_CM)


SCALES: Registry[Scale] = Registry(
    "working scale", {scale.name: scale for scale in (LinearScale(), LogScale(), BoxCoxScale())}
)
"""The working scales by name, the Box-Cox scale with its published power."""
