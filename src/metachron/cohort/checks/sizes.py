"""Rules on tumour sizes: a size and its state agree, and sizes are plausible in mm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from metachron.cohort.checks.rule import Rule, Tables, number, rows_where, violations, whole_cohort
from metachron.cohort.schema import MAX_LESION_MM, MAX_SUM_MM

_SIZE, _STATE = pl.col("size_mm"), pl.col("state")
_SHOWN = pl.format("state {} with size {}", "state", number("size_mm").fill_null("(empty)"))
_NEEDS = ("measurements.patient", "measurements.size_mm", "measurements.state")
_FEW_SIZES = 10
_SMALL_MEDIAN_MM = 8.0


def size_rules(limit_mm: float) -> Iterator[Rule]:
    """Yield the rules on sizes; `limit_mm` is the size below which a lesion is too small to measure."""
    yield Rule(
        "zero-measured", "measurements", "size_mm", _NEEDS,
        rows_where("measurements", (_STATE == "measured") & (_SIZE == 0), _SHOWN),
        expected="a measured size above 0 mm",
        remedy="a lesion that has gone has state absent; one too small to measure has state below_limit",
        why="a size of zero has no logarithm; a lesion that has gone is left-censored",
    )  # fmt: skip
    yield Rule(
        "size-missing", "measurements", "size_mm", _NEEDS,
        rows_where("measurements", (_STATE == "measured") & _SIZE.is_null(), _SHOWN),
        expected="a size in every row with state measured",
        remedy="give the size, or the state that says why there is none "
        "(below_limit, absent, present, progressed, not_evaluable)",
    )  # fmt: skip
    top = pl.when(_STATE == "below_limit").then(limit_mm).otherwise(0.0)
    without = _STATE.is_in(["present", "progressed", "not_evaluable"]) & _SIZE.is_not_null()
    contradiction = without | (_STATE.is_in(["below_limit", "absent"]) & (top < _SIZE))
    yield Rule(
        "size-contradicts-state", "measurements", "size_mm", _NEEDS,
        rows_where("measurements", contradiction & (_SIZE >= 0), _SHOWN),
        expected=f"absent: 0 or empty; below_limit: at most {limit_mm:g} mm or empty; "
        "present, progressed, not_evaluable: empty",
        remedy="use state measured where the size was measured, or empty the size",
        why="the state decides how the likelihood uses the row",
    )  # fmt: skip
    most = pl.when(pl.col("lesion").is_null()).then(MAX_SUM_MM).otherwise(MAX_LESION_MM)
    yield Rule(
        "implausible-size", "measurements", "size_mm", (*_NEEDS, "measurements.lesion"),
        rows_where("measurements", most < _SIZE, pl.format("{} mm", number("size_mm"))),
        expected=f"at most {MAX_LESION_MM:g} mm for a lesion and {MAX_SUM_MM:g} mm for a sum",
        remedy="correct the size; if sizes have another unit, say so in the mapping file: `units = { size_mm = ... }`",
        acceptable=True,
    )  # fmt: skip
    yield _SUM_AND_LESIONS
    yield _IN_CM


def _sum_and_lesions(tables: Tables) -> pl.DataFrame:
    rows = tables["measurements"].drop_nulls("patient")
    both = pl.col("lesion").is_null().any() & pl.col("lesion").is_not_null().any()
    rows = rows.filter(both.over("patient") & pl.col("lesion").is_null())
    return violations(rows, pl.lit("a sum (empty lesion) beside rows of single lesions"))


def _in_cm(tables: Tables) -> pl.DataFrame:
    rows = tables["measurements"].filter((_STATE == "measured") & (pl.col("day") <= 0))
    median = float(np.median(rows["size_mm"].drop_nulls().to_numpy())) if rows["size_mm"].count() else 0.0
    small = rows.height >= _FEW_SIZES and 0 < median < _SMALL_MEDIAN_MM
    found = f"a median of {median:.3g} in {rows.height} sizes measured at or before day 0"
    return whole_cohort(found if small else None)


_SUM_AND_LESIONS = Rule(
    "sum-and-lesions", "measurements", "lesion", ("measurements.patient", "measurements.lesion"), _sum_and_lesions,
    expected="for each patient either single lesions or sums, not both",
    remedy="delete the sums: they are computed from the target lesions; or keep the sums alone",
    why="the same tumour would count twice",
)  # fmt: skip

_IN_CM = Rule(
    "sizes-in-cm", "measurements", "size_mm", (*_NEEDS, "measurements.day"), _in_cm,
    expected=f"sizes in mm: a median of {_SMALL_MEDIAN_MM:g} mm or more before treatment",
    remedy='if sizes are in cm, say so in the mapping file: `units = { size_mm = "cm" }`',
    why="a lesion is measurable from 10 mm on (RECIST 1.1), so the unit is probably wrong",
    acceptable=True,
)  # fmt: skip
