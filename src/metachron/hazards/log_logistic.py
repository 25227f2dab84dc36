"""Log-logistic baseline hazard: log time is logistic; the hazard falls in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Transform
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.origin import from_origin
from metachron.hazards.priors import SHAPE_PRIOR, TIME_PRIOR


@dataclass(frozen=True)
class LogLogistic(Hazard):
    """S(t) = 1 / [1 + (t / median)^shape], t and median in years.

    With z = shape log(t / median): H0 = log(1 + e^z) and h0 = shape / [t (1 + e^-z)], both by softplus.
    """

    name: ClassVar[str] = "log-logistic"
    source: ClassVar[str] = "Bennett 1983, doi:10.2307/2347295"
    equation: ClassVar[str] = "h0(t) = (shape / t) / [1 + (t / median)^-shape]"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("median_year", Transform.LOG, "years", "median time to the event at baseline", TIME_PRIOR),
            ParameterSpec(
                "shape", Transform.LOG, "none", "above 1 the hazard rises first, then falls as shape / t", SHAPE_PRIOR
            ),
        )

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_time = jnp.log(time_year)
        z = jnp.exp(psi["shape"]) * (log_time - psi["median_year"])
        return psi["shape"] - log_time - jax.nn.softplus(-z)

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        shape = jnp.exp(psi["shape"])
        return from_origin(time_year, lambda time: jax.nn.softplus(shape * (jnp.log(time) - psi["median_year"])))
