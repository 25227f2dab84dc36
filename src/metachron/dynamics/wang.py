"""Wang: exponential shrinkage and linear growth, added."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.dynamics.exponential_area import exponential_area
from metachron.dynamics.law import NO_GROWTH, Law, Psi, time_on_treatment_year
from metachron.dynamics.parameters import BASELINE_MM, SHRINKAGE_PER_YEAR
from metachron.dynamics.scale import SCALES, Scale

_SOURCE = "Wang 2009, doi:10.1038/clpt.2009.64"

GROWTH_MM_PER_YEAR = ParameterSpec(
    name="growth_mm_per_year",
    transform=Transform.LOG,
    unit="mm/year",
    meaning="growth of the size per year where the treatment does not act",
    prior=Prior(
        "normal",
        (math.log(30.0), 1.0),
        "median 30 mm per year, 95 % from 4 to 210: the default relative growth, 0.5 per year, of a size of 65 mm",
    ),
    source=_SOURCE,
)


@dataclass(frozen=True)
class Wang(Law):
    """size(t) = b exp(-s t) + g t mm from day 0, b exp(g t / b) before it; s per year, g mm/year, t in years."""

    name = "wang"
    source = _SOURCE
    equation = "size(t) = b exp(-s t) + g t; before day 0 b exp(g t / b)"
    capabilities = frozenset({"shrinkage", "time_to_growth"})
    vanishing_growth = ("growth_mm_per_year", NO_GROWTH)

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return BASELINE_MM, SHRINKAGE_PER_YEAR, GROWTH_MM_PER_YEAR

    @property
    def scale(self) -> Scale:
        return SCALES["log"]

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        treated_year = time_on_treatment_year(time_year)
        relative_growth = jnp.exp(psi["growth_mm_per_year"] - psi["baseline_mm"])
        remaining = jnp.exp(-jnp.exp(psi["shrinkage_per_year"]) * treated_year)
        before = relative_growth * (time_year - treated_year)
        return psi["baseline_mm"] + before + jnp.log(remaining + relative_growth * treated_year)

    def closed_area_mm_year(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        """Return b (1 - exp(-s t)) / s + g t^2 / 2; before day 0 b (exp(g t / b) - 1) b / g."""
        treated_year = time_on_treatment_year(time_year)
        shrunk = exponential_area(-jnp.exp(psi["shrinkage_per_year"]), treated_year)
        relative_growth = jnp.exp(psi["growth_mm_per_year"] - psi["baseline_mm"])
        before = exponential_area(relative_growth, time_year - treated_year)
        return jnp.exp(psi["baseline_mm"]) * (shrunk + before + relative_growth * jnp.square(treated_year) / 2.0)

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return max(0, log(b s / g)) / s."""
        log_ratio = psi["baseline_mm"] + psi["shrinkage_per_year"] - psi["growth_mm_per_year"]
        return jnp.maximum(log_ratio, 0.0) * jnp.exp(-psi["shrinkage_per_year"])
