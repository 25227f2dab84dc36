"""Simulated randomised trials of a marker, with exponential survival whose rates are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort

ACCRUAL_YEAR, FOLLOW_UP_YEAR = 1.0, 1.5


def marker_trial(
    generator: np.random.Generator,
    patients: int,
    draw_marker: Callable[[np.random.Generator, int], np.ndarray],
    log_hazard: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Cohort:
    """Return a trial of two arms of equal size; ``log_hazard`` takes the marker and whether a patient is treated."""
    treated = np.tile([0.0, 1.0], patients // 2)
    marker = draw_marker(generator, patients)
    time = generator.exponential(np.exp(-log_hazard(marker, treated)))
    observed = FOLLOW_UP_YEAR + generator.uniform(0.0, ACCRUAL_YEAR, patients)
    return survival_cohort(np.minimum(time, observed), time <= observed, treated, marker=marker)


def survival_cohort(time_year: np.ndarray, died: np.ndarray, treated: np.ndarray, **columns: np.ndarray) -> Cohort:
    """Return a cohort with deaths, two arms and any columns of patients."""
    name = [f"p{index}" for index in range(len(time_year))]
    day = time_year * DAYS_PER_YEAR
    arm = np.where(treated > 0.0, "new", "old")
    patients = pl.DataFrame({"patient": name, "study": ["simulated"] * len(name), "arm": arm, **columns})
    followup = pl.DataFrame({"patient": name, "kind": ["death"] * len(name), "entry_day": 0.0, "last_day": day})
    events = pl.DataFrame({"patient": name, "kind": ["death"] * len(name), "day_lower": day, "day_upper": day})
    tables = {"patients": patients, "followup": followup, "events": events.filter(pl.Series(died))}
    return Cohort.create("simulated", tables)
