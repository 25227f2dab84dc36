"""The Kaplan-Meier estimate of survival, its confidence band, median and restricted mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import InputError, Problem
from metachron.survival.estimate import Estimate, normal_estimate, normal_quantile
from metachron.survival.observed import Observed, observe

_ROUNDING = 1e-12
"""Survivors below this part of those at risk are rounding of summed weights, and mean that nobody is left."""
_SAME = 1e-9
"""Survival this close to one half is one half: the product of ratios rounds."""


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """Survival over time, as a right-continuous step function. Times are in the unit of the data.

    One element per distinct observed time: ``survival`` S(t), ``standard_error`` of it (Greenwood; NaN once S is 0),
    ``at_risk`` just before the time, ``events`` and ``censored`` at it (summed weights where weights were given).
    """

    times: np.ndarray
    survival: np.ndarray
    standard_error: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    observed: Observed = field(repr=False)

    def at(self, time: ArrayLike) -> np.ndarray:
        """Return S at given times: 1 before the first event, NaN after the last follow-up unless S is 0 there."""
        times = np.asarray(time, dtype=float)
        steps = np.concatenate([[1.0], self.survival])
        value = steps[np.searchsorted(self.times, times, side="right")]
        unknown = (times > self.times[-1]) & (value > 0.0)
        return np.where(unknown | np.isnan(times), np.nan, value)

    def confidence_band(self, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise lower and upper limits of S at ``times``, on the log(-log S) scale; NaN once S is 0.

        Source: Kalbfleisch and Prentice 2002, section 1.4, doi:10.1002/9781118032985.
        """
        z = normal_quantile(level)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = z * self.standard_error / (self.survival * np.abs(np.log(self.survival)))
            lower, upper = self.survival ** np.exp(spread), self.survival ** np.exp(-spread)
        certain = self.survival == 1.0
        return np.where(certain, 1.0, lower), np.where(certain, 1.0, upper)

    def median(self, *, level: float = 0.95) -> Estimate:
        """Return the median: the first time with S <= 1/2, or the middle of the stretch on which S is exactly 1/2.

        The interval holds the times at which the band reaches across 1/2. A value or limit that is not reached
        within follow-up is infinite. Source: Brookmeyer and Crowley 1982, doi:10.2307/2530286.
        """
        lower, upper = self.confidence_band(level=level)
        return Estimate(self._first_half(self.survival), self._first_half(lower), self._first_half(upper), level)

    def number_at_risk(self, times: ArrayLike) -> np.ndarray:
        """Return the number (or summed weight) under observation just before each time, those lost at it included."""
        return self.observed.at_risk(np.asarray(times, dtype=float))

    def restricted_mean(self, horizon: float, *, level: float = 0.95) -> Estimate:
        """Return the mean time lived up to a horizon: the area under S from 0 to the horizon.

        Its variance is the sum over event times of (area from there to the horizon)^2 d / [n (n - d)], d events among
        n at risk. Source: Royston and Parmar 2013, doi:10.1186/1471-2288-13-152.

        Raises
        ------
        InputError
            When the horizon is not positive, or lies after the last follow-up while somebody survives to it.
        """
        self._check_horizon(horizon)
        inside = self.times < horizon
        edges = np.concatenate([[0.0], self.times[inside], [horizon]])
        pieces = np.diff(edges) * np.concatenate([[1.0], self.survival[inside]])
        after = np.cumsum(pieces[::-1])[::-1][1:]
        variance = np.sum(np.where(after > 0.0, after**2 * self._greenwood()[inside], 0.0))
        return normal_estimate(float(pieces.sum()), float(np.sqrt(variance)), level)

    def _greenwood(self) -> np.ndarray:
        """Return the terms d / [n (n - d)]; 0 where everybody left had the event, which carries no weight."""
        left = self.at_risk - self.events
        some = left > _ROUNDING * self.at_risk
        return np.where(some, self.events / (self.at_risk * np.where(some, left, 1.0)), 0.0)

    def _first_half(self, curve: np.ndarray) -> float:
        reached = np.flatnonzero(curve <= 0.5 + _SAME)
        if not reached.size:
            return float("inf")
        first = reached[0]
        below = np.flatnonzero(curve < 0.5 - _SAME)
        if abs(curve[first] - 0.5) <= _SAME and below.size:
            return float((self.times[first] + self.times[below[0]]) / 2.0)
        return float(self.times[first])

    def _check_horizon(self, horizon: float) -> None:
        last = self.times[-1]
        if np.isfinite(horizon) and horizon > 0.0 and (horizon <= last or self.survival[-1] == 0.0):
            return
        problem = Problem(
            rule="horizon",
            found=f"a horizon of {horizon:g}, with follow-up to {last:g} and survival {self.survival[-1]:.3g} there",
            expected="a positive horizon within follow-up",
            why="the area under a curve that is not known to the horizon would be a guess",
            remedy=f"choose a horizon of at most {last:g}, in the unit of the times",
        )
        raise InputError([problem], "the restricted mean")


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None, weights: ArrayLike | None = None
) -> KaplanMeier:
    """Return the Kaplan-Meier estimate: S(t) = product over event times u <= t of (1 - d(u) / n(u)).

    Parameters
    ----------
    time : end of observation of each row, in any unit.
    event : 1 or True when it ended in the event, 0 or False when censored; the censored count as at risk at their
        time.
    entry : start of observation of each row (delayed entry); at risk from after it. None: from the start.
    weights : positive row weights; standard errors then hold for counts of identical rows only.

    Raises
    ------
    InputError
        See `metachron.survival.observed.observe`.

    Notes
    -----
    With delayed entry few may be at risk early, and an event among them takes S far down for good.
    Source: Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452.
    """
    return estimate_survival(observe(time, event, entry=entry, weights=weights))


def estimate_survival(observed: Observed) -> KaplanMeier:
    """Return the Kaplan-Meier estimate of checked observations."""
    times = np.unique(observed.time)
    events = observed.count(times, observed.event)
    at_risk = observed.at_risk(times)
    left = at_risk - events
    left = np.where(left > _ROUNDING * at_risk, left, 0.0)
    survival = np.cumprod(left / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = survival * np.sqrt(np.cumsum(events / (at_risk * left)))
    censored = observed.count(times, ~observed.event)
    return KaplanMeier(times, survival, error, at_risk, events, censored, observed)
