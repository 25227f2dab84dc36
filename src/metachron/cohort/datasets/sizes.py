"""Rows of measurements and lesions that the published files share a need for."""

from __future__ import annotations

import polars as pl

LESION = "1"
"""Identifier of the lesion where a file follows one per patient."""


def with_state(sizes: pl.DataFrame) -> pl.DataFrame:
    """Return sizes of a sum (patient, day, size_mm) as rows of ``measurements``: 0 is absent, all else measured."""
    return sizes.select(
        "patient", pl.lit(None, pl.String).alias("lesion"), "day", "size_mm", state_of_size().alias("state")
    )


def state_of_size() -> pl.Expr:
    """Return the state that a recorded size_mm stands for: absent at 0, measured above."""
    return pl.when(pl.col("size_mm") == 0).then(pl.lit("absent")).otherwise(pl.lit("measured"))


def one_target_lesion(patients: pl.DataFrame) -> pl.DataFrame:
    """Return ``lesions`` with a single target lesion of unknown organ for each patient."""
    return patients.select(
        "patient",
        pl.lit(LESION).alias("lesion"),
        pl.lit("unknown").alias("organ"),
        pl.lit("target").alias("role"),
    )
