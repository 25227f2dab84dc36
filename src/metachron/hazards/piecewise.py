"""Piecewise constant baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ModelError, ParameterSpec, Transform
from metachron.hazards.hazard import Psi
from metachron.hazards.knots import KnottedHazard, interval_indicators
from metachron.hazards.priors import RATE_PRIOR


@dataclass(frozen=True)
class Piecewise(KnottedHazard):
    """h0(t) = rate[k] for knot[k-1] < t <= knot[k], per year; an event at a knot belongs to the interval before it.

    Parameters
    ----------
    intervals : number of rates, at least 2; the knots are the ``intervals - 1`` times between them, by default at
        equally spaced quantiles of the event times.
    """

    intervals: int = 5

    name: ClassVar[str] = "piecewise"
    source: ClassVar[str] = "Friedman 1982, doi:10.1214/aos/1176345693"
    equation: ClassVar[str] = "h0(t) = rate[k] for knot[k-1] < t <= knot[k]"

    def __post_init__(self) -> None:
        if self.intervals < 2:
            raise ModelError(
                f"a piecewise baseline hazard needs at least 2 intervals, found {self.intervals}; "
                "for one rate at all times use exponential"
            )

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        meaning = "baseline hazard within each interval"
        return (ParameterSpec("rate_per_year", Transform.LOG, "per year", meaning, RATE_PRIOR, size=self.intervals),)

    @property
    def knot_levels(self) -> tuple[float, ...]:
        return tuple(k / self.intervals for k in range(1, self.intervals))

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_rate = psi["rate_per_year"]
        inside = interval_indicators(time_year, knots_year)
        return sum((jnp.where(here, log_rate[..., k], 0.0) for k, here in enumerate(inside)), jnp.zeros(()))

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        rate = jnp.exp(psi["rate_per_year"])
        total = jnp.zeros_like(time_year)
        for k, here in enumerate(interval_indicators(time_year, knots_year)):
            start = knots_year[k - 1] if k else 0.0
            spent = jnp.where(here, time_year - start, 0.0)
            if k < self.intervals - 1:
                spent = jnp.where(time_year > knots_year[k], knots_year[k] - start, spent)
            total += rate[..., k] * spent
        return total
