"""Read a cohort from a folder of CSV or Parquet tables, variants as MAF too."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.cohort.cohort import Cohort
from metachron.cohort.extras import type_extras
from metachron.cohort.frames import ROW
from metachron.cohort.maf import SUFFIXES as MAF
from metachron.cohort.maf import TABLE as OF_VARIANTS
from metachron.cohort.maf import read_maf
from metachron.cohort.mapping import FolderMapping, Source, read_mapping
from metachron.cohort.remap import remap
from metachron.cohort.schema import SCHEMA, Table
from metachron.cohort.table_files import SUFFIXES, read_table

COHORT_FILE = "cohort.toml"
MAPPING_FILE = "mapping.toml"
UNUSED = "unused"
TABLE_FILES = (*SUFFIXES, *MAF)
"""How the name of a file ends that holds a table."""


def read_folder(path: str | Path, *, mapping: str | Path | FolderMapping | None = None) -> Cohort:
    """Return the cohort in a folder, every rule checked.

    Each table is a file ``<table>.csv`` or ``<table>.parquet``, unless a mapping says otherwise; alterations may be a
    file ``alterations.maf`` (or ``.maf.gz``), see `metachron.cohort.read_maf`. ``cohort.toml`` or ``mapping.toml`` in
    the folder is the mapping unless one is given. Tables without a file are empty.

    Raises
    ------
    InputError
        with every problem of the folder, the mapping, the files and the tables.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(
            [_no_folder(folder, "a file" if folder.exists() else "nothing of that name")], what=f"{folder}"
        )
    try:
        names = sorted(item.name for item in folder.iterdir())
    except OSError as error:
        raise InputError([_no_folder(folder, error.strerror or str(error))], what=f"{folder}") from error
    mapping_file = _find_mapping(folder) if mapping is None else mapping
    rules = read_mapping(Path(mapping_file)) if isinstance(mapping_file, str | Path) else mapping_file
    rules = rules or FolderMapping()
    sources, problems = _sources(folder, names, rules)
    frames, files, notes = {}, {}, list(rules.notes)
    for name, parts in sources.items():
        frame, found, left = _read(folder, SCHEMA[name], parts, rules)
        files[name] = " and ".join(dict.fromkeys(str(part.file) for part in parts))
        problems += found
        notes += left
        if frame is not None:
            frames[name] = frame
    unused, found = _read_unused(folder)
    if isinstance(mapping_file, str | Path):
        files["accept"] = Path(mapping_file).name
    return Cohort.create(
        rules.name or folder.resolve().name,
        frames,
        limit_mm=rules.limit_mm,
        accept=rules.exceptions,
        notes=notes,
        provenance=rules.provenance,
        unused=unused,
        arms=rules.arms,
        files=files,
        problems=problems + found,
    )


def _find_mapping(folder: Path) -> Path | None:
    there = [folder / name for name in (COHORT_FILE, MAPPING_FILE) if (folder / name).exists()]
    if len(there) > 1:
        problem = Problem(
            "mapping",
            found=f"both {COHORT_FILE} and {MAPPING_FILE}",
            expected="one of the two",
            remedy="delete one of them, or say which one to use",
            file=MAPPING_FILE,
        )
        raise InputError([problem], what=f"{folder}")
    return there[0] if there else None


def _sources(folder: Path, names: list[str], rules: FolderMapping) -> tuple[dict[str, list[Source]], list[Problem]]:
    """Return where each table of the schema comes from, and problems with files that are no table."""
    files = [name for name in names if name.endswith(TABLE_FILES) and _stem(name) != UNUSED]
    problems: list[Problem] = []
    sources: dict[str, list[Source]] = {}
    for table in SCHEMA:
        own = [name for name in files if _stem(name) == table]
        parts = rules.tables.get(table, [Source()] if own else [])
        if len(own) > 1 and any(part.file is None for part in parts):
            problems.append(_two_files(table, own))
        if parts:
            name = own[0] if own else f"{table}.csv"
            sources[table] = [p if p.file else p.model_copy(update={"file": name}) for p in parts]
    used = {part.file for parts in sources.values() for part in parts}
    for name in files:
        if name not in used and _stem(name) not in SCHEMA and not any(fnmatch(name, p) for p in rules.ignore):
            problems.append(_not_a_table(name))
    if not sources:
        problems.append(_no_tables(folder, names))
    return sources, problems


def _read(
    folder: Path, table: Table, parts: list[Source], rules: FolderMapping
) -> tuple[pl.DataFrame | None, list[Problem], list[str]]:
    """Return a table put together from its sources, with problems and notes; None if no source could be read."""
    frames: list[pl.DataFrame] = []
    problems: list[Problem] = []
    notes: list[str] = []
    types: dict[str, str] = {}
    for part in parts:
        file = str(part.file)
        raw = _raw(folder / file, table.name, part, rules.separator)
        if not isinstance(raw, pl.DataFrame):
            problems += raw
            continue
        done = remap(raw, table, part, rules, file=file)
        frames.append(done.frame.with_columns(pl.col(ROW).cast(pl.Int64)))
        problems += done.problems
        notes += done.notes
        types |= part.types
    if not frames:
        return None, problems, notes
    frame = pl.concat(frames, how="diagonal_relaxed")
    if table.extra:
        frame, found = type_extras(frame, table, types, file=str(parts[0].file))
        problems += found
    return frame, problems, notes


def _raw(path: Path, table: str, part: Source, separator: str) -> pl.DataFrame | list[Problem]:
    """Return the rows of a file, numbered in column `ROW`, or why there are none."""
    if not path.name.endswith(MAF):
        if part.barcode_characters is not None:
            return [_no_barcodes(path, table)]
        found = read_table(path, table, separator)
        return [found] if isinstance(found, Problem) else found
    if table != OF_VARIANTS:
        return [_no_variants(path, table)]
    try:
        frame = read_maf(path).with_row_index(ROW, offset=1)
    except InputError as error:
        return list(error.problems)
    return frame.with_columns(pl.col("patient").str.slice(0, part.barcode_characters))


def _stem(name: str) -> str:
    """Return a file name without what says its format."""
    return next((name.removesuffix(end) for end in TABLE_FILES if name.endswith(end)), name)


def _read_unused(folder: Path) -> tuple[pl.DataFrame | None, list[Problem]]:
    for suffix in SUFFIXES:
        if (folder / f"{UNUSED}{suffix}").exists():
            frame = read_table(folder / f"{UNUSED}{suffix}", UNUSED)
            return (None, [frame]) if isinstance(frame, Problem) else (frame.drop(ROW), [])
    return None, []


def _no_folder(folder: Path, found: str) -> Problem:
    return Problem(
        "no-folder",
        found=found,
        expected="a readable folder with one CSV or Parquet file per table",
        remedy="give the folder; `metachron template DIR` writes an empty one",
        file=str(folder),
    )


def _no_barcodes(path: Path, table: str) -> Problem:
    return Problem(
        "mapping",
        found=f"barcode_characters for {path.name}",
        expected="it with a MAF file only",
        remedy="leave it out, or name a file that ends in .maf or .maf.gz",
        file=path.name,
        table=table,
    )


def _no_variants(path: Path, table: str) -> Problem:
    return Problem(
        "mapping",
        found=f"a MAF file as table {table}",
        expected=f"a CSV or Parquet file; MAF is for {OF_VARIANTS}",
        remedy=f"name it under [{OF_VARIANTS}]",
        file=path.name,
        table=table,
    )


def _two_files(table: str, names: list[str]) -> Problem:
    return Problem(
        "two-files",
        found=" and ".join(names),
        expected="one file per table",
        remedy="delete one of them, or name the right one in the mapping file: `file = ...`",
        file=names[0],
        table=table,
    )


def _not_a_table(name: str) -> Problem:
    return Problem(
        "unknown-table",
        found=f"file {name}",
        expected=f"files called {list_briefly(SCHEMA, 20)}",
        remedy="rename it to the table that it holds, name it in the mapping file (`file = ...`), "
        f"or list it there under `ignore = [{name!r}]`",
        why="a misspelt table would be left out without a word",
        file=name,
        table=_stem(name),
    )


def _no_tables(folder: Path, names: list[str]) -> Problem:
    return Problem(
        "no-tables",
        found=list_briefly(names) or "an empty folder",
        expected="at least patients.csv or patients.parquet",
        remedy="export spreadsheets as CSV, one file per table; `metachron template DIR` writes an empty cohort",
        file=str(folder),
        table="patients",
    )
