"""Write a cohort to a folder that `read_folder` reads back as an equal cohort."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import polars as pl

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.cohort.cohort import Cohort
from metachron.cohort.folder import COHORT_FILE, MAPPING_FILE, TABLE_FILES, UNUSED
from metachron.cohort.schema import SCHEMA
from metachron.cohort.table_files import SUFFIXES, write_csv
from metachron.cohort.toml_text import toml_table

_OURS = {COHORT_FILE, *(f"{name}{suffix}" for name in (*SCHEMA, UNUSED) for suffix in SUFFIXES)}


def write_folder(
    cohort: Cohort, path: str | Path, *, format: Literal["csv", "parquet"] = "csv", overwrite: bool = False
) -> Path:
    """Write every table that has rows, and ``cohort.toml`` with all the rest; return the folder.

    A folder that was written by this function is replaced; another one that is not empty only with `overwrite`, and
    then its table files are replaced.

    Raises
    ------
    InputError
        if the folder holds something else.
    """
    if format not in ("csv", "parquet"):
        raise ModelError(f"format is 'csv' or 'parquet', not {format!r}")
    folder = Path(path)
    refuse_occupied(folder, overwrite=overwrite or _is_ours(folder))
    with filling(folder, replacing=_OURS) as partial:
        for name, frame in {**cohort.tables, UNUSED: cohort.unused}.items():
            if frame.height or name == "patients":
                _write(frame, partial / f"{name}.{format}")
        (partial / COHORT_FILE).write_text(_cohort_toml(cohort), "utf-8")
    return folder


def refuse_occupied(folder: Path, *, overwrite: bool) -> None:
    """Raise `InputError` unless the folder is new or empty, or may be overwritten and holds nothing foreign."""
    if folder.exists() and not folder.is_dir():
        raise _refusal(folder, "a file of that name")
    names = sorted(item.name for item in folder.iterdir()) if folder.exists() else []
    if names and not overwrite:
        raise _refusal(folder, list_briefly(names))
    foreign = [n for n in names if n == MAPPING_FILE or (n.endswith(TABLE_FILES) and n not in _OURS)]
    if foreign:
        raise _refusal(folder, f"{list_briefly(foreign)}, which the cohort could not be read beside")


@contextmanager
def filling(folder: Path, *, replacing: Collection[str] = ()) -> Iterator[Path]:
    """Yield a place for unfinished files; when all are written they move into the folder and replace those named."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    except OSError as error:
        raise _refusal(folder, error.strerror or str(error)) from error
    try:
        yield partial
        for name in replacing:
            (folder / name).unlink(missing_ok=True)
        for file in partial.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(partial)


def _is_ours(folder: Path) -> bool:
    try:
        return "format" in tomllib.loads((folder / COHORT_FILE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def _write(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        write_csv(frame, path)
    else:
        frame.write_parquet(path)


def _cohort_toml(cohort: Cohort) -> str:
    head = {"format": 1, "name": cohort.name, "limit_mm": cohort.limit_mm, "notes": list(cohort.notes)}
    parts = ["# A cohort written by metachron.", toml_table(head)]
    parts.append(toml_table(dict(cohort.provenance), "[provenance]"))
    for name, frame in cohort.tables.items():
        extras = {c: t for c, t in frame.schema.items() if SCHEMA[name].column(c) is None}
        if extras:
            types = {c: "text" if t == pl.String else "number" for c, t in extras.items()}
            parts.append(toml_table({"types": types}, f"[{name}]"))
    for entry in cohort.accepted:
        parts.append(toml_table({"patient": entry.patient, "rule": entry.rule, "reason": entry.reason}, "[[accept]]"))
    return "\n\n".join(parts) + "\n"


def _refusal(folder: Path, found: str) -> InputError:
    problem = Problem(
        "folder-not-usable",
        found=found,
        expected="a new or empty folder that may be written to, or one that metachron wrote",
        remedy="choose another folder; `overwrite` replaces the tables in a folder that holds nothing else",
        why="files that are not part of the cohort would be lost or read as part of it",
        file=str(folder),
    )
    return InputError([problem], what=str(folder))
