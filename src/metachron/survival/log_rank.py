"""The log-rank test of equal survival in several groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from metachron.base import InputError, Problem, list_briefly
from metachron.survival.labels import row_labels
from metachron.survival.observed import Observed, observe


@dataclass(frozen=True, eq=False)
class LogRankTest:
    """A chi-squared statistic; ``groups`` holds group, rows, and events observed and expected without difference."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    groups: pl.DataFrame


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    *,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> LogRankTest:
    """Return the (stratified) log-rank test, with the hypergeometric variance.

    Raises
    ------
    InputError
        When labels are not one per row or missing, or no two groups are ever at risk together at an event.

    Notes
    -----
    Source: Mantel 1966; Peto and Peto 1972, doi:10.2307/2344317.
    """
    observed = observe(time, event, entry=entry)
    names, labels = np.unique(row_labels(group, len(observed), name="group"), return_inverse=True)
    blocks = row_labels(np.zeros(len(observed)) if strata is None else strata, len(observed), name="strata")
    seen, expected, variance = np.zeros(len(names)), np.zeros(len(names)), np.zeros((len(names), len(names)))
    for block in np.unique(blocks):
        chosen = blocks == block
        pieces = _moments(observed.rows(chosen), labels[chosen], len(names))
        seen, expected, variance = seen + pieces[0], expected + pieces[1], variance + pieces[2]
    freedom = int(np.linalg.matrix_rank(variance))
    if freedom == 0:
        raise InputError([_no_comparison(list(names))], "the log-rank test")
    gap = seen - expected
    statistic = float(gap @ np.linalg.pinv(variance, hermitian=True) @ gap)
    counts = np.bincount(labels, minlength=len(names))
    table = pl.DataFrame({"group": list(names), "rows": counts, "observed": seen, "expected": expected})
    return LogRankTest(statistic, freedom, float(chdtrc(freedom, statistic)), table)


def _moments(observed: Observed, labels: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per group the events seen and expected, and the covariance of the difference."""
    times = np.unique(observed.time[observed.event])
    members = [observed.rows(labels == g) for g in range(groups)]
    at_risk = np.stack([m.at_risk(times) for m in members])
    events = np.stack([m.count(times, m.event) for m in members])
    total, deaths = at_risk.sum(axis=0), events.sum(axis=0)
    share = at_risk / total
    scale = deaths * (total - deaths) / np.maximum(total - 1.0, 1.0)
    variance = np.diag((share * scale).sum(axis=1)) - (share * scale) @ share.T
    return events.sum(axis=1), (share * deaths).sum(axis=1), variance


def _no_comparison(names: list[str]) -> Problem:
    return Problem(
        rule="no-comparison",
        found=f"no event at a time when two of the groups {list_briefly(names)} are at risk",
        expected="events while two groups are under observation",
        remedy="compare groups with events and overlapping follow-up",
    )
