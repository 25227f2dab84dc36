"""Sums over risk sets with Efron's treatment of ties: what Cox models are made of and followed up with.

Every sum is a difference of cumulative sums over rows in the order of time, so that many models of the same times are
computed side by side: arrays may have further axes after that of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.survival.observed import Observed


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The event times of one stratum, and its Efron terms: one for each event.

    Term k of the d events tied at a time has the sum over the risk set less k/d of the sum over the events. ``times``
    are the distinct event times; ``place`` and ``share`` say of each term its time and k/d; ``own`` says of each row
    with the event its time, and is -1 of the others.
    """

    observed: Observed
    times: np.ndarray
    place: np.ndarray
    share: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, observed: Observed) -> RiskSets:
        """Return the risk sets of checked observations; there may be no event."""
        times, own = np.unique(observed.time[observed.event], return_inverse=True)
        tied = np.bincount(own, minlength=len(times))
        place = np.repeat(np.arange(len(times)), tied)
        rank = np.arange(len(place)) - np.repeat(np.cumsum(tied) - tied, tied)
        owns = np.full(len(observed), -1)
        owns[observed.event] = own
        return cls(observed, times, place, rank / tied[place], owns)

    def terms(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of row values over each term's risk set, tied events counted in part: terms x further axes."""
        at_risk = _from(self.observed.time, values, self.times)
        if (late := self.observed.entry > -np.inf).any():
            at_risk = at_risk - _from(self.observed.entry[late], values[late], self.times)
        failing = np.flatnonzero(self.observed.event)
        failing = failing[np.argsort(self.own[failing], kind="stable")]
        tied = self._by_time(values[failing])
        return at_risk[self.place] - _wide(self.share, tied) * tied[self.place]

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        """Return for each row the sum of term values while it was at risk, in part at its own event."""
        whole, part = self._by_time(values), self._by_time(_wide(self.share, values) * values)
        total = np.concatenate([np.zeros_like(whole[:1]), np.cumsum(whole, axis=0)])
        until = total[np.searchsorted(self.times, self.observed.time, side="right")]
        before = total[np.searchsorted(self.times, self.observed.entry, side="right")]
        found = until - before
        found[self.observed.event] -= part[self.own[self.observed.event]]
        return found

    def average(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of term values at each event time."""
        tied = np.bincount(self.place, minlength=len(self.times))
        return self._by_time(values) / _wide(tied, values)

    def _by_time(self, values: np.ndarray) -> np.ndarray:
        """Return sums by event time of values that are in the order of the terms."""
        return np.add.reduceat(values, np.searchsorted(self.place, np.arange(len(self.times))), axis=0)


def score_residuals(observed: Observed, design: np.ndarray, relative_hazard: np.ndarray) -> np.ndarray:
    """Return each row's part of the score of one stratum, rows x terms; they add up to the score.

    Source: Lin and Wei 1989, doi:10.1080/01621459.1989.10478874; with Efron's ties Therneau and Grambsch 2000,
    section 4.6, doi:10.1007/978-1-4757-3294-8.
    """
    sets = RiskSets.of(observed)
    hazard = 1.0 / sets.terms(relative_hazard)
    mean = sets.terms(relative_hazard[:, None] * design) * hazard[:, None]
    pull = design * sets.accumulate(hazard)[:, None] - sets.accumulate(hazard[:, None] * mean)
    residual = -relative_hazard[:, None] * pull
    means = sets.average(mean)
    residual[observed.event] += design[observed.event] - means[sets.own[observed.event]]
    return residual


def baseline_cumulative_hazard(observed: Observed, relative_hazard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return event times and the cumulative hazard after each, of a patient whose design columns are all 0.

    Source: Breslow's estimate with Efron's denominators, Therneau and Grambsch 2000, section 10.2.3.
    """
    sets = RiskSets.of(observed)
    steps = np.bincount(sets.place, weights=1.0 / sets.terms(relative_hazard), minlength=len(sets.times))
    return sets.times, np.cumsum(steps)


def _from(values_time: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return at each time the sum of the values of the rows whose own time is not before it."""
    order = np.argsort(values_time, kind="stable")
    total = np.cumsum(values[order][::-1], axis=0)[::-1]
    total = np.concatenate([total, np.zeros_like(values[:1])])
    return total[np.searchsorted(values_time[order], times, side="left")]


def _wide(factors: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return factors with the further axes of an array, to multiply it."""
    return factors.reshape(-1, *(1,) * (like.ndim - 1))
