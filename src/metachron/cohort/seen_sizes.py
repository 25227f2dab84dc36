"""The sums of lesions that were known of each patient by a day."""

from __future__ import annotations

import polars as pl

from metachron.cohort.cohort import Cohort
from metachron.cohort.size_rows import size_rows


def sizes_of(cohort: Cohort, limit_mm: float) -> pl.DataFrame:
    """Return patient, day, size_mm (the limit where censored), censored, of the sum of lesions, in order of time."""
    rows = size_rows(cohort.measurements, cohort.lesions, "sum", limit_mm=limit_mm).used
    return rows.sort("patient", "day").select("patient", "day", "size_mm", "censored")


def seen_sizes(cohort: Cohort, landmark_day: float, limit_mm: float) -> pl.DataFrame:
    """Return patient, and what is known of the size: lists of day and size_mm up to the landmark, null without any.

    Sizes below the limit count as the limit.
    """
    known = sizes_of(cohort, limit_mm).filter(pl.col("day") <= landmark_day)
    grouped = known.group_by("patient", maintain_order=True).agg("day", pl.col("size_mm").clip(lower_bound=limit_mm))
    return cohort.patients.select("patient").join(grouped, on="patient", how="left", maintain_order="left")
