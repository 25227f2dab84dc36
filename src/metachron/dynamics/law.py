"""What a tumour law is: parameters, a working scale, a location over time, and the time its growth begins."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ModelError, ParameterSpec, Transform
from metachron.dynamics.scale import Scale

Psi = Mapping[str, Float[Array, "..."]]
"""Parameter values on their transform scale (log, logit or as they are), keyed by `ParameterSpec.name`."""

_EVERY_LAW = frozenset({"location", "size", "rate", "area"})

NO_GROWTH = -30.0
"""Log of a growth (1/year or mm/year) that counts as none: with 1e-13 a year no size moves within a lifetime by more
than rounding does. Not minus infinity, whose derivatives are none: so formulas of laws hold as they are, and where a
tumour vanishes the growth keeps its log finite (1e-13 of the baseline size) in single precision too."""


class Law(abc.ABC):
    """A law of tumour size over time. Subclasses are frozen dataclasses: hashable, without arrays.

    The law receives its parameters on the transform scale (``psi``), because log and logit values stay exact where
    natural ones overflow or round; `natural` gives the others. All arrays broadcast against ``time_year``. Size must
    not rise between day 0 and `time_to_growth_year`, nor fall after it: nadir and progression rest on that.
    """

    source: str
    equation: str

    capabilities: frozenset[str] = frozenset()
    """What the law provides beyond the properties of every law: see `provides`."""

    vanishing_growth: tuple[str, float] | None = None
    """The parameter that is the growth of the law, and the value on its transform scale at which there is none: the
    treatment alone acts from day 0 on. None where a law has no such parameter."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The registered name."""

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[ParameterSpec, ...]:
        """The parameters, in a fixed order; the first is the location at day 0, as size or on the working scale."""

    @property
    @abc.abstractmethod
    def scale(self) -> Scale:
        """The declared working scale of `location`."""

    @abc.abstractmethod
    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        """Return the location on the working scale; before day 0 the law without treatment."""

    @abc.abstractmethod
    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return the time at which the derivative turns positive: never negative, inf when it never does."""

    def closed_area_mm_year(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."] | None:
        """Return the integral of the size from day 0 to t in mm x year, or None where it has no closed form."""
        return None

    def natural(self, psi: Psi) -> dict[str, Float[Array, "..."]]:
        """Return the parameters on their natural scale, keyed by `ParameterSpec.name`."""
        return {spec.name: to_natural(spec.transform, psi[spec.name]) for spec in self.parameters}

    def psi(self, **natural: float | Float[Array, "..."]) -> dict[str, Float[Array, "..."]]:
        """Return the parameters on their transform scale from natural values given by name.

        Raises
        ------
        ModelError : a name is missing or unknown, or a value lies outside its range (a log of a negative number).
        """
        names = [spec.name for spec in self.parameters]
        if set(natural) != set(names):
            found = ", ".join(natural) or "none"
            raise ModelError(f"the law {self.name} needs values of {', '.join(names)}; found {found}")
        values = {spec.name: from_natural(spec.transform, natural[spec.name]) for spec in self.parameters}
        for spec in self.parameters:
            value = values[spec.name]
            if not isinstance(value, jax.core.Tracer) and bool(jnp.isnan(value).any()):
                raise ModelError(f"{spec.name} of the law {self.name} has no {spec.transform}: {natural[spec.name]}")
        return values


def provides(law: Law) -> frozenset[str]:
    """Return the names of the properties that a link may ask of trajectories of this law.

    - ``location``, ``size``, ``rate``, ``area``: every law.
    - ``positive_size``: the size is above 0 mm for every parameter value, so that its log exists.
    - ``growth``: ``growth_per_year`` is the relative rate (1/year) of exponential growth that remains when the
      treatment no longer acts. Not Wang (mm/year) and not Gompertz (its relative rate depends on the size).
    - ``shrinkage``: ``shrinkage_per_year`` is the relative rate (1/year) of exponential decay of the part that the
      treatment reaches, constant in time. Not Claret-Bruno (its inhibition fades) and not Gompertz (its kill acts
      against growth), whose net decline at day 0 is the link to their rate instead.
    - ``resistant_fraction``: the share of the baseline size that the treatment does not reach.
    - ``time_to_growth``: it varies continuously with the parameters. Not the random slope and Gompertz with constant
      kill, where growth begins at once or never.
    """
    return _EVERY_LAW | law.capabilities | ({"positive_size"} if law.scale.positive else frozenset())


def time_on_treatment_year(time_year: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the time since day 0, and 0 before it; the derivative at day 0 is the one from the right.

    A law written as growth without treatment plus a treatment term of this time, zero at zero, needs no other branch.
    """
    return jnp.where(time_year >= 0, time_year, 0.0)


def to_natural(transform: Transform, value: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the natural value of a transformed one."""
    if transform is Transform.LOG:
        return jnp.exp(value)
    return jax.nn.sigmoid(value) if transform is Transform.LOGIT else jnp.asarray(value)


def from_natural(transform: Transform, value: float | Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the transformed value of a natural one; NaN outside the range of the transform."""
    value = jnp.asarray(value, dtype=float)
    if transform is Transform.LOG:
        return jnp.log(value)
    return jnp.log(value) - jnp.log1p(-value) if transform is Transform.LOGIT else value
