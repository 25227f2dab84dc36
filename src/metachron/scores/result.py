"""What computing scores gives: values with their reasons, and an account of everything that was not as usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from metachron.scores.registry import SCORES

_SUMMARY = {
    "score": pl.String, "scored": pl.Int64, "not_scored": pl.Int64, "truncated": pl.Int64, "elsewhere": pl.Int64,
    "groups": pl.String,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores of the patients of a cohort.

    Parameters
    ----------
    cohort : name of the cohort.
    values : one row per patient and score that the cohort can have: patient, score, value, group, missing (inputs that
        the patient lacks, or that are outside their range); value and group are null where an input is missing, group
        too where the score has none.
    outside : patient, column, value, expected: inputs outside their plausible range, which are never clamped.
    truncated : score, column, upper, patients: who had a value above what the publication truncates it to.
    elsewhere : score, patients: who has a cancer type that the score was not made for, and is scored all the same.
    lacking : for each score that cannot be computed on the cohort, the columns that it lacks.
    notes : what else must be known.
    """

    cohort: str
    values: pl.DataFrame
    outside: pl.DataFrame
    truncated: pl.DataFrame
    elsewhere: pl.DataFrame
    lacking: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def wide(self) -> pl.DataFrame:
        """Return one row per patient, with a column per score: its value."""
        return self.values.pivot("score", index="patient", values="value")

    def summary(self) -> pl.DataFrame:
        """Return one row per score: score, patients scored, not scored (an input missing or outside its range),
        truncated and elsewhere, and the number of patients by group, in the order of the groups.
        """
        rows = []
        for (name,), part in self.values.group_by("score", maintain_order=True):
            told = (_patients(table.filter(pl.col("score") == name)) for table in (self.truncated, self.elsewhere))
            absent = part["value"].null_count()
            rows.append((name, part.height - absent, absent, *told, _tally(part["group"], str(name))))
        return pl.DataFrame(rows, schema=_SUMMARY, orient="row")


def _patients(table: pl.DataFrame) -> int:
    """Return the number of different patients that a table names."""
    return table["patients"].explode().drop_nulls().n_unique()


def _tally(groups: pl.Series, score: str) -> str:
    counts = ((group.label, (groups == group.label).sum()) for group in SCORES[score].groups)
    return ", ".join(f"{label}: {count}" for label, count in counts)
