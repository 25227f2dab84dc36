"""Gamma baseline hazard: time is gamma distributed; the hazard tends to a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.hazards.gamma_tail import gamma_cumulative_hazard, log_gamma_density
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.origin import from_origin
from metachron.hazards.priors import TIME_PRIOR

_SHAPE_PRIOR = Prior(
    "normal",
    (0.0, 0.75),
    "shape between 0.23 and 4.3 with 95 % prior probability: times whose sd is 0.5 to 2 times their mean",
)


@dataclass(frozen=True)
class Gamma(Hazard):
    """S(t) = Q(shape, t / scale), Q the regularised upper incomplete gamma function; t and scale in years.

    The hazard starts at 0 (shape above 1) or infinity (below 1) and tends to 1/scale. Accurate for shapes up to 30,
    far beyond the prior: see `metachron.hazards.gamma_tail`.
    """

    name: ClassVar[str] = "gamma"
    source: ClassVar[str] = "Kalbfleisch and Prentice 2002, section 2.2, doi:10.1002/9781118032985"
    equation: ClassVar[str] = "h0(t) = (t / scale)^shape e^(-t / scale) / [t Gamma(shape) Q(shape, t / scale)]"

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("scale_year", Transform.LOG, "years", "1 / hazard in the long run", TIME_PRIOR),
            ParameterSpec("shape", Transform.LOG, "none", "above 1 the hazard rises, below 1 it falls", _SHAPE_PRIOR),
        )

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        shape, x = jnp.exp(psi["shape"]), time_year * jnp.exp(-psi["scale_year"])
        return log_gamma_density(shape, x) + gamma_cumulative_hazard(shape, x) - jnp.log(time_year)

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        shape, rate = jnp.exp(psi["shape"]), jnp.exp(-psi["scale_year"])
        return from_origin(time_year, lambda time: gamma_cumulative_hazard(shape, time * rate))
