"""Knots: the times at which a piecewise or spline hazard may change its course, as data of a cohort."""

from __future__ import annotations

import abc

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from metachron.base import InputError, ModelError, Problem
from metachron.hazards.hazard import Hazard


class KnottedHazard(Hazard):
    """A baseline hazard with knots; each knot is a quantile of the event times."""

    @property
    @abc.abstractmethod
    def knot_levels(self) -> tuple[float, ...]:
        """The quantile of the event times, between 0 and 1, at which each default knot lies; increasing."""

    @property
    def knot_count(self) -> int:
        return len(self.knot_levels)


def default_knots(event_times_year: np.ndarray, hazard: Hazard) -> np.ndarray:
    """Return the default knots of a hazard in years: quantiles of the event times; empty for a hazard without knots.

    Parameters
    ----------
    event_times_year : times of the events that happened (no censored ones).

    Raises
    ------
    InputError
        When an event time is negative, infinite or NaN.
    ModelError
        When there are too few distinct event times for that many different knots.
    """
    if not isinstance(hazard, KnottedHazard):
        return np.empty(0)
    times = np.asarray(event_times_year, dtype=float)
    _check_times(times)
    distinct = len(np.unique(times))
    knots = np.quantile(times, hazard.knot_levels) if times.size else np.empty(0)
    if distinct <= hazard.knot_count or knots[0] <= 0.0 or np.any(np.diff(knots) <= 0.0):
        raise ModelError(
            f"the {hazard.name} baseline hazard needs {hazard.knot_count} different knots after day 0, and the "
            f"{times.size} events at {distinct} different times do not give them; choose a smaller one than {hazard}, "
            "or a baseline hazard without knots such as weibull"
        )
    return knots


def _check_times(times: np.ndarray) -> None:
    rows = np.flatnonzero(~np.isfinite(times) | (times < 0.0))
    if rows.size:
        problem = Problem(
            rule="event-time",
            found=f"{rows.size} event times that are negative, infinite or NaN, the first of them {times[rows[0]]}",
            expected="finite times in years from day 0 on",
            remedy="give the times of the events that happened, without those of patients still under observation",
            rows=tuple(int(row) + 1 for row in rows),
        )
        raise InputError([problem], "the list of event times")


def interval_indicators(time_year: Float[Array, "..."], knots_year: Float[Array, " knot"]) -> list[Bool[Array, "..."]]:
    """Return, per interval between knots, whether a time lies in it; intervals are closed on the right.

    The first holds everything up to the first knot, the last everything after the last one.
    """
    after = [time_year > knot for knot in knots_year]
    starts = [jnp.ones_like(time_year, dtype=bool), *after]
    stops = [*after, jnp.zeros_like(time_year, dtype=bool)]
    return [start & ~stop for start, stop in zip(starts, stops, strict=True)]
