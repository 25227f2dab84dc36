"""Working scales: the scale on which a tumour law states its location, and the way to millimetres and back."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float


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
    """z = log(size in mm)."""

    name = "log"
    unit = "log mm"
    positive = True

    def to_mm(self, location):
        return jnp.exp(location)

    def from_mm(self, size_mm):
        return jnp.log(size_mm)

    def log_jacobian(self, size_mm):
        return -jnp.log(size_mm)


@dataclass(frozen=True)
class LinearScale(Scale):
    """z = size in mm; a location may fall below zero."""

    name = "mm"
    unit = "mm"
    positive = False

    def to_mm(self, location):
        return location

    def from_mm(self, size_mm):
        return size_mm

    def log_jacobian(self, size_mm):
        return jnp.zeros_like(size_mm)


@dataclass(frozen=True)
class BoxCoxScale(Scale):
    """z = ((size in cm)^power - 1) / power, the scale of Krol 2016, doi:10.1111/biom.12490.

    Below z = -1/power there is no size; `to_mm` gives 0 mm there.
    """

    power: float = 0.3
    name = "boxcox"
    unit = "Box-Cox of cm"
    positive = False

    def to_mm(self, location):
        inside = self.power * location + 1.0
        safe = jnp.where(inside > 0, inside, 1.0)
        return jnp.where(inside > 0, 10.0 * safe ** (1.0 / self.power), 0.0)

    def from_mm(self, size_mm):
        return ((size_mm / 10.0) ** self.power - 1.0) / self.power

    def log_jacobian(self, size_mm):
        return (self.power - 1.0) * jnp.log(size_mm / 10.0) - jnp.log(10.0)
