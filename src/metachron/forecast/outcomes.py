"""What happened to patients after a landmark, and what was known of them before it, as flat tables."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR, InputError, ModelError
from metachron.cohort import Cohort
from metachron.cohort.new_lesions import NEW_LESION
from metachron.cohort.size_rows import size_rows
from metachron.forecast.landmark import known_at
from metachron.inference.predict.recorded import outcomes
from metachron.joint import JointModel

CHANGE = "log_change_in_size"
BASELINE = "log_baseline_size"


def at_risk(cohort: Cohort, landmark_day: float, model: JointModel) -> Cohort:
    """Return the patients who can be forecast at a landmark: free of the event, followed, with a size.

    Raises
    ------
    ModelError
        When there are none.
    """
    try:
        known_at(cohort, landmark_day, model)
    except InputError as error:
        out = {patient for problem in error.problems for patient in problem.patients}
        left = [patient for patient in cohort.patient_ids if patient not in out]
        if not left:
            raise ModelError(f"no patient of {cohort.name!r} can be forecast on day {landmark_day:g}") from error
        return cohort.select(left)
    return cohort


def after(cohort: Cohort, landmark_day: float, event: str) -> pl.DataFrame:
    """Return patient, time_year from the landmark to the event or the end of observation, and event."""
    time = pl.col("time_year") - landmark_day / DAYS_PER_YEAR
    return outcomes(cohort, event).select("patient", time, "event")


def sizes_of(cohort: Cohort, limit_mm: float) -> pl.DataFrame:
    """Return patient, day, size_mm (the limit where censored), censored, of the sum of lesions, in order of time."""
    rows = size_rows(cohort.measurements, cohort.lesions, "sum", limit_mm=limit_mm).used
    return rows.sort("patient", "day").select("patient", "day", "size_mm", "censored")


def lesion_sizes_of(cohort: Cohort, limit_mm: float) -> pl.DataFrame:
    """Return patient, lesion, day, size_mm (the limit where censored), censored, lesion by lesion."""
    rows = size_rows(cohort.measurements, cohort.lesions, "lesion", limit_mm=limit_mm).used
    return rows.sort("patient", "lesion", "day").select("patient", "lesion", "day", "size_mm", "censored")


def new_lesions_of(cohort: Cohort) -> pl.DataFrame:
    """Return patient, day, organ of the new lesions that were found, on the day that showed them."""
    found = cohort.events.filter(pl.col("kind") == NEW_LESION).sort("patient", "day_upper")
    return found.select("patient", pl.col("day_upper").alias("day"), "organ")


def sizes_after(cohort: Cohort, landmark_day: float, horizon_day: float, limit_mm: float) -> pl.DataFrame:
    """Return patient, day, size_mm (the limit where censored), censored, of the time after the landmark."""
    return sizes_of(cohort, limit_mm).filter((pl.col("day") > landmark_day) & (pl.col("day") <= horizon_day))


def seen_sizes(cohort: Cohort, landmark_day: float, limit_mm: float) -> pl.DataFrame:
    """Return patient, and what is known of the size: lists of day and size_mm up to the landmark."""
    known = sizes_of(cohort, limit_mm).filter(pl.col("day") <= landmark_day)
    grouped = known.group_by("patient", maintain_order=True).agg("day", pl.col("size_mm").clip(lower_bound=limit_mm))
    return cohort.patients.select("patient").join(grouped, on="patient", how="left", maintain_order="left")


def size_covariates(cohort: Cohort, landmark_day: float, limit_mm: float) -> pl.DataFrame:
    """Return patient, log of the first known size, and log of the last one over the first."""
    seen = seen_sizes(cohort, landmark_day, limit_mm)
    first, last = pl.col("size_mm").list.first().log(), pl.col("size_mm").list.last().log()
    return seen.select("patient", first.alias(BASELINE), (last - first).alias(CHANGE))


def straight_line(day: list[float], size_mm: list[float], at: float) -> float:
    """Return the size in mm on a least-squares line through the sizes, at least 0; of a single one, that size."""
    if len(set(day)) < 2:
        return size_mm[-1]
    slope, level = np.polyfit(day, size_mm, 1)
    return max(0.0, float(level + slope * at))
