"""Sums over risk sets with Efron's treatment of ties: what a fitted Cox model is followed up with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metachron.survival.observed import Observed


@dataclass(frozen=True, eq=False)
class _Tie:
    """One event time: the rows at risk and those with the event, and the Efron terms, one per tied event.

    Term k of d has the denominator sum over the risk set less k/d of the sum over the events, of the relative
    hazards; ``hazard`` is its inverse, and ``mean`` the covariate mean with the same weights.
    """

    time: float
    at_risk: np.ndarray
    failing: np.ndarray
    share: np.ndarray
    hazard: np.ndarray
    mean: np.ndarray


def _ties(observed: Observed, design: np.ndarray, relative_hazard: np.ndarray) -> Iterator[_Tie]:
    for time in np.unique(observed.time[observed.event]):
        at_risk = np.flatnonzero((observed.entry < time) & (observed.time >= time))
        failing = np.flatnonzero(observed.event & (observed.time == time))
        share = np.arange(len(failing)) / len(failing)
        whole, tied = relative_hazard[at_risk], relative_hazard[failing]
        hazard = 1.0 / (whole.sum() - share * tied.sum())
        mean = (whole @ design[at_risk] - share[:, None] * (tied @ design[failing])) * hazard[:, None]
        yield _Tie(float(time), at_risk, failing, share, hazard, mean)


def score_residuals(observed: Observed, design: np.ndarray, relative_hazard: np.ndarray) -> np.ndarray:
    """Return each row's part of the score of one stratum, rows x terms; they add up to the score.

    Source: Lin and Wei 1989, doi:10.1080/01621459.1989.10478874; with Efron's ties Therneau and Grambsch 2000,
    section 4.6, doi:10.1007/978-1-4757-3294-8.
    """
    residual = np.zeros_like(design)
    for tie in _ties(observed, design, relative_hazard):
        for rows, part in ((tie.at_risk, np.ones_like(tie.share)), (tie.failing, -tie.share)):
            hazard = part * tie.hazard
            pull = design[rows] * hazard.sum() - hazard @ tie.mean
            residual[rows] -= relative_hazard[rows, None] * pull
        residual[tie.failing] += design[tie.failing] - tie.mean.mean(axis=0)
    return residual


def baseline_cumulative_hazard(
    observed: Observed, design: np.ndarray, relative_hazard: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return event times and the cumulative hazard after each, of a patient whose design columns are all 0.

    Source: Breslow's estimate with Efron's denominators, Therneau and Grambsch 2000, section 10.2.3.
    """
    ties = [(tie.time, tie.hazard.sum()) for tie in _ties(observed, design, relative_hazard)]
    times, steps = np.asarray(ties).reshape(-1, 2).T
    return times, np.cumsum(steps)
