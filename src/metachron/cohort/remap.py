"""Apply a mapping to one table: pick rows and columns, translate words, convert units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.frames import ROW, patients_of
from metachron.cohort.mapping import FolderMapping, Source, units_of
from metachron.cohort.organ_names import map_organs, unmapped_note
from metachron.cohort.schema import Table

_NUMBER = r"^\s*[-+]?\d+,\d+\s*$"


@dataclass
class Remapped:
    """A table in the words of the schema, with the problems met and what was left out."""

    frame: pl.DataFrame
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def remap(frame: pl.DataFrame, table: Table, source: Source, mapping: FolderMapping, *, file: str) -> Remapped:
    """Return the table made of a file's frame (which carries its row numbers in `ROW`)."""
    texts = [name for name in frame.columns if frame[name].dtype == pl.String]
    if mapping.missing:
        cell = pl.col(texts)
        frame = frame.with_columns(pl.when(~cell.str.strip_chars().is_in(mapping.missing)).then(cell))
    done = Remapped(frame)
    _pick_rows(done, table, source, file)
    _pick_columns(done, table, source, file)
    _add_constants(done, table, source, file)
    for column, words in source.values.items():
        if column in done.frame.columns:
            _translate(done, table, column, words, file)
    if source.organ_texts and "organ" in done.frame.columns:
        organs, unmapped = map_organs(done.frame["organ"].cast(pl.String))
        done.frame = done.frame.with_columns(pl.Series("organ", organs, pl.String))
        done.notes += [f"{table.name}: {unmapped_note(unmapped)}"] if unmapped else []
    if mapping.decimal_comma:
        _read_decimal_commas(done, table)
    if source.states:
        _set_states(done, source, file)
    for column, unit in source.units.items():
        if column in done.frame.columns:
            done.frame = done.frame.with_columns(_scaled(done.frame, column, units_of(table, column)[unit]))
    if source.distinct:
        columns = [name for name in done.frame.columns if name != ROW]
        done.frame = done.frame.unique(columns, keep="first", maintain_order=True)
    return done


def _pick_rows(done: Remapped, table: Table, source: Source, file: str) -> None:
    whole = done.frame
    for column, values in source.where.items():
        if column not in whole.columns:
            done.problems.append(_no_such_column(whole, table, f"where.{column}", column, file))
            continue
        absent = [v for v in values if whole.height and whole.filter(_is_one_of(pl.col(column), [v])).is_empty()]
        if absent:
            done.problems.append(_no_such_rows(whole, table, column, absent, file))
        done.frame = done.frame.filter(_is_one_of(pl.col(column), values))


def _is_one_of(cell: pl.Expr, words: Iterable[str]) -> pl.Expr:
    """Return whether a cell is one of the words, as text or as the same number; an empty cell is the word ''."""
    listed = list(words)
    numbers = [number for word in listed if (number := _number(word)) is not None]
    text = cell.cast(pl.String).str.strip_chars().fill_null("")
    return text.is_in(listed) | text.cast(pl.Float64, strict=False).is_in(numbers).fill_null(False)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _pick_columns(done: Remapped, table: Table, source: Source, file: str) -> None:
    if not source.columns:
        return
    frame, chosen = done.frame, {ROW: pl.col(ROW)}
    for name in frame.columns:
        if table.column(name) is not None:
            chosen[name] = pl.col(name)
    for ours, theirs in source.columns.items():
        if theirs in frame.columns:
            chosen[ours] = pl.col(theirs).alias(ours)
        else:
            done.problems.append(_no_such_column(frame, table, ours, theirs, file))
            chosen.pop(ours, None)
    used = {ROW, *source.columns.values(), *source.where, *(n for n in chosen if n not in source.columns)}
    left = [name for name in frame.columns if name not in used]
    if left:
        done.notes.append(f"{table.name}: columns of {file} that the mapping does not use: {list_briefly(left, 100)}")
    done.frame = frame.select(**chosen)


def _add_constants(done: Remapped, table: Table, source: Source, file: str) -> None:
    for column, value in source.constants.items():
        if column in done.frame.columns:
            done.problems.append(_conflict(table.name, column, "constants", file))
        else:
            done.frame = done.frame.with_columns(pl.lit(value).alias(column))


def _translate(done: Remapped, table: Table, column: str, words: dict[str, list[str]], file: str) -> None:
    """Replace words; one not listed is a problem, unless a rule of the schema finds it anyway."""
    known = {theirs: ours for ours, listed in words.items() for theirs in listed}
    cell = pl.col(column).cast(pl.String)
    bad = done.frame.filter(~cell.is_in([*known, *words]))
    done.frame = done.frame.with_columns(cell.replace(known).alias(column))
    schema = table.column(column)
    if bad.is_empty() or (schema is not None and (schema.allowed or schema.kind == "number")):
        return
    done.problems.append(
        Problem(
            "unmapped-value",
            found=list_briefly(repr(value) for value in bad[column].unique(maintain_order=True)),
            expected=f"one of {list_briefly(dict.fromkeys([*known, *words]), 30)}",
            remedy=f"add the value to `values.{column}` of [{table.name}] in the mapping file, or correct the cell",
            why="the mapping lists the values of this column; another one may be a misspelling",
            file=file,
            table=table.name,
            column=column,
            rows=tuple(bad[ROW].to_list()),
            patients=patients_of(bad),
        )
    )


def _read_decimal_commas(done: Remapped, table: Table) -> None:
    for name, dtype in done.frame.schema.items():
        column = table.column(name)
        if dtype == pl.String and (column is None or column.kind == "number"):
            cell = pl.col(name)
            point = pl.when(cell.str.contains(_NUMBER)).then(cell.str.replace(",", ".", literal=True)).otherwise(cell)
            done.frame = done.frame.with_columns(point.alias(name))


def _set_states(done: Remapped, source: Source, file: str) -> None:
    if "state" in done.frame.columns:
        done.problems.append(_conflict("measurements", "state", "states", file))
        return
    if "size_mm" not in done.frame.columns:
        return
    state = pl.lit("measured")
    for name, words in source.states.items():
        state = pl.when(_is_one_of(pl.col("size_mm"), words)).then(pl.lit(name)).otherwise(state)
    done.frame = done.frame.with_columns(state.alias("state"))
    done.frame = done.frame.with_columns(pl.when(pl.col("state") == "measured").then("size_mm").alias("size_mm"))


def _scaled(frame: pl.DataFrame, column: str, factor: float) -> pl.Expr:
    """Return the column times the factor; cells that are not numbers stay as they are, to be reported."""
    if frame[column].dtype != pl.String:
        return (pl.col(column) * factor).alias(column)
    scaled = pl.col(column).str.strip_chars().cast(pl.Float64, strict=False) * factor
    return pl.coalesce(scaled.cast(pl.String), column).alias(column)


def _no_such_rows(frame: pl.DataFrame, table: Table, column: str, absent: list[str], file: str) -> Problem:
    some = frame[column].cast(pl.String).fill_null("").unique(maintain_order=True)
    return Problem(
        "mapping",
        found=f"no row with {column} = {list_briefly(map(repr, absent))}",
        expected=f"one of the values of this column: {list_briefly(map(repr, some))}",
        remedy="correct the value in `where`; leave it out if there are no such rows",
        why="a value that never occurs would empty the table without a word",
        file=file,
        table=table.name,
        column=f"where.{column}",
    )


def _conflict(table: str, column: str, option: str, file: str) -> Problem:
    return Problem(
        "mapping",
        found=f"{column} in the file, and in `{option}` of the mapping",
        expected="one of the two",
        remedy=f"delete {column} from `{option}`, or the column from the file",
        file=file,
        table=table,
        column=column,
    )


def _no_such_column(frame: pl.DataFrame, table: Table, ours: str, theirs: str, file: str) -> Problem:
    given = [name for name in frame.columns if name != ROW]
    near = get_close_matches(theirs, given, n=1)
    return Problem(
        "mapping",
        found=f"no column {theirs!r}" + (f" (did you mean {near[0]!r}?)" if near else ""),
        expected=f"one of {list_briefly(given, 20)}",
        remedy="correct the name in the mapping file; capitals and blanks count",
        file=file,
        table=table.name,
        column=ours,
    )
