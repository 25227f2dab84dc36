"""The inputs of scores out of a cohort: read as what they are, with what is outside its range set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from metachron.base import InputError, Problem
from metachron.cohort import Cohort
from metachron.scores.score import Input

_YES_NO = {"yes": 1.0, "true": 1.0, "1": 1.0, "1.0": 1.0, "no": 0.0, "false": 0.0, "0": 0.0, "0.0": 0.0}


@dataclass(frozen=True, eq=False)
class Gathered:
    """Inputs by patient.

    Parameters
    ----------
    table : patient and the inputs found, numbers as Float64 (yes 1, no 0), labels in lower case; null where missing or
        outside its range.
    outside : patient, column, value (as text), expected; one row per value outside its range.
    """

    table: pl.DataFrame
    outside: pl.DataFrame


def gather_inputs(cohort: Cohort, inputs: Sequence[Input]) -> Gathered:
    """Return those inputs that the table patients has.

    Raises
    ------
    InputError
        When a number is asked of a column of text.
    """
    patients = cohort.patients
    found = [item for item in {item.column: item for item in inputs}.values() if item.column in patients.columns]
    _refuse_text(cohort, found)
    table, outside = patients.select("patient"), []
    for item in found:
        values = _read(patients[item.column], item)
        bad = patients[item.column].is_not_null() & ~_valid(values, item)
        outside.append(
            patients.select(
                "patient",
                column=pl.lit(item.column),
                value=pl.col(item.column).cast(pl.String),
                expected=pl.lit(item.expected),
            ).filter(bad)
        )
        table = table.with_columns(pl.select(pl.when(~bad).then(values)).to_series().alias(item.column))
    empty = pl.DataFrame(schema=dict.fromkeys(("patient", "column", "value", "expected"), pl.String))
    return Gathered(table, pl.concat([empty, *outside]))


def _read(series: pl.Series, item: Input) -> pl.Series:
    if item.kind == "number":
        return series.cast(pl.Float64)
    words = series.cast(pl.String).str.to_lowercase()
    return words if item.kind == "label" else words.replace_strict(_YES_NO, default=None, return_dtype=pl.Float64)


def _valid(values: pl.Series, item: Input) -> pl.Series:
    if item.kind == "number":
        return (values.is_finite() & values.is_between(item.low, item.high)).fill_null(False)
    return values.is_in(item.levels).fill_null(False) if item.kind == "label" else values.is_not_null()


def _refuse_text(cohort: Cohort, inputs: Sequence[Input]) -> None:
    problems = [
        Problem(
            "wrong-type",
            found="text",
            expected=f"numbers, {item.expected}",
            remedy="write the column as numbers, or give it another name",
            table="patients",
            column=item.column,
        )
        for item in inputs
        if item.kind == "number" and not cohort.patients[item.column].dtype.is_numeric()
    ]
    if problems:
        raise InputError(problems, cohort.name)
