"""Stein-Fojo: exponential shrinkage and exponential growth, added."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec
from metachron.dynamics.exponential_area import exponential_area
from metachron.dynamics.law import NO_GROWTH, Law, Psi, time_on_treatment_year
from metachron.dynamics.parameters import BASELINE_MM, GROWTH_PER_YEAR, SHRINKAGE_PER_YEAR
from metachron.dynamics.scale import SCALES, Scale


@dataclass(frozen=True)
class SteinFojo(Law):
    """size(t) = b [exp(-s t) + exp(g t) - 1] mm from day 0, b exp(g t) before it; s, g per year, t in years.

    Computed as log b + g t + log[exp(-(s + g) t) + (1 - exp(-g t))]: both terms of the last log are non-negative.
    """

    name = "stein-fojo"
    source = "Stein 2008, doi:10.1634/theoncologist.2008-0016"
    equation = "size(t) = b [exp(-s t) + exp(g t) - 1]; before day 0 b exp(g t)"
    capabilities = frozenset({"growth", "shrinkage", "time_to_growth"})
    vanishing_growth = ("growth_per_year", NO_GROWTH)

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return BASELINE_MM, SHRINKAGE_PER_YEAR, GROWTH_PER_YEAR

    @property
    def scale(self) -> Scale:
        return SCALES["log"]

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        treated_year = time_on_treatment_year(time_year)
        shrinkage = jnp.exp(psi["shrinkage_per_year"])
        growth = jnp.exp(psi["growth_per_year"])
        bend = jnp.exp(-(shrinkage + growth) * treated_year) - jnp.expm1(-growth * treated_year)
        return psi["baseline_mm"] + growth * time_year + jnp.log(bend)

    def closed_area_mm_year(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        """Return b [(1 - exp(-s t)) / s + (exp(g t) - 1) / g - t]; before day 0 b (exp(g t) - 1) / g."""
        treated_year = time_on_treatment_year(time_year)
        shrunk = exponential_area(-jnp.exp(psi["shrinkage_per_year"]), treated_year)
        grown = exponential_area(jnp.exp(psi["growth_per_year"]), time_year)
        return jnp.exp(psi["baseline_mm"]) * (shrunk + (grown - treated_year))

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return max(0, log(s / g)) / (s + g)."""
        log_ratio = psi["shrinkage_per_year"] - psi["growth_per_year"]
        return jnp.maximum(log_ratio, 0.0) / (jnp.exp(psi["shrinkage_per_year"]) + jnp.exp(psi["growth_per_year"]))
