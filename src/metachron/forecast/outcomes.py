"""What happened to patients after a landmark, and what was known of them before it, as flat tables."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR, InputError, ModelError
from metachron.cohort import Cohort
from metachron.cohort.event_times import times_to_event
from metachron.cohort.new_lesions import NEW_LESION, new_lesions_found
from metachron.cohort.seen_sizes import seen_sizes, sizes_of
from metachron.cohort.size_rows import size_rows
from metachron.forecast.landmark import known_at
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
    return times_to_event(cohort, event).select("patient", time, "event")


def after_without_new_lesion(cohort: Cohort, landmark_day: float, model: JointModel) -> pl.DataFrame:
    """Return patient, time_year from the landmark, and event: the first new lesion found after it, or the event of the
    model, whichever comes first; censored at the last assessment for new lesions.

    A new lesion counts on the day on which it was found. Patients not assessed after the landmark are left out, unless
    the event of the model followed.
    """
    new = new_lesions_found(cohort.events).filter(pl.col("day") > landmark_day)
    first = new.group_by("patient").agg((pl.col("day").min() / DAYS_PER_YEAR).alias("new_year"))
    assessed = cohort.followup.filter(pl.col("kind") == NEW_LESION)
    assessed = assessed.group_by("patient").agg((pl.col("last_day").max() / DAYS_PER_YEAR).alias("assessed_year"))
    table = cohort.patients.select("patient").join(first, on="patient", how="left", maintain_order="left")
    table = table.join(assessed, on="patient", how="left", maintain_order="left")
    died = pl.lit(None, pl.Float64).alias("died_year")
    if model.hazard is not None:
        known = times_to_event(cohort, model.hazard.event).filter("event").select("patient", died_year="time_year")
        table = table.join(known, on="patient", how="left", maintain_order="left")
    else:
        table = table.with_columns(died)
    happened = pl.min_horizontal("new_year", "died_year")
    time = pl.coalesce(happened, "assessed_year") - landmark_day / DAYS_PER_YEAR
    found = table.select("patient", time.alias("time_year"), happened.is_not_null().alias("event"))
    return found.filter(pl.col("time_year") > 0)


def lesion_sizes_of(cohort: Cohort, limit_mm: float) -> pl.DataFrame:
    """Return patient, lesion, day, size_mm (the limit where censored), censored, lesion by lesion."""
    rows = size_rows(cohort.measurements, cohort.lesions, "lesion", limit_mm=limit_mm).used
    return rows.sort("patient", "lesion", "day").select("patient", "lesion", "day", "size_mm", "censored")


def sizes_after(cohort: Cohort, landmark_day: float, horizon_day: float, limit_mm: float) -> pl.DataFrame:
    """Return patient, day, size_mm (the limit where censored), censored, of the time after the landmark."""
    return sizes_of(cohort, limit_mm).filter((pl.col("day") > landmark_day) & (pl.col("day") <= horizon_day))


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
