"""Weibull baseline hazard, proportional hazards form: a power of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Transform
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.origin import from_origin
from metachron.hazards.priors import SHAPE_PRIOR, TIME_PRIOR


@dataclass(frozen=True)
class Weibull(Hazard):
    """S(t) = exp[-(t / scale)^shape], t and scale in years; 63 % have had the event at the scale."""

    name: ClassVar[str] = "weibull"
    source: ClassVar[str] = "Kalbfleisch and Prentice 2002, section 2.2, doi:10.1002/9781118032985"
    equation: ClassVar[str] = "h0(t) = (shape / scale) (t / scale)^(shape - 1)"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("scale_year", Transform.LOG, "years", "time by which 63 % have had the event", TIME_PRIOR),
            ParameterSpec("shape", Transform.LOG, "none", "above 1 the hazard rises, below 1 it falls", SHAPE_PRIOR),
        )

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_scale, log_shape = psi["scale_year"], psi["shape"]
        return log_shape - log_scale + jnp.expm1(log_shape) * (jnp.log(time_year) - log_scale)

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        shape = jnp.exp(psi["shape"])
        return from_origin(time_year, lambda time: jnp.exp(shape * (jnp.log(time) - psi["scale_year"])))
