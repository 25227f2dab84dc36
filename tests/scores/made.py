"""Cohorts made of a few columns."""

from __future__ import annotations

from typing import Any

import polars as pl

from metachron.cohort import Cohort


def people(**columns: Any) -> Cohort:
    """Return a cohort of as many patients as the columns have values."""
    size = max((len(values) for values in columns.values() if isinstance(values, list)), default=1)
    ids = {"patient": [f"P{number}" for number in range(1, size + 1)], "study": "S", "arm": "A"}
    return Cohort.create("made", {"patients": pl.DataFrame({**ids, **columns})})
