"""Who was sequenced: what tells a patient without variants apart from one of whom nothing is known."""

from __future__ import annotations

import polars as pl

from metachron.base import InputError, ModelError, Problem
from metachron.cohort import Cohort
from metachron.scores.gather import gather_inputs
from metachron.scores.score import Input


def sequenced_patients(cohort: Cohort, column: str) -> pl.DataFrame:
    """Return patient and sequenced (true or false), in the order of the table patients.

    Parameters
    ----------
    column : of the table patients: yes (true, 1) for those whose variants, if they have any, are in ``alterations``.
        No, false, 0 and empty: not sequenced, or variants not published.

    Raises
    ------
    ModelError
        When there is no such column.
    InputError
        When a cell is neither yes nor no, or a patient who was not sequenced has variants.
    """
    if column not in cohort.patients.columns:
        raise ModelError(f"{cohort.name} has no column {column!r} in patients to say who was sequenced")
    found = gather_inputs(cohort, [Input(column, "", "the patient was sequenced", "yes_no")])
    table = found.table.select("patient", sequenced=(pl.col(column) == 1.0).fill_null(False))
    problems = []
    if found.outside.height:
        strange, who = ", ".join(found.outside["value"].unique()), tuple(found.outside["patient"])
        problems.append(_problem(column, strange, "yes or no, or 1 or 0", "correct the cells", who))
    without = table.filter(~pl.col("sequenced"))["patient"]
    contradicted = cohort.alterations.filter(pl.col("patient").is_in(without.implode()))["patient"].unique()
    if contradicted.len():
        who = tuple(contradicted.sort())
        remedy = "mark them as sequenced, or take out their variants"
        problems.append(_problem(column, "variants of patients not sequenced", "variants of the others", remedy, who))
    if problems:
        raise InputError(problems, cohort.name)
    return table


def _problem(column: str, found: str, expected: str, remedy: str, patients: tuple[str, ...]) -> Problem:
    return Problem("sequenced", found, expected, remedy, table="patients", column=column, patients=patients)
