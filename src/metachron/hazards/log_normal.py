"""Log-normal baseline hazard: log time is normal; the hazard rises, then falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.normal_tail import log_normal_density, normal_cumulative_hazard
from metachron.hazards.origin import from_origin
from metachron.hazards.priors import TIME_PRIOR

_SIGMA_PRIOR = Prior(
    "normal",
    (0.0, 0.5),
    "sd of log time between 0.38 and 2.7 with 95 % prior probability: two thirds of the patients within a factor of "
    "1.5, or of 15, of the median",
)


@dataclass(frozen=True)
class LogNormal(Hazard):
    """S(t) = Phi(-z), z = log(t / median) / sigma; t and median in years, sigma the sd of log time.

    H0 = -log Phi(-z) exact in both tails: see `metachron.hazards.normal_tail`.
    """

    name: ClassVar[str] = "log-normal"
    source: ClassVar[str] = "Kalbfleisch and Prentice 2002, section 2.2, doi:10.1002/9781118032985"
    equation: ClassVar[str] = "h0(t) = phi(z) / [sigma t Phi(-z)], z = log(t / median) / sigma"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("median_year", Transform.LOG, "years", "median time to the event at baseline", TIME_PRIOR),
            ParameterSpec("sigma", Transform.LOG, "log years", "sd of the log time to the event", _SIGMA_PRIOR),
        )

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_time = jnp.log(time_year)
        z = (log_time - psi["median_year"]) * jnp.exp(-psi["sigma"])
        return log_normal_density(z) + normal_cumulative_hazard(z) - psi["sigma"] - log_time

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        precision = jnp.exp(-psi["sigma"])
        return from_origin(
            time_year, lambda time: normal_cumulative_hazard((jnp.log(time) - psi["median_year"]) * precision)
        )
