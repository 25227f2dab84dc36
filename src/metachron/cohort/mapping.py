"""The mapping file: how the columns, units and words of a user's files become those of the schema."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from metachron.base import DAYS_PER_MONTH, InputError, Problem, list_briefly
from metachron.base.units import DAYS_PER_UNIT, MM_PER_UNIT
from metachron.cohort.exceptions import AcceptedException
from metachron.cohort.schema import LIMIT_MM, SCHEMA, STATES, Table

CONVERSIONS: dict[str, dict[str, float]] = {
    "day": DAYS_PER_UNIT,
    "mm": MM_PER_UNIT,
    "year": {"year": 1.0, "month": DAYS_PER_MONTH / DAYS_PER_UNIT["year"]},
    "g/dL": {"g/dL": 1.0, "g/L": 0.1},
    "percent": {"percent": 1.0, "fraction": 100.0},
    "fraction": {"fraction": 1.0, "percent": 0.01},
}
"""Unit of the schema -> unit in a user's file -> factor that turns the second into the first."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where one table, or a part of it, comes from.

    Parameters
    ----------
    file : file in the folder; ``<table>.csv`` or ``<table>.parquet`` unless given (``alterations.maf`` or
        ``alterations.maf.gz`` too).
    columns : column of the schema = column of the file. When given, other columns of the file are left out unless
        they bear a name of the schema.
    constants : column = value of every row.
    units : column = unit in the file (see `CONVERSIONS`).
    values : column -> value of the schema = values in the file; a value not listed is an error.
    states : state = cells of the size column that mean it; every other cell is a measured size.
    types : further column = ``"text"`` or ``"number"``.
    where : column of the file = values; other rows are not part of this table.
    distinct : identical rows (of the columns used) count once.
    organ_texts : organs are written in free text (see `metachron.cohort.organ_names`).
    barcode_characters : of a MAF file: so many first characters of Tumor_Sample_Barcode name the patient (12 for
        barcodes of TCGA); the whole of it unless given.
    """

    file: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | int | float] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    states: dict[str, list[str]] = Field(default_factory=dict)
    types: dict[str, Literal["text", "number"]] = Field(default_factory=dict)
    where: dict[str, list[str]] = Field(default_factory=dict)
    distinct: bool = False
    organ_texts: bool = False
    barcode_characters: int | None = Field(default=None, ge=1)


class _Accept(_Strict):
    patient: str
    rule: str
    reason: str = Field(min_length=1)


class FolderMapping(_Strict):
    """A mapping file.

    Parameters
    ----------
    format : version of the layout, in folders that metachron wrote.
    name, limit_mm, notes, provenance : as in `Cohort.create`.
    arms : the arms that the study has; another label is an error.
    missing : cells that mean missing.
    separator : separator of the CSV files.
    decimal_comma : numbers are written 12,5.
    ignore : further CSV, Parquet or MAF files in the folder that are not tables (patterns such as ``old_*.csv``).
    accept : rule violations to keep.
    tables : sources by table; in the file each table is a key of its own, e.g. ``[measurements]``.
    """

    format: Literal[1] | None = None
    name: str | None = None
    limit_mm: float = LIMIT_MM
    notes: list[str] = Field(default_factory=list)
    provenance: dict[str, str] = Field(default_factory=dict)
    arms: list[str] | None = None
    missing: list[str] = Field(default_factory=list)
    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal_comma: bool = False
    ignore: list[str] = Field(default_factory=list)
    accept: list[_Accept] = Field(default_factory=list)
    tables: dict[str, list[Source]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_tables(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "tables" in data:
            return data
        tables = {key: data[key] if isinstance(data[key], list) else [data[key]] for key in SCHEMA if key in data}
        return {key: value for key, value in data.items() if key not in SCHEMA} | {"tables": tables}

    @property
    def exceptions(self) -> tuple[AcceptedException, ...]:
        """The accepted exceptions."""
        return tuple(AcceptedException(a.patient, a.rule, a.reason) for a in self.accept)


def read_mapping(path: Path) -> FolderMapping:
    """Return the mapping of a TOML file.

    Raises
    ------
    InputError
        if the file is not TOML, or a key or value in it is not known; each with the key.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise _error(path, [_problem(path, None, str(error), "a readable text file (UTF-8)")]) from error
    except tomllib.TOMLDecodeError as error:
        raise _error(path, [_problem(path, None, f"no valid TOML: {error}", "a TOML file")]) from error
    try:
        mapping = FolderMapping.model_validate(data)
    except ValidationError as error:
        raise _error(path, [_from_pydantic(path, dict(detail)) for detail in error.errors()]) from error
    problems = [
        problem
        for table, sources in mapping.tables.items()
        for source in sources
        for problem in _unknown_names(path, SCHEMA[table], source)
    ]
    if problems:
        raise _error(path, problems)
    return mapping


def units_of(table: Table, name: str) -> dict[str, float]:
    """Return the units in which a column may be given, each with the factor to the unit of the schema."""
    column = table.column(name)
    unit = column.unit if column is not None else ""
    return CONVERSIONS.get(unit, {unit: 1.0} if unit else {})


def _unknown_names(path: Path, table: Table, source: Source) -> list[Problem]:
    """Return a problem for each column, unit and state that is not known."""
    problems = []
    for part in ("columns", "constants", "values", "units", "types"):
        for name in getattr(source, part):
            key = f"{table.name}.{part}.{name}"
            if not table.extra and table.column(name) is None:
                problems.append(_choose(path, key, name, table.names))
    for name, unit in source.units.items():
        units = units_of(table, name)
        if unit not in units and (table.extra or table.column(name) is not None):
            problems.append(_choose(path, f"{table.name}.units.{name}", unit, tuple(units)))
    for state in source.states:
        if table.name != "measurements":
            problems.append(_problem(path, f"{table.name}.states", "states", "states only in [measurements]"))
        elif state not in STATES or state == "measured":
            problems.append(_choose(path, f"measurements.states.{state}", state, STATES[1:]))
    return problems


def _from_pydantic(path: Path, detail: dict[str, Any]) -> Problem:
    location = [part for part in detail["loc"] if part != "tables" and not isinstance(part, int)]
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        in_table = len(location) > 1 and location[0] in SCHEMA
        known = list(Source.model_fields) if in_table else [*FolderMapping.model_fields, *SCHEMA]
        if location[0] == "accept":
            known = list(_Accept.model_fields)
        return _choose(path, key, str(location[-1]), tuple(name for name in known if name != "tables"))
    found = "nothing" if detail["type"] == "missing" else repr(detail["input"])
    return _problem(path, key, found, detail["msg"].lower())


def _choose(path: Path, key: str, found: str, known: tuple[str, ...]) -> Problem:
    near = get_close_matches(found.lower(), known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    expected = f"one of {list_briefly(known, 30)}" if known else "no entry: the column has no unit to convert"
    return _problem(path, key, f"{found!r}{hint}", expected)


def _problem(path: Path, key: str | None, found: str, expected: str) -> Problem:
    where = f"the key {key}" if key else "the file"
    return Problem(
        "mapping",
        found=found,
        expected=expected,
        remedy=f"correct {where} in {path.name}; `metachron template DIR` writes a commented mapping file",
        file=path.name,
        column=key,
    )


def _error(path: Path, problems: list[Problem]) -> InputError:
    return InputError(problems, what=f"the mapping file {path.name}")
