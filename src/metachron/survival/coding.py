"""Covariates of a Cox model as design columns: indicators against a stated reference level, centred numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.survival.labels import as_text


@dataclass(frozen=True)
class Coding:
    """How one covariate becomes columns: ``levels`` with the reference first, or a number minus ``centre``."""

    column: str
    levels: tuple[str, ...] = ()
    centre: float = 0.0

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the columns: ``column=level``, or the column itself for a number."""
        return tuple(f"{self.column}={level}" for level in self.levels[1:]) or (self.column,)

    def columns(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the columns for the rows of a frame; `InputError` for a level that the fit does not know."""
        if not self.levels:
            return frame[self.column].cast(pl.Float64).to_numpy()[:, None] - self.centre
        texts = np.asarray([as_text(value) for value in frame[self.column]], dtype=object)
        unknown = ~np.isin(texts, self.levels)
        if unknown.any():
            found, expected = f"levels {list_briefly(sorted(set(texts[unknown])))}", f"one of {', '.join(self.levels)}"
            remedy = "give rows of levels that the model was fitted to"
            raise InputError([_problem("level", self.column, found, expected, remedy, unknown)], "the covariates")
        return np.stack([(texts == level).astype(float) for level in self.levels[1:]], axis=1)


def require_columns(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raise `InputError` with every named column that is absent or has missing cells."""
    problems = []
    for column in columns:
        if column not in frame.columns:
            found, expected = "no such column", f"one of {list_briefly(frame.columns, 30)}"
            problems.append(_problem("column", column, found, expected, "name a column of the table"))
            continue
        series = frame[column]
        missing = series.is_null() | (series.is_nan() if series.dtype.is_float() else False)
        if missing.any():
            found = f"{missing.sum()} empty cells in {len(series)} rows"
            remedy = "fill the cells, or leave these rows out knowingly before the call; nothing is left out silently"
            problems.append(_problem("missing", column, found, "a value in each row", remedy, missing.to_numpy()))
    if problems:
        raise InputError(problems, "the survival table")


def learn_codings(
    frame: pl.DataFrame, covariates: Sequence[str], reference: Mapping[str, object]
) -> tuple[Coding, ...]:
    """Return how to code each covariate: those with a reference level as categories, the others as numbers.

    Raises
    ------
    InputError
        With every covariate that is text and has no reference, whose reference does not occur, or that has one value
        only; and every reference of a column that is not a covariate.
    """
    problems = [
        _problem("reference", column, "a reference level", "a covariate", "add it to the covariates, or drop it")
        for column in reference
        if column not in covariates
    ]
    codings = []
    for column in covariates:
        levels = sorted({as_text(value) for value in frame[column]})
        first = as_text(reference[column]) if column in reference else None
        problem = _coding_problem(frame[column], levels, first)
        problems += [problem] if problem else []
        if first is not None:
            codings.append(Coding(column, levels=(first, *(level for level in levels if level != first))))
        elif not problem:
            codings.append(Coding(column, centre=float(frame[column].cast(pl.Float64).to_numpy().mean())))
    if problems:
        raise InputError(problems, "the covariates")
    return tuple(codings)


def _coding_problem(series: pl.Series, levels: list[str], reference: str | None) -> Problem | None:
    listed = list_briefly(levels, 20)
    if len(levels) < 2:
        found, remedy = f"the single value {listed}", "leave it out: there is no effect to find"
        return _problem("constant", series.name, found, "at least two values", remedy)
    if reference is not None and reference not in levels:
        found = f"the reference level {reference!r}"
        return _problem("reference", series.name, found, f"one of {listed}", "name a level that occurs as reference")
    if reference is None and not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        remedy = f"state the level to compare with, such as reference={{{series.name!r}: {levels[0]!r}}}"
        return _problem("reference", series.name, f"the levels {listed}", "a reference level", remedy)
    return None


def _problem(
    rule: str, column: str, found: str, expected: str, remedy: str, wrong: np.ndarray | None = None
) -> Problem:
    rows = tuple(int(row) + 1 for row in np.flatnonzero(wrong)) if wrong is not None else ()
    return Problem(rule=rule, found=found, expected=expected, remedy=remedy, column=column, rows=rows)
