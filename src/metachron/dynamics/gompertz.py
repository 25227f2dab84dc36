"""Gompertz with kill: growth that slows towards a capacity, against a constant kill from day 0."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.dynamics.law import NO_GROWTH, Law, Psi
from metachron.dynamics.parameters import BASELINE_MM, GROWTH_PER_YEAR
from metachron.dynamics.scale import SCALES, Scale

_SOURCE = "Norton 1988, Cancer Res 48:7067; fitted to trials: Ghaffari Laleh 2022, doi:10.1371/journal.pcbi.1009822"
_LARGEST_EXPONENT = 80.0
"""Before day 0 the distance to the capacity grows as exp(g |t|); at exp(80) the size has long been 0 mm in any
arithmetic, and the exponent stays there, so that values and gradients remain finite."""

GOMPERTZ_GROWTH_PER_YEAR = replace(
    GROWTH_PER_YEAR,
    meaning="rate at which the log size nears its limit: the relative growth of a tumour e times below the capacity",
    source=_SOURCE,
)
CAPACITY_MM = ParameterSpec(
    name="capacity_mm",
    transform=Transform.LOG,
    unit="mm",
    meaning="size at which growth ends without treatment",
    prior=Prior(
        "normal",
        (math.log(300.0), 1.0),
        "median 300 mm, five times a typical sum at baseline, 95 % from 42 to 2100 mm; few patients come near it, "
        "so that data hardly inform it",
    ),
    source=_SOURCE,
)
KILL_PER_YEAR = ParameterSpec(
    name="kill_per_year",
    transform=Transform.LOG,
    unit="1/year",
    meaning="relative rate at which the treatment shrinks the tumour, growth not counted",
    prior=Prior(
        "normal",
        (0.0, 1.0),
        "median 1 per year, near the relative growth at the median baseline and capacity (0.8 per year): shrinkage "
        "is about as likely as growth; 95 % from 0.14 to 7 per year",
    ),
    source=_SOURCE,
)


@dataclass(frozen=True)
class Gompertz(Law):
    """Solves size' = size [g log(K / size) - k] with k = 0 before day 0; size in mm, g and k per year, t in years.

    log size(t) = log b + (1 - exp(-g t)) (log K - log b - [t >= 0] k / g). Written for diameters: for volumes, with
    the same g, capacity is K cubed and kill 3 k.
    """

    name = "gompertz"
    source = _SOURCE
    equation = "size' = size [g log(K / size) - k], size(0) = b; before day 0 k = 0"
    vanishing_growth = ("growth_per_year", NO_GROWTH)

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return BASELINE_MM, GOMPERTZ_GROWTH_PER_YEAR, CAPACITY_MM, KILL_PER_YEAR

    @property
    def scale(self) -> Scale:
        return SCALES["log"]

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        exponent = jnp.minimum(-jnp.exp(psi["growth_per_year"]) * time_year, _LARGEST_EXPONENT)
        kill = jnp.where(time_year >= 0, jnp.exp(psi["kill_per_year"] - psi["growth_per_year"]), 0.0)
        way = psi["capacity_mm"] - psi["baseline_mm"] - kill
        return psi["baseline_mm"] - jnp.expm1(exponent) * way

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return 0 when the size under treatment tends to more than the baseline, else inf: it never turns."""
        way = psi["capacity_mm"] - psi["baseline_mm"] - jnp.exp(psi["kill_per_year"] - psi["growth_per_year"])
        return jnp.where(way > 0, 0.0, jnp.inf)
