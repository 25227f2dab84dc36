"""Gompertz baseline hazard: exponential in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.priors import RATE_PRIOR

_SHAPE_PRIOR = Prior(
    "normal", (0.0, 1.0), "the hazard changes by a factor between 0.14 and 7 a year with 95 % prior probability"
)
_SERIES_BELOW = 1e-3
"""Below it the series of (e^x - 1)/x to x^4 errs by less than x^5/720 = 2e-18; above it, expm1 is exact enough."""


@dataclass(frozen=True)
class Gompertz(Hazard):
    """H0(t) = rate (e^(shape t) - 1) / shape; rate and shape per year, t in years.

    With a negative shape H0 stays below -rate/shape: a share exp(rate/shape) of patients never has the event.
    """

    name: ClassVar[str] = "gompertz"
    source: ClassVar[str] = "Gompertz 1825, doi:10.1098/rstl.1825.0026"
    equation: ClassVar[str] = "h0(t) = rate exp(shape t)"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("rate_per_year", Transform.LOG, "per year", "baseline hazard at day 0", RATE_PRIOR),
            ParameterSpec(
                "shape_per_year", Transform.IDENTITY, "per year", "yearly change of the log hazard", _SHAPE_PRIOR
            ),
        )

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        return psi["rate_per_year"] + psi["shape_per_year"] * time_year

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        shape = jnp.asarray(psi["shape_per_year"])
        x = shape * time_year
        near = jnp.abs(x) < _SERIES_BELOW
        series = time_year * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0))))
        growth = jnp.expm1(jnp.where(near, 0.0, x)) / jnp.where(near, 1.0, shape)
        return jnp.exp(psi["rate_per_year"]) * jnp.where(near, series, growth)
