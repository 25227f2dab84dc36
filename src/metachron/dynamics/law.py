"""What a tumour law is: parameters, a working scale, a location over time, and the time its growth begins."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Transform
from metachron.dynamics.scale import Scale

Psi = Mapping[str, Float[Array, "..."]]
"""Parameter values on their transform scale (log, logit or as they are), keyed by `ParameterSpec.name`."""


class Law(abc.ABC):
    """A law of tumour size over time. Subclasses are frozen dataclasses: hashable, without arrays.

    The law receives its parameters on the transform scale (``psi``), because log and logit values stay exact where
    natural ones overflow or round; `natural` gives the others. All arrays broadcast against ``time_year``.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    equation: ClassVar[str]

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[ParameterSpec, ...]:
        """The parameters, in a fixed order."""

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

    def natural(self, psi: Psi) -> dict[str, Float[Array, "..."]]:
        """Return the parameters on their natural scale, keyed by `ParameterSpec.name`."""
        return {spec.name: to_natural(spec.transform, psi[spec.name]) for spec in self.parameters}

    def psi(self, **natural: float | Float[Array, "..."]) -> dict[str, Float[Array, "..."]]:
        """Return the parameters on their transform scale from natural values given by name."""
        return {spec.name: from_natural(spec.transform, natural[spec.name]) for spec in self.parameters}


def to_natural(transform: Transform, value: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the natural value of a transformed one."""
    if transform is Transform.LOG:
        return jnp.exp(value)
    return jax.nn.sigmoid(value) if transform is Transform.LOGIT else jnp.asarray(value)


def from_natural(transform: Transform, value: float | Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the transformed value of a natural one."""
    value = jnp.asarray(value, dtype=float)
    if transform is Transform.LOG:
        return jnp.log(value)
    return jnp.log(value) - jnp.log1p(-value) if transform is Transform.LOGIT else value
