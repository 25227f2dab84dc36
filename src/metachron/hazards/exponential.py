"""Exponential baseline hazard: the same at all times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Transform
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.priors import TIME_PRIOR


@dataclass(frozen=True)
class Exponential(Hazard):
    """S(t) = exp(-t / scale), t and scale in years; the median is scale x log 2."""

    name: ClassVar[str] = "exponential"
    source: ClassVar[str] = "Kalbfleisch and Prentice 2002, section 2.2, doi:10.1002/9781118032985"
    equation: ClassVar[str] = "h0(t) = 1 / scale"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec("scale_year", Transform.LOG, "years", "mean time to the event at baseline", TIME_PRIOR),)

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        return jnp.zeros_like(time_year) - psi["scale_year"]

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        return time_year * jnp.exp(-psi["scale_year"])
