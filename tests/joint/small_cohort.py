"""A small cohort made by hand that has one of everything a joint likelihood knows."""

from __future__ import annotations

import polars as pl

from metachron.cohort import Cohort

PATIENTS = pl.DataFrame(
    {
        "patient": ["P1", "P2", "P3", "P4", "P5", "P6", "P7"],
        "study": ["S1", "S1", "S1", "S2", "S2", "S2", "S2"],
        "arm": ["A", "B", "A", "B", "A", "B", "A"],
        "age_year": [61.0, 70.5, 48.0, 55.0, 66.0, 73.0, 59.0],
        "sex": ["female", "male", "male", "female", "female", "male", "female"],
    }
)
"""P6 has no sizes, P7 no follow-up; P3 and P6 enter late; P2 dies between two days."""

_SIZES = [
    ("P1", -7.0, 62.0, "measured"), ("P1", 40.0, 45.3, "measured"), ("P1", 90.0, 38.1, "measured"),
    ("P1", 150.0, 4.2, "measured"), ("P2", -3.0, 30.0, "measured"), ("P2", 45.0, 12.0, "measured"),
    ("P2", 95.0, None, "below_limit"), ("P2", 140.0, 0.0, "absent"), ("P3", 0.0, 80.0, "measured"),
    ("P3", 42.0, 95.0, "measured"), ("P3", 88.0, 130.0, "measured"), ("P4", -10.0, 25.0, "measured"),
    ("P4", 50.0, None, "below_limit"), ("P4", 100.0, 9.0, "measured"), ("P5", -1.0, 110.0, "measured"),
    ("P5", 60.0, 100.0, "measured"), ("P5", 120.0, None, "not_evaluable"), ("P7", 0.0, 57.0, "measured"),
    ("P7", 47.0, 51.0, "measured"),
]  # fmt: skip
_DEATHS = [("P1", 400.0, 400.0), ("P2", 200.0, 260.0), ("P3", 120.5, 120.5), ("P4", 505.0, 505.0), ("P6", 77.0, 77.0)]
_FOLLOWUP = [
    ("P1", 0.0, 400.0), ("P2", 0.0, 260.0), ("P3", 30.0, 120.5), ("P4", 0.0, 505.0), ("P5", 0.0, 300.0),
    ("P6", 10.0, 77.0),
]  # fmt: skip


def small_tables(*, by_lesion: bool = False) -> dict[str, pl.DataFrame]:
    """Return the tables; ``by_lesion`` gives each patient two lesions, of 0.6 and 0.5 of the sum."""
    sizes = pl.DataFrame(_SIZES, schema=["patient", "day", "size_mm", "state"], orient="row")
    tables = {
        "patients": PATIENTS,
        "measurements": sizes.with_columns(pl.lit(None, pl.String).alias("lesion")),
        "events": pl.DataFrame(_DEATHS, schema=["patient", "day_lower", "day_upper"], orient="row").with_columns(
            pl.lit("death").alias("kind")
        ),
        "followup": pl.DataFrame(_FOLLOWUP, schema=["patient", "entry_day", "last_day"], orient="row").with_columns(
            pl.lit("death").alias("kind")
        ),
    }
    if by_lesion:
        parts = [
            sizes.with_columns(pl.lit(lesion).alias("lesion"), (share * pl.col("size_mm")).alias("size_mm"))
            for lesion, share in (("a", 0.6), ("b", 0.5))
        ]
        tables["measurements"] = pl.concat(parts)
        named = tables["measurements"].select("patient", "lesion").unique(maintain_order=True)
        tables["lesions"] = named.with_columns(pl.lit("liver").alias("organ"), pl.lit("target").alias("role"))
    return tables


def small_cohort(*, by_lesion: bool = False) -> Cohort:
    """Return the cohort; sizes below 5 mm are too small to measure."""
    return Cohort.create("small", small_tables(by_lesion=by_lesion))
