"""Rules on single cells, read off the schema: text form, allowed values, ranges."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metachron.base import list_briefly
from metachron.cohort.checks.rule import Rule, Tables, number, rows_where
from metachron.cohort.schema import SCHEMA, Column

_UNTIDY = r"^$|^\s|\s$|\p{Cc}"
_FIRM_RANGES = ("negative-size", "negative-dose")
_REMEDIES = {
    "negative-size": "correct the size; a lesion that has gone is size 0 with state absent",
    "negative-dose": "correct the dose, or leave it empty",
    "implausible-day": "count days from the start of treatment (day 0); a calendar date, an hour or a typing error "
    "may stand here",
    "out-of-range": "correct the value or its unit (the mapping file converts units)",
}


def cell_rules(tables: Tables) -> Iterator[Rule]:
    """Yield the rules on single cells for the columns that these tables have."""
    for table in SCHEMA.values():
        frame = tables[table.name]
        for name in frame.columns[1:]:
            text = frame[name].dtype == pl.String
            column = table.column(name) or Column(name, "text" if text else "number", "further column")
            if column.kind == "text":
                yield _untidy(table.name, column)
            if column.allowed:
                yield _allowed(table.name, column)
            if column.low is not None:
                yield _range(table.name, column, column.low)


def _untidy(table: str, column: Column) -> Rule:
    cell = pl.col(column.name)
    return Rule(
        "untidy-text", table, column.name, (f"{table}.{column.name}",),
        rows_where(table, cell.str.contains(_UNTIDY), pl.format("'{}'", cell)),
        expected="text without blanks at its ends, without line breaks, and not empty",
        remedy="remove the blanks; leave the cell empty (null) where the value is missing",
        why="'A' and 'A ' would be two different values",
    )  # fmt: skip


def _allowed(table: str, column: Column) -> Rule:
    cell = pl.col(column.name)
    bad = ~cell.is_in(column.allowed) & ~cell.str.contains(_UNTIDY)
    return Rule(
        "not-allowed", table, column.name, (f"{table}.{column.name}",),
        rows_where(table, bad, pl.format("'{}'", cell)),
        expected=f"one of {list_briefly(column.allowed, 20)}",
        remedy="use one of these words, or translate yours in the mapping file: "
        f'`values.{column.name} = {{ {column.allowed[0]} = ["your word"] }}`',
    )  # fmt: skip


def _range(table: str, column: Column, low: float) -> Rule:
    cell = pl.col(column.name)
    bad = cell < low if column.high is None else ~cell.is_between(low, column.high)
    unit = f" {column.unit}" if column.unit else ""
    top = "or more" if column.high is None else f"to {column.high:g}"
    return Rule(
        column.range_rule, table, column.name, (f"{table}.{column.name}",),
        rows_where(table, bad, pl.format("{}" + unit, number(column.name))),
        expected=f"{column.meaning}: {low:g} {top}{unit}",
        remedy=_REMEDIES[column.range_rule],
        acceptable=column.range_rule not in _FIRM_RANGES,
    )  # fmt: skip
