"""Claret-Bruno: exponential growth against an inhibition that is lost over time."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.dynamics.law import NO_GROWTH, Law, Psi, time_on_treatment_year
from metachron.dynamics.parameters import BASELINE_MM, GROWTH_PER_YEAR
from metachron.dynamics.scale import SCALES, Scale

_SOURCE = "Claret 2009, doi:10.1200/JCO.2008.21.0807"

INHIBITION_PER_YEAR = ParameterSpec(
    name="inhibition_per_year",
    transform=Transform.LOG,
    unit="1/year",
    meaning="relative rate at which the treatment shrinks the tumour at day 0, before growth is counted",
    prior=Prior(
        "normal",
        (0.0, 1.0),
        "median 1 per year, twice the growth: a response is as likely as not; 95 % from 0.14 to 7 per year",
    ),
    source=_SOURCE,
)
LOSS_OF_EFFECT_PER_YEAR = ParameterSpec(
    name="loss_of_effect_per_year",
    transform=Transform.LOG,
    unit="1/year",
    meaning="rate at which the inhibition fades (acquired resistance); half-life of the effect = ln 2 / rate",
    prior=Prior(
        "normal",
        (0.0, 1.0),
        "median half-life of the effect 8 months, 95 % from 1.2 months to 5 years: from early escape to lasting effect",
    ),
    source=_SOURCE,
)


@dataclass(frozen=True)
class ClaretBruno(Law):
    """size(t) = b exp[g t - (p / c) (1 - exp(-c t))] mm from day 0, b exp(g t) before it.

    g growth, p inhibition, c loss of effect, all per year, t in years; it solves size' = (g - p exp(-c t)) size.
    """

    name = "claret-bruno"
    source = _SOURCE
    equation = "size(t) = b exp[g t - (p / c) (1 - exp(-c t))]; before day 0 b exp(g t)"
    capabilities = frozenset({"growth", "time_to_growth"})
    vanishing_growth = ("growth_per_year", NO_GROWTH)

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return BASELINE_MM, GROWTH_PER_YEAR, INHIBITION_PER_YEAR, LOSS_OF_EFFECT_PER_YEAR

    @property
    def scale(self) -> Scale:
        return SCALES["log"]

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        loss = jnp.exp(psi["loss_of_effect_per_year"])
        effect_year = jnp.expm1(-loss * time_on_treatment_year(time_year)) / loss
        growth = jnp.exp(psi["growth_per_year"])
        return psi["baseline_mm"] + growth * time_year + jnp.exp(psi["inhibition_per_year"]) * effect_year

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return max(0, log(p / g)) / c."""
        log_ratio = psi["inhibition_per_year"] - psi["growth_per_year"]
        return jnp.maximum(log_ratio, 0.0) * jnp.exp(-psi["loss_of_effect_per_year"])
