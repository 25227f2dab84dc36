"""Read and write one table as CSV or Parquet; a file that cannot be read is a problem, not a traceback."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.frames import ROW

SUFFIXES = (".csv", ".parquet")


def read_table(path: Path, table: str, separator: str = ",") -> pl.DataFrame | Problem:
    """Return the rows of a CSV file (all text, empty cells null) or a Parquet file, numbered in column `ROW`."""
    if not path.exists():
        return _unreadable(path, table, "no such file", "correct the file name, or add the file")
    if path.is_dir():
        return _unreadable(path, table, "a folder", "put a CSV or Parquet file in its place")
    try:
        data = path.read_bytes()
    except OSError as error:
        return _unreadable(path, table, error.strerror or str(error), "check that you may read the file")
    if not data.strip():
        return Problem(
            "empty-file",
            found="a file without content",
            expected="at least a header line",
            remedy="export the table again, or delete the file if the cohort has no such table",
            file=path.name,
            table=table,
        )
    return _parquet(path, data, table) if path.suffix == ".parquet" else _csv(path, data, table, separator)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame as CSV (UTF-8, shortest exact numbers, empty cells for null)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.columns)
        whole = [pl.col(c).cast(pl.String).str.replace(r"\.0$", "") for c, t in frame.schema.items() if t.is_float()]
        writer.writerows(frame.with_columns(whole).iter_rows())


def _parquet(path: Path, data: bytes, table: str) -> pl.DataFrame | Problem:
    try:
        return pl.read_parquet(io.BytesIO(data)).with_row_index(ROW, offset=1)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        return _unreadable(path, table, f"no Parquet file ({first})", "write the file again as Parquet, or as CSV")


def _csv(path: Path, data: bytes, table: str, separator: str) -> pl.DataFrame | Problem:
    if b"\0" in data:
        return _unreadable(path, table, "binary content", "export the table as CSV (text, UTF-8)")
    try:
        text = data.decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if line]
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 at position {error.start}"
        return _unreadable(path, table, found, "save the file as CSV UTF-8")
    except csv.Error as error:
        return _unreadable(path, table, f"broken CSV ({error})", "check the quotation marks, or export the table again")
    header, rows = lines[0], lines[1:]
    problem = _header_problem(path, table, header) or _ragged(path, table, header, rows)
    if problem is not None:
        return problem
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    frame = pl.DataFrame([pl.Series(name, cells, dtype=pl.String) for name, cells in zip(header, columns, strict=True)])
    frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
    return frame.with_row_index(ROW, offset=1)


def _header_problem(path: Path, table: str, header: list[str]) -> Problem | None:
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if not twice and all(header) and ROW not in header:
        return None
    return Problem(
        "header",
        found=f"column {list_briefly(map(repr, twice))} more than once" if twice else "a column without a usable name",
        expected="a header line that names every column once",
        remedy="name each column in the first line of the file; leave out row numbers written by other software",
        file=path.name,
        table=table,
        column=twice[0] if twice else None,
    )


def _ragged(path: Path, table: str, header: list[str], rows: list[list[str]]) -> Problem | None:
    bad = [number for number, row in enumerate(rows, start=1) if len(row) != len(header)]
    if not bad:
        return None
    where = header.index("patient") if "patient" in header else None
    patients = [rows[n - 1][where] for n in bad if where is not None and where < len(rows[n - 1])]
    return Problem(
        "ragged-row",
        found=f"rows of {list_briefly(sorted({len(rows[n - 1]) for n in bad}))} cells",
        expected=f"{len(header)} cells in every row, as in the header",
        remedy="put cells that contain the separator in quotation marks; add the missing separators",
        why="cells would slip into the wrong column",
        file=path.name,
        table=table,
        rows=tuple(bad),
        patients=tuple(dict.fromkeys(patients)),
    )


def _unreadable(path: Path, table: str, found: str, remedy: str) -> Problem:
    return Problem(
        "unreadable-file",
        found=found,
        expected="a readable CSV (UTF-8) or Parquet file",
        remedy=remedy,
        file=path.name,
        table=table,
    )
