"""What a rule is, and how it is applied to the tables of a cohort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.frames import ROW

Tables = Mapping[str, pl.DataFrame]
"""Working frames by table name, each with its row numbers in column `ROW`."""


@dataclass(frozen=True)
class Rule:
    """One thing that must hold, as data.

    Parameters
    ----------
    name, table, column : stable name, and where a violation is reported.
    needs : ``"table.column"`` that must be readable before the rule can speak.
    find : from the tables, the frame of violating rows: `ROW`, ``patient``, ``found`` (text); a violation of the
        cohort as a whole has one row without row number and patient.
    expected, remedy, why : what the message says.
    acceptable : violations may be kept as accepted exceptions.
    """

    name: str
    table: str
    column: str | None
    needs: tuple[str, ...]
    find: Callable[[Tables], pl.DataFrame]
    expected: str
    remedy: str
    why: str = ""
    acceptable: bool = False


@dataclass(frozen=True)
class Finding:
    """The violations of one rule in one column."""

    rule: Rule
    rows: pl.DataFrame

    def problem(self, files: Mapping[str, str]) -> Problem:
        """Return the finding as a problem that a reader can act on."""
        rule, rows = self.rule, self.rows
        return Problem(
            rule.name,
            found=list_briefly(rows["found"].unique(maintain_order=True).to_list()),
            expected=rule.expected,
            remedy=rule.remedy + (_ACCEPT if rule.acceptable else ""),
            why=rule.why,
            file=files.get(rule.table),
            table=rule.table,
            column=rule.column,
            rows=tuple(rows[ROW].drop_nulls().to_list()),
            patients=tuple(rows["patient"].drop_nulls().unique(maintain_order=True).to_list()),
        )


_ACCEPT = "; or list it as an accepted exception (patient, rule, reason)"


def apply_rules(rules: Iterable[Rule], tables: Tables, broken: set[str], problems: Iterable[Problem]) -> list[Finding]:
    """Return what the rules find.

    A rule that needs a broken column (``"table.column"``) is not asked, and a cell in `problems` is not reported again.
    """
    reported: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for problem in problems:
        reported[problem.table, problem.column] += problem.rows
    findings = []
    for rule in rules:
        if broken.isdisjoint(rule.needs):
            again = pl.col(ROW).is_in(reported[rule.table, rule.column]).fill_null(False)
            rows = rule.find(tables).filter(~again)
            if not rows.is_empty():
                findings.append(Finding(rule, rows.sort(ROW, maintain_order=True)))
    return findings


def rows_where(table: str, bad: pl.Expr, found: pl.Expr) -> Callable[[Tables], pl.DataFrame]:
    """Return a `find` for a condition on single rows of one table (null counts as no violation)."""

    def find(tables: Tables) -> pl.DataFrame:
        return violations(tables[table].filter(bad), found)

    return find


def violations(rows: pl.DataFrame, found: pl.Expr) -> pl.DataFrame:
    """Return violating rows in the form that a finding has."""
    return rows.select(pl.col(ROW).cast(pl.Int64), "patient", found.cast(pl.String).alias("found"))


def whole_cohort(found: str | None) -> pl.DataFrame:
    """Return one violation of the cohort as a whole, or none."""
    schema = {ROW: pl.Int64, "patient": pl.String, "found": pl.String}
    return pl.DataFrame([[None, None, found]] if found else [], schema=schema, orient="row")


def number(column: str) -> pl.Expr:
    """Return a number as text, without a trailing ``.0``."""
    return pl.col(column).cast(pl.String).str.replace(r"\.0$", "")
