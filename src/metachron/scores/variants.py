"""Which variants count: a rule as data, applied to the table alterations."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from metachron.base import InputError, ModelError, Problem
from metachron.cohort import Cohort

PROTEIN_CHANGING = ("missense", "nonsense", "splice", "frameshift", "inframe", "nonstop", "start")
"""Kinds that change the protein, or are likely to (splice: the two bases beside an exon)."""


@dataclass(frozen=True)
class VariantFilter:
    """Which rows of ``alterations`` count.

    Parameters
    ----------
    kinds : values of ``kind`` that count; None: all.
    lowest_allele_fraction, highest_allele_fraction : bounds of ``allele_fraction``, included; None: any. Above one
        half or so a variant may be inherited.
    excluded : pairs of a column and a value: rows with that value do not count.
    only : pairs of a column and the values that count.
    """

    kinds: tuple[str, ...] | None = None
    lowest_allele_fraction: float | None = None
    highest_allele_fraction: float | None = None
    excluded: tuple[tuple[str, str], ...] = ()
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule looks at."""
        looked = ["kind"] if self.kinds is not None else []
        bounds = (self.lowest_allele_fraction, self.highest_allele_fraction)
        looked += ["allele_fraction"] if any(bound is not None for bound in bounds) else []
        return (*looked, *(column for column, _ in (*self.excluded, *self.only)))

    def holds(self) -> pl.Expr:
        """Return whether a row counts."""
        rules = [pl.lit(True)]
        rules += [pl.col("kind").is_in(self.kinds)] if self.kinds is not None else []
        lowest, highest = self.lowest_allele_fraction, self.highest_allele_fraction
        rules += [pl.col("allele_fraction") >= lowest] if lowest is not None else []
        rules += [pl.col("allele_fraction") <= highest] if highest is not None else []
        rules += [pl.col(column) != value for column, value in self.excluded]
        rules += [pl.col(column).is_in(values) for column, values in self.only]
        return pl.all_horizontal(rules)


def select_variants(cohort: Cohort, rule: VariantFilter) -> pl.DataFrame:
    """Return the rows of ``alterations`` that count.

    Raises
    ------
    ModelError
        When the table has no column that the rule looks at.
    InputError
        When a cell that the rule looks at is empty: whether the row counts is then not known.
    """
    absent = [column for column in rule.columns if column not in cohort.alterations.columns]
    if absent:
        raise ModelError(f"{cohort.name} has no column {', '.join(absent)} in alterations, which the rule looks at")
    problems = []
    for column in dict.fromkeys(rule.columns):
        empty = cohort.alterations.filter(pl.col(column).is_null())
        if empty.height:
            who = tuple(empty["patient"].unique(maintain_order=True))
            problems.append(_problem(column, empty.height, who))
    if problems:
        raise InputError(problems, cohort.name)
    return cohort.alterations.filter(rule.holds())


def _problem(column: str, rows: int, patients: tuple[str, ...]) -> Problem:
    return Problem(
        "missing",
        found=f"{rows} variants without a value",
        expected="a value in each row, since the rule looks at it",
        remedy="fill the cells, or use a rule without this column",
        table="alterations",
        column=column,
        patients=patients,
    )
