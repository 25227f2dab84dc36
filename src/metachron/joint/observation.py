"""Observation laws: how a recorded size scatters about the trajectory, with sizes too small to measure censored.

Every law says on which value the scatter is normal (mm, log mm, or the working scale of the tumour law) and gives
its mean and standard deviation there. A size below the limit contributes the normal distribution function at the
limit, on the log scale and without cancellation, never a substituted number.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import IncompatiblePartsError, ParameterSpec, Prior, Registry, Transform
from metachron.dynamics import Law, LinearScale, LogScale, Scale
from metachron.hazards.normal_tail import normal_cumulative_hazard

_LOG_SQRT_2PI = 0.9189385332046727
Residual = Mapping[str, Float[Array, ""]]


def _sd(name: str, unit: str, meaning: str, scale: float, reason: str) -> ParameterSpec:
    prior = Prior("half_normal", (scale,), reason)
    return ParameterSpec(name, Transform.IDENTITY, unit, meaning, prior)


_PROPORTIONAL = _sd(
    "proportional", "fraction of the size", "scatter of a measurement relative to the size", 0.5,
    "repeat reading of the same scan differs by 5 to 20 %; above 100 % a size says nothing",
)  # fmt: skip
_ADDITIVE_MM = _sd("additive_mm", "mm", "scatter of a measurement in mm", 10.0, "repeat readings differ by millimetres")
_ADDITIVE = _sd("additive", "working scale", "scatter on the law's working scale", 1.0, "one log or Box-Cox unit")
_LOG_SD = _sd("log_sd", "log mm", "scatter of the log size", 0.5, "as the proportional one, on the log scale")


class Observation(abc.ABC):
    """An observation law. Subclasses are frozen dataclasses: hashable, without arrays."""

    name: ClassVar[str]
    equation: ClassVar[str]
    needs_positive_size: ClassVar[bool]
    scales: ClassVar[bool] = True
    """Whether the standard deviation is proportional to the law's one parameter."""

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[ParameterSpec, ...]:
        """Standard deviations, each with its prior."""

    @abc.abstractmethod
    def value_scale(self, law: Law) -> Scale:
        """Return the scale on which the scatter is normal."""

    @abc.abstractmethod
    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        """Return mean and standard deviation of the recorded value, from the location on the law's working scale."""

    def log_density(
        self, value: Float[Array, " row"], location: Float[Array, " row"], law: Law, residual: Residual
    ) -> Float[Array, " row"]:
        """Return the log density of recorded values, per unit of `value_scale`."""
        mean, sd = self.mean_and_sd(location, law, residual)
        return -0.5 * jnp.square((value - mean) / sd) - jnp.log(sd) - _LOG_SQRT_2PI

    def log_below(
        self, limit: Float[Array, " row"], location: Float[Array, " row"], law: Law, residual: Residual
    ) -> Float[Array, " row"]:
        """Return the log probability of a value below the limit (left-censoring)."""
        mean, sd = self.mean_and_sd(location, law, residual)
        return -normal_cumulative_hazard((mean - limit) / sd)

    def check(self, law: Law) -> None:
        """Raise `IncompatiblePartsError` when sizes may be <= 0 and the observation law needs them positive."""
        if self.needs_positive_size and not law.scale.positive:
            raise IncompatiblePartsError(
                f"the observation law {self.name!r} needs sizes above 0 mm, and the tumour law {law.name!r} can give "
                "sizes at or below 0; take 'additive' or 'additive-mm', or a law on the log scale"
            )


@dataclass(frozen=True)
class Additive(Observation):
    """Constant scatter on the law's working scale."""

    name = "additive"
    equation = "z ~ N(location(t), sigma^2) on the working scale"
    needs_positive_size = False
    parameters = (_ADDITIVE,)

    def value_scale(self, law: Law) -> Scale:
        return law.scale

    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        return location, residual["additive"]


@dataclass(frozen=True)
class AdditiveMm(Observation):
    """Constant scatter in mm."""

    name = "additive-mm"
    equation = "y ~ N(size(t), sigma^2) in mm"
    needs_positive_size = False
    parameters = (_ADDITIVE_MM,)

    def value_scale(self, law: Law) -> Scale:
        return LinearScale()

    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        return law.scale.to_mm(location), residual["additive_mm"]


@dataclass(frozen=True)
class Proportional(Observation):
    """Scatter in proportion to the size."""

    name = "proportional"
    equation = "y ~ N(size(t), (tau size(t))^2) in mm"
    needs_positive_size = True
    parameters = (_PROPORTIONAL,)

    def value_scale(self, law: Law) -> Scale:
        return LinearScale()

    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        mean = law.scale.to_mm(location)
        return mean, residual["proportional"] * mean


@dataclass(frozen=True)
class Combined(Observation):
    """A constant part in mm and a part in proportion to the size."""

    name = "combined"
    equation = "y ~ N(size(t), sigma^2 + (tau size(t))^2) in mm"
    needs_positive_size = False
    scales = False
    parameters = (_ADDITIVE_MM, _PROPORTIONAL)

    def value_scale(self, law: Law) -> Scale:
        return LinearScale()

    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        mean = law.scale.to_mm(location)
        return mean, jnp.hypot(residual["additive_mm"], residual["proportional"] * mean)


@dataclass(frozen=True)
class LogNormal(Observation):
    """Constant scatter of the log size."""

    name = "log-normal"
    equation = "log y ~ N(log size(t), sigma^2)"
    needs_positive_size = True
    parameters = (_LOG_SD,)

    def value_scale(self, law: Law) -> Scale:
        return LogScale()

    def mean_and_sd(
        self, location: Float[Array, " row"], law: Law, residual: Residual
    ) -> tuple[Float[Array, " row"], Float[Array, " row"]]:
        mean = location if isinstance(law.scale, LogScale) else jnp.log(law.scale.to_mm(location))
        return mean, residual["log_sd"]


OBSERVATIONS: Registry[type[Observation]] = Registry(
    "observation law", {law.name: law for law in (Additive, AdditiveMm, Proportional, Combined, LogNormal)}
)
