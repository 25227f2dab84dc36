"""``metachron scores COHORT [--score NAME] [--out FILE.csv]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.base import InputError, Problem
from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.outputs import refuse_unwritable
from metachron.cli.reading import read_cohort

if TYPE_CHECKING:
    from metachron.scores import ScoreTable


def scores(
    cohort: CohortName,
    /,
    *,
    score: Annotated[list[str] | None, Parameter(help="Name of a score, may be given again. [default: all]")] = None,
    out: Annotated[Path | None, Parameter(help="CSV file for the values, one row per patient and score.")] = None,
    mapping: Mapping = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Compute published scores (LORIS, LIPI, GRIm, TMB ...) of the patients, and say what is lacking for the others.

    metachron scores my-trial --score lipi --score grim --out scores.csv
    """
    from metachron.scores import compute_scores

    if out is not None:
        refuse_unwritable(out)
    found = compute_scores(read_cohort(cohort, mapping), score)
    if found.values.is_empty():
        raise InputError([_nothing(found)], found.cohort)
    if out is not None:
        _write(found, out)
    if json:
        show_json(_document(found))
        return
    show_table(found.summary())
    for text in _remarks(found):
        say(text)


def _nothing(found: ScoreTable) -> Problem:
    lacks = "; ".join(f"{name}: {', '.join(columns)}" for name, columns in found.lacking.items())
    return Problem(
        "score-inputs",
        found="no score that can be computed",
        expected=f"the columns that a score needs; lacking are {lacks}",
        remedy="add the columns of one score, named as above, in the units that the documentation of the scores states",
        table="patients",
    )


def _remarks(found: ScoreTable) -> list[str]:
    """Return what was not as usual, a line each."""
    lines = [f"not computed: {name} lacks {', '.join(columns)}" for name, columns in found.lacking.items()]
    lines += [
        f"truncated as published: {row['column']} to {row['upper']:g} in {_many(row['patients'])} ({row['score']})"
        for row in found.truncated.iter_rows(named=True)
    ]
    lines += [
        f"not what the score was made for: another cancer in {_many(row['patients'])} ({row['score']})"
        for row in found.elsewhere.iter_rows(named=True)
    ]
    lines += [
        f"outside the range, not used: patient {row['patient']}, {row['column']} = {row['value']}; "
        f"expected {row['expected']}"
        for row in found.outside.iter_rows(named=True)
    ]
    return ["", *lines, *found.notes] if lines or found.notes else []


def _many(patients: list[str]) -> str:
    return f"{len(patients)} patient{'s' if len(patients) != 1 else ''}"


def _write(found: ScoreTable, out: Path) -> None:
    import polars as pl

    from metachron.cohort.table_files import write_csv

    write_csv(found.values.with_columns(pl.col("missing").list.join("; ")), out)
    note(f"{out}: {found.values.height} rows")


def _document(found: ScoreTable) -> dict[str, object]:
    tables = {name: getattr(found, name).to_dicts() for name in ("values", "outside", "truncated", "elsewhere")}
    lacking = {name: list(columns) for name, columns in found.lacking.items()}
    return {
        "cohort": found.cohort,
        "summary": found.summary().to_dicts(),
        **tables,
        "lacking": lacking,
        "notes": list(found.notes),
    }
