"""From a frame as given to a frame with the columns and types of the schema, with every structural problem named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.frames import ROW, patients_of
from metachron.cohort.schema import Column, Table

_UNUSABLE = r"^$|^\s|\s$|^\^|\$$|[\x00-\x1f\x7f-\x9f]"
_DAY_HINT = "count days from the start of treatment (day 0); calendar dates are not read"


@dataclass
class Conformed:
    """A table in the making: the working frame, the columns that rules must not look at, and the problems."""

    frame: pl.DataFrame
    broken: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def conform(table: Table, frame: pl.DataFrame, file: str | None = None) -> Conformed:
    """Return the table in schema order and types; cells that cannot be read are null there, and reported.

    Text that holds a plain number is read as that number, whole numbers as text where an identifier is wanted,
    booleans in covariates as 0 and 1; nothing else is converted.
    """
    if ROW not in frame.columns:
        frame = frame.with_row_index(ROW, offset=1)
    rows = frame[ROW].cast(pl.Int64)
    done = Conformed(pl.DataFrame({ROW: rows}))
    given = [name for name in frame.columns if name != ROW]
    done.problems += _unknown_columns(table, given, file)
    for column in table.columns:
        if column.name in given:
            _add(done, table, column, frame, file)
        elif column.required:
            done.problems.append(_missing_column(table, column, given, file))
            done.broken.add(column.name)
        if column.name not in done.frame.columns and (column.required or not table.covariates):
            done.frame = done.frame.with_columns(pl.lit(None, column.dtype).alias(column.name))
    if table.extra:
        for name in given:
            if table.column(name) is None and not re.search(_UNUSABLE, name):
                _add(done, table, _extra_column(name, frame[name].dtype), frame, file)
    return done


def _add(done: Conformed, table: Table, column: Column, frame: pl.DataFrame, file: str | None) -> None:
    given = frame[column.name]
    series = _typed(given, column, covariate=table.column(column.name) is None)
    if series is None:
        done.broken.add(column.name)
        done.frame = done.frame.with_columns(pl.lit(None, column.dtype).alias(column.name))
        done.problems.append(_wrong_type(table, column, given.dtype, file))
        return
    unread = given.is_not_null() & series.is_null()
    infinite = series.is_null() & False
    if column.kind == "number":
        infinite = ~series.is_finite().fill_null(True)
        series = pl.select(pl.when(~infinite).then(series)).to_series()
    done.frame = done.frame.with_columns(series.alias(column.name))
    cells = [("not-a-number", unread), ("not-finite", infinite)]
    if not column.nullable:
        cells.append(("missing-value", given.is_null()))
    if series.null_count() == len(series) and (unread | infinite).any():
        done.broken.add(column.name)
    for rule, bad in cells:
        if bad.any():
            done.problems.append(_cells(rule, table, column, frame.filter(bad), file))


def _typed(given: pl.Series, column: Column, *, covariate: bool) -> pl.Series | None:
    """Return the series in the column's type (unreadable cells null), or None where the type cannot serve."""
    dtype = given.dtype
    if dtype == pl.Null:
        return given.cast(column.dtype)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        given, dtype = given.cast(pl.String), pl.String()
    if column.kind == "text":
        return given.cast(pl.String) if dtype == pl.String or dtype.is_integer() else None
    if dtype == pl.String:
        return given.str.strip_chars().cast(pl.Float64, strict=False)
    readable = dtype.is_numeric() or (covariate and dtype == pl.Boolean)
    return given.cast(pl.Float64) if readable else None


def _extra_column(name: str, dtype: pl.DataType) -> Column:
    text = dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    return Column(name, "text" if text else "number", "further column", nullable=True, required=False)


def _cells(rule: str, table: Table, column: Column, bad: pl.DataFrame, file: str | None) -> Problem:
    shown = list_briefly(repr(value) for value in bad[column.name].unique(maintain_order=True).to_list())
    expected = {
        "not-a-number": f"numbers{f' in {column.unit}' if column.unit else ''}",
        "not-finite": "finite numbers",
        "missing-value": f"a value in every row ({column.meaning})",
    }[rule]
    hint = f"; {_DAY_HINT}" if column.unit == "day" else ""
    remedy = {
        "not-a-number": f"correct the cells, or empty those that are missing (the mapping option `missing` lists "
        f"texts that mean missing, `decimal_comma` reads 12,5){hint}",
        "not-finite": "give the value, or leave the cell empty (null) where it is missing",
        "missing-value": "fill in the value, or remove the row if it holds nothing",
    }[rule]
    why = {"missing-value": "a row that cannot be placed cannot be used, and is never dropped silently"}.get(rule, "")
    return Problem(
        rule,
        found="empty cells" if rule == "missing-value" else shown,
        expected=expected,
        remedy=remedy,
        why=why,
        rows=tuple(bad[ROW].to_list()),
        patients=patients_of(bad),
        file=file,
        table=table.name,
        column=column.name,
    )


def _wrong_type(table: Table, column: Column, dtype: pl.DataType, file: str | None) -> Problem:
    want = "text" if column.kind == "text" else "numbers"
    hint = _DAY_HINT if column.unit == "day" else f"convert the column to {want}"
    if column.kind == "text" and dtype.is_float():
        hint = "give identifiers as text: decimal numbers lose digits and gain '.0'"
    return Problem(
        "wrong-type",
        found=f"values of type {dtype}",
        expected=want,
        remedy=hint,
        file=file,
        table=table.name,
        column=column.name,
    )


def _missing_column(table: Table, column: Column, given: list[str], file: str | None) -> Problem:
    near = _near(column.name, [name for name in given if table.column(name) is None])
    hint = f"rename column {near!r} to {column.name!r}" if near else f"add a column {column.name!r}"
    if len(given) == 1 and any(mark in given[0] for mark in ";\t|"):
        hint = 'the file seems to use another separator than a comma: say so in the mapping, e.g. `separator = ";"`'
    return Problem(
        "missing-column",
        found=f"columns {list_briefly(given, 12)}" if given else "no columns",
        expected=f"a column {column.name!r} ({column.meaning})",
        remedy=f'{hint}, or map it in the mapping file: `columns = {{ {column.name} = "your name" }}`',
        file=file,
        table=table.name,
        column=column.name,
    )


def _unknown_columns(table: Table, given: list[str], file: str | None) -> list[Problem]:
    extra = [name for name in given if table.column(name) is None]
    problems = [_unusable_name(table, name, file) for name in extra if re.search(_UNUSABLE, name)]
    unknown = [] if table.extra else [name for name in extra if not re.search(_UNUSABLE, name)]
    for name in unknown:
        near = _near(name, [known for known in table.names if known not in given])
        hint = f"rename it to {near!r}" if near else "remove it, or map the columns you need in the mapping file"
        problems.append(
            Problem(
                "unknown-column",
                found=f"column {name!r}" + (f" (did you mean {near!r}?)" if near else ""),
                expected=f"only {list_briefly(table.names, 20)}",
                remedy=hint,
                why="a misspelt column would be ignored without a word",
                file=file,
                table=table.name,
                column=name,
            )
        )
    return problems


def _unusable_name(table: Table, name: str, file: str | None) -> Problem:
    return Problem(
        "header",
        found=f"a column called {name!r}",
        expected="a name without blanks at its ends and without line breaks; not empty, no pattern ^...$",
        remedy="rename the column",
        file=file,
        table=table.name,
        column=name,
    )


def _near(name: str, options: list[str]) -> str | None:
    lowered = {option.lower().replace(" ", "_"): option for option in options}
    near = get_close_matches(name.lower().replace(" ", "_"), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else None
