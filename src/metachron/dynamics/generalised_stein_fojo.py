"""Generalised Stein-Fojo: a sensitive part that shrinks and a resistant part that grows."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.dynamics.exponential_area import exponential_area
from metachron.dynamics.law import NO_GROWTH, Law, Psi, time_on_treatment_year
from metachron.dynamics.parameters import BASELINE_MM, GROWTH_PER_YEAR, SHRINKAGE_PER_YEAR
from metachron.dynamics.scale import SCALES, Scale

_SOURCE = "Stein 2011, doi:10.1158/1078-0432.CCR-10-1762"

RESISTANT_FRACTION = ParameterSpec(
    name="resistant_fraction",
    transform=Transform.LOGIT,
    unit="fraction of the size at day 0",
    meaning="share of the tumour that the treatment does not reach",
    prior=Prior("normal", (0.0, 1.5), "about flat between 0.1 and 0.9, 95 % from 0.05 to 0.95: any share is possible"),
    source=_SOURCE,
)


@dataclass(frozen=True)
class GeneralisedSteinFojo(Law):
    """size(t) = b [(1 - phi) exp(-s t) + phi exp(g t)] mm from day 0, b exp(g t) before it.

    phi is the resistant fraction, the part that grows; papers and programs that write phi for the sensitive part mean
    1 - phi here. s, g per year, t in years. Computed as log b + g t + log[phi + (1 - phi) exp(-(s + g) t)].
    """

    name = "gsf"
    source = _SOURCE
    equation = "size(t) = b [(1 - phi) exp(-s t) + phi exp(g t)]; before day 0 b exp(g t)"
    capabilities = frozenset({"growth", "shrinkage", "resistant_fraction", "time_to_growth"})
    vanishing_growth = ("growth_per_year", NO_GROWTH)

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return BASELINE_MM, SHRINKAGE_PER_YEAR, GROWTH_PER_YEAR, RESISTANT_FRACTION

    @property
    def scale(self) -> Scale:
        return SCALES["log"]

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        growth = jnp.exp(psi["growth_per_year"])
        decay = jnp.exp(-(jnp.exp(psi["shrinkage_per_year"]) + growth) * time_on_treatment_year(time_year))
        resistant = jax.nn.sigmoid(psi["resistant_fraction"])
        return psi["baseline_mm"] + growth * time_year + jnp.log(resistant + (1.0 - resistant) * decay)

    def closed_area_mm_year(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        """Return b [(1 - phi) (1 - exp(-s t)) / s + phi (exp(g t) - 1) / g]; before day 0 b (exp(g t) - 1) / g."""
        shrunk = exponential_area(-jnp.exp(psi["shrinkage_per_year"]), time_on_treatment_year(time_year))
        grown = exponential_area(jnp.exp(psi["growth_per_year"]), time_year)
        resistant = jnp.where(time_year < 0, 1.0, jax.nn.sigmoid(psi["resistant_fraction"]))
        return jnp.exp(psi["baseline_mm"]) * ((1.0 - resistant) * shrunk + resistant * grown)

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return max(0, log(s / g) - logit(phi)) / (s + g)."""
        log_ratio = psi["shrinkage_per_year"] - psi["growth_per_year"] - psi["resistant_fraction"]
        return jnp.maximum(log_ratio, 0.0) / (jnp.exp(psi["shrinkage_per_year"]) + jnp.exp(psi["growth_per_year"]))
