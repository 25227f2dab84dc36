"""Pseudo-values: a number per patient that stands for a survival quantity, so that it can be averaged and regressed."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import InputError, Problem
from metachron.survival.observed import Observed, observe

Quantity = Literal["restricted_mean", "survival"]


def pseudo_values(
    time: ArrayLike, event: ArrayLike, *, horizon: float, quantity: Quantity = "restricted_mean"
) -> np.ndarray:
    """Return n theta - (n - 1) theta(-i) for every row i: theta estimated from all n rows, and without row i.

    theta is the area under the Kaplan-Meier estimate from 0 to ``horizon``, in the unit of the times, or the estimate
    at the horizon. Without censoring up to the horizon the values are min(T, horizon), or 1 for those who live beyond
    it and 0 for the others. Their mean given covariates is the quantity given the covariates, in large samples, where
    censoring depends neither on the time nor on the covariates: take patients of one arm where arms differ in
    follow-up. Sources: Andersen 2004, doi:10.1007/s10985-004-4771-0; large samples: Overgaard 2017,
    doi:10.1214/16-AOS1516.

    Raises
    ------
    InputError
        When the horizon is not positive, or fewer than two rows are followed to it while somebody survives to it.
    """
    observed = observe(time, event)
    _check_horizon(observed, horizon)
    times = np.unique(observed.time[observed.event & (observed.time <= horizon)])
    at_risk, events = observed.at_risk(times), _events_at(observed, times)
    kinds, place = np.unique(np.stack([observed.time, observed.event]), axis=1, return_inverse=True)
    own_risk = kinds[0][:, None] >= times
    own_event = (kinds[0][:, None] == times) & (kinds[1][:, None] == 1.0)
    whole = _theta(at_risk[None, :], events[None, :], times, horizon, quantity)
    without = _theta(at_risk - own_risk, events - own_event, times, horizon, quantity)
    count = len(observed)
    return (count * whole - (count - 1) * without)[place.ravel()]


def _events_at(observed: Observed, times: np.ndarray) -> np.ndarray:
    return observed.count(times, observed.event & np.isin(observed.time, times))


def _theta(
    at_risk: np.ndarray, events: np.ndarray, times: np.ndarray, horizon: float, quantity: Quantity
) -> np.ndarray:
    """Return the quantity for each row of counts; where nobody is left at risk survival stays as it is."""
    survival = np.cumprod(1.0 - events / np.maximum(at_risk, 1.0), axis=1)
    steps = np.concatenate([np.ones((len(survival), 1)), survival], axis=1)
    if quantity == "survival":
        return steps[:, -1]
    return steps @ np.diff(np.concatenate([[0.0], times, [horizon]]))


def _check_horizon(observed: Observed, horizon: float) -> None:
    beyond = int(np.sum(observed.time >= horizon))
    if np.isfinite(horizon) and horizon > 0.0 and (beyond >= 2 or (beyond == 0 and _all_gone(observed))):
        return
    second = np.sort(observed.time)[-2] if len(observed) > 1 else 0.0
    problem = Problem(
        rule="horizon",
        found=f"a horizon of {horizon:g}, with {beyond} of {len(observed)} rows followed to it",
        expected="a positive horizon to which two rows at least are followed",
        why="each row is left out in turn, and the others have to reach the horizon",
        remedy=f"choose a horizon of at most {second:g}, in the unit of the times",
    )
    raise InputError([problem], "the pseudo-values")


def _all_gone(observed: Observed) -> bool:
    """Return whether survival falls to 0 whichever row is left out: those with the last times had the event."""
    last = np.unique(observed.time)[::-1]
    final = observed.time == last[0]
    if final.sum() == 1 and len(last) > 1:
        final |= observed.time == last[1]
    return bool(observed.event[final].all()) and int(final.sum()) > 1
