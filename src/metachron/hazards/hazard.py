"""What a baseline hazard is: parameters, a log hazard, and a cumulative hazard in closed form."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Array, Float

from metachron.base import ParameterSpec

Psi = Mapping[str, Float[Array, "..."]]
"""Parameter values on their transform scale, keyed by `ParameterSpec.name`; vectors have a last axis of components."""


class Hazard(abc.ABC):
    """A baseline hazard, time in years. Subclasses are frozen dataclasses: hashable, without arrays.

    Knots are data of a cohort, not of the model: they are passed in, so that another cohort compiles nothing.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    equation: ClassVar[str]

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[ParameterSpec, ...]:
        """The parameters, in a fixed order, with the number of components of each (`ParameterSpec.size`)."""

    @property
    def knot_count(self) -> int:
        """Number of knots that `log_hazard` and `cumulative` expect (0: none)."""
        return 0

    @abc.abstractmethod
    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        """Return log h0(t), t > 0."""

    @abc.abstractmethod
    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        """Return the integral of h0 from 0 to t in closed form; 0 at t = 0, gradients finite there."""
