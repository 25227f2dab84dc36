"""Inverse-probability-of-censoring weights, with which scores of survival predictions allow for censoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import InputError, Problem
from metachron.survival.observed import Observed, observe


@dataclass(frozen=True, eq=False)
class CensoringSurvival:
    """G(t), the probability of being still uncensored after t; a right-continuous step function."""

    times: np.ndarray
    survival: np.ndarray

    def after(self, time: np.ndarray) -> np.ndarray:
        """Return G(t)."""
        return self._step(time, "right")

    def before(self, time: np.ndarray) -> np.ndarray:
        """Return G(t-), censoring at t itself not counted."""
        return self._step(time, "left")

    def _step(self, time: np.ndarray, side: str) -> np.ndarray:
        steps = np.concatenate([[1.0], self.survival])
        return steps[np.searchsorted(self.times, time, side=side)]  # type: ignore[call-overload]


def censoring_survival(time: ArrayLike, event: ArrayLike) -> CensoringSurvival:
    """Return the Kaplan-Meier estimate of the time to censoring; censoring comes after events at the same time."""
    return _estimate(observe(time, event))


def _estimate(observed: Observed) -> CensoringSurvival:
    times = np.unique(observed.time)
    at_risk = observed.at_risk(times) - observed.count(times, observed.event)
    censored = observed.count(times, ~observed.event)
    return CensoringSurvival(times, np.cumprod(1.0 - censored / np.maximum(at_risk, 1.0)))


def censoring_weights(
    time: ArrayLike, event: ArrayLike, *, at: ArrayLike, censoring: CensoringSurvival | None = None
) -> np.ndarray:
    """Return weights that make those whose state at ``at`` is known stand for all.

    ``1 / G(T-)`` for an event at T <= at, ``1 / G(at)`` for those still under observation after ``at``, and 0 for
    those censored up to ``at``. Source: Graf 1999,
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.

    Parameters
    ----------
    at : one time, or several, in the unit of ``time``.
    censoring : G of other patients (of the training set, say); None: of these.

    Returns
    -------
    One weight per row; for several times an array of rows x times.

    Raises
    ------
    InputError
        When a time is negative or not finite, G is 0 at it (nobody can be observed beyond it), or G is not known
        where it is needed because the other patients were not followed that long.
    """
    observed = observe(time, event)
    given = censoring or _estimate(observed)
    horizons = np.atleast_1d(np.asarray(at, dtype=float))
    died = observed.event[:, None] & (observed.time[:, None] <= horizons)
    alive = observed.time[:, None] > horizons
    probability = np.where(
        died, given.before(observed.time)[:, None], np.where(alive, given.after(horizons)[None, :], 1.0)
    )
    needed = np.where(died, observed.time[:, None], np.where(alive, horizons, 0.0))
    _check(horizons, given, probability, needed)
    weights = (died | alive) / probability
    return weights[:, 0] if np.ndim(at) == 0 else weights


def _check(horizons: np.ndarray, given: CensoringSurvival, probability: np.ndarray, needed: np.ndarray) -> None:
    impossible = ~(np.isfinite(horizons) & (horizons >= 0.0))
    if impossible.any():
        found = f"the times {horizons[impossible]}"
        raise InputError([_problem("horizon", found, "finite times from 0 on", "give times that can be reached")])
    problems = []
    empty = given.after(horizons) == 0.0
    rows = np.flatnonzero((probability == 0.0).any(axis=1))
    if empty.any() or rows.size:
        found = f"nobody observable up to time {horizons[empty].min() if empty.any() else needed[rows].min():g}"
        remedy = f"choose times before {given.times[given.survival == 0.0].min():g}, where the last one is censored"
        problems.append(_problem("infinite-weight", found, "a positive probability of being uncensored", remedy, rows))
    last = given.times[-1]
    rows = np.flatnonzero((needed > last).any(axis=1))
    if rows.size and given.survival[-1] > 0.0:
        found = f"{rows.size} rows that need the censoring distribution after time {last:g}, where it is not known"
        remedy = f"choose times up to {last:g}, or use censoring of patients followed longer"
        problems.append(_problem("unknown-weight", found, "follow-up of the other patients to there", remedy, rows))
    if problems:
        raise InputError(problems, "the censoring weights")


def _problem(rule: str, found: str, expected: str, remedy: str, rows: np.ndarray | None = None) -> Problem:
    return Problem(
        rule=rule,
        found=found,
        expected=expected,
        remedy=remedy,
        why="a weight is one over a probability: it has to be known and positive",
        rows=tuple(int(row) + 1 for row in rows) if rows is not None else (),
    )
