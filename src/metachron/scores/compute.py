"""Published scores of the patients of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from metachron.cohort import Cohort
from metachron.scores.derive import sources_of, with_derived
from metachron.scores.gather import Gathered, gather_inputs
from metachron.scores.inputs import MEASURED
from metachron.scores.registry import SCORES
from metachron.scores.result import ScoreTable
from metachron.scores.score import Score

_VALUES: dict[str, Any] = {
    "patient": pl.String, "score": pl.String, "value": pl.Float64, "group": pl.String, "missing": pl.List(pl.String),
}  # fmt: skip
_TRUNCATED: dict[str, Any] = {
    "score": pl.String,
    "column": pl.String,
    "upper": pl.Float64,
    "patients": pl.List(pl.String),
}
_ELSEWHERE: dict[str, Any] = {"score": pl.String, "patients": pl.List(pl.String)}


def compute_scores(cohort: Cohort, names: Sequence[str] | None = None) -> ScoreTable:
    """Return the scores of all patients; see `ScoreTable` for what is told beside them.

    Inputs are columns of the table patients; ``nlr``, ``dnlr``, ``involved_liver`` and ``met_sites`` are derived where
    they are absent and follow from counts or lesions. A patient without one of the inputs has no value, even where the
    others would settle the group. Values outside the range of an input are reported and treated as missing; nothing is
    clamped but what the publication truncates, which is counted.

    Parameters
    ----------
    names : names in `SCORES`; all of them when None.

    Raises
    ------
    ModelError
        When there is no score of a name.
    InputError
        When a column that should hold numbers holds text.
    """
    scores = [SCORES[name] for name in (SCORES if names is None else dict.fromkeys(names))]
    derived = with_derived(cohort, [column for score in scores for column in score.columns])
    lacking = {score.name: _lacking(derived, score) for score in scores}
    possible = [score for score in scores if not lacking[score.name]]
    inputs = gather_inputs(derived, [item for score in possible for item in score.inputs])
    return ScoreTable(
        cohort=cohort.name,
        values=pl.concat([pl.DataFrame(schema=_VALUES), *(_values(score, inputs.table) for score in possible)]),
        outside=inputs.outside,
        truncated=_truncated(possible, inputs.table),
        elsewhere=_elsewhere(possible, inputs.table, derived),
        lacking={name: columns for name, columns in lacking.items() if columns},
        notes=_constant_inputs(inputs),
    )


def _lacking(cohort: Cohort, score: Score) -> tuple[str, ...]:
    return tuple(sources_of(column) for column in score.columns if column not in cohort.patients.columns)


def _complete(score: Score) -> pl.Expr:
    """Return whether a patient has every input."""
    return pl.all_horizontal(pl.col(column).is_not_null() for column in score.columns)


def _values(score: Score, table: pl.DataFrame) -> pl.DataFrame:
    limits = [pl.col(rule.column).clip(upper_bound=rule.upper) for rule in score.truncations]
    absent = [pl.when(pl.col(column).is_null()).then(pl.lit(column)) for column in score.columns]
    value = pl.when(_complete(score)).then(score.value).cast(pl.Float64)
    found = table.with_columns(limits).select(
        "patient", score=pl.lit(score.name), value=value, missing=pl.concat_list(absent).list.drop_nulls()
    )
    return found.with_columns(group=score.group_of(pl.col("value"))).select(*_VALUES)


def _truncated(scores: Sequence[Score], table: pl.DataFrame) -> pl.DataFrame:
    rows = [
        (score.name, rule.column, rule.upper, _who(table, _complete(score) & (pl.col(rule.column) > rule.upper)))
        for score in scores
        for rule in score.truncations
    ]
    return pl.DataFrame([row for row in rows if row[3]], schema=_TRUNCATED, orient="row")


def _elsewhere(scores: Sequence[Score], table: pl.DataFrame, cohort: Cohort) -> pl.DataFrame:
    if "cancer_type" not in cohort.patients.columns:
        return pl.DataFrame(schema=_ELSEWHERE)
    kind = cohort.patients["cancer_type"].cast(pl.String).str.to_lowercase()
    rows = [
        (score.name, _who(table, _complete(score) & ~kind.is_in(score.cancer_types)))
        for score in scores
        if score.cancer_types
    ]
    return pl.DataFrame([row for row in rows if row[1]], schema=_ELSEWHERE, orient="row")


def _who(table: pl.DataFrame, condition: pl.Expr) -> list[str]:
    return table.filter(condition)["patient"].to_list()


def _constant_inputs(inputs: Gathered) -> tuple[str, ...]:
    """Return a note for each measured value that is the same in all of several patients."""
    notes = []
    for column in (item.column for item in MEASURED if item.column in inputs.table.columns):
        values = inputs.table[column].drop_nulls()
        if len(values) > 1 and values.n_unique() == 1:
            notes.append(f"{column} is {values[0]:g} in all {len(values)} patients: filled in rather than measured?")
    return tuple(notes)
