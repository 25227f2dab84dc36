"""Whether a further column of a CSV file holds numbers or text."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.frames import ROW, patients_of
from metachron.cohort.schema import Table

_MOSTLY = 0.5


def type_extras(
    frame: pl.DataFrame, table: Table, types: Mapping[str, str], *, file: str
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return the frame with further columns of numbers as numbers, and the cells that stand in the way.

    A text column becomes numbers when every cell is one, or when `types` says so. Where more than half of the cells
    are numbers and others are not, the intention is not clear, and that is a problem.
    """
    problems = []
    for name in frame.columns:
        if name == ROW or table.column(name) is not None or frame[name].dtype != pl.String:
            continue
        kind = types.get(name)
        numbers = frame[name].str.strip_chars().cast(pl.Float64, strict=False)
        cells, read = len(frame) - frame[name].null_count(), len(frame) - numbers.null_count()
        if kind == "text" or (kind is None and read <= _MOSTLY * cells and cells):
            continue
        if cells > read:
            problems.append(_mixed(frame.filter(frame[name].is_not_null() & numbers.is_null()), name, table, file))
        if cells or kind == "number":
            frame = frame.with_columns(numbers.alias(name))
    return frame, problems


def _mixed(bad: pl.DataFrame, name: str, table: Table, file: str) -> Problem:
    return Problem(
        "not-a-number",
        found=list_briefly(repr(cell) for cell in bad[name].unique(maintain_order=True)),
        expected="numbers, like most cells of the column",
        remedy=f"correct or empty the cells; if the column is text, say so in the mapping file: "
        f'[{table.name}] `types = {{ {name} = "text" }}`',
        why="a number and a label enter a model in different ways",
        file=file,
        table=table.name,
        column=name,
        rows=tuple(bad[ROW].to_list()),
        patients=patients_of(bad),
    )
