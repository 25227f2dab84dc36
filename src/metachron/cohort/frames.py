"""Data frames of any make to Polars."""

from __future__ import annotations

from typing import Any

import polars as pl

from metachron.base import Problem

ROW = "__row__"
"""Working column: 1-based data row of the source table."""


def to_polars(table: str, frame: Any) -> tuple[pl.DataFrame | None, list[Problem]]:
    """Return the frame as a Polars data frame, or the problem that prevents it.

    A Polars frame passes as it is, a lazy one is collected. A pandas frame is read column by column; pandas writes
    missing values as NaN, so NaN becomes missing there (in a Polars frame NaN is an error).
    """
    if isinstance(frame, pl.DataFrame):
        return frame, []
    if isinstance(frame, pl.LazyFrame):
        return frame.collect(), []
    if not (hasattr(frame, "columns") and hasattr(frame, "notna")):
        return None, [_wrong_type(table, None, type(frame).__name__)]
    columns, problems = {}, []
    for name in frame.columns:
        cells = frame[name].astype(object)
        values = cells.where(cells.notna(), None).tolist()
        if any(isinstance(value, float) for value in values):
            values = [float(value) if isinstance(value, int) else value for value in values]
        try:
            columns[str(name)] = pl.Series(str(name), values, strict=True)
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            problems.append(_wrong_type(table, str(name), "values of several types"))
    return pl.DataFrame(columns, height=len(frame)), problems


def patients_of(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return the identifiers of the patients in some rows, as far as they can be read."""
    if "patient" not in rows.columns or rows["patient"].dtype.is_nested():
        return ()
    ids = rows["patient"].drop_nulls().cast(pl.String, strict=False)
    return tuple(ids.unique(maintain_order=True).to_list())


def _wrong_type(table: str, column: str | None, found: str) -> Problem:
    return Problem(
        "wrong-type",
        found=found,
        expected="a Polars or pandas data frame" if column is None else "one type of value: numbers or text",
        remedy="give a polars.DataFrame" if column is None else "make all cells numbers, or all cells text",
        table=table,
        column=column,
    )
