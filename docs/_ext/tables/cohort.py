"""The tables of a cohort, the mapping file and the rules, from the schema and the checks themselves."""

from __future__ import annotations

import inspect
import re

import polars as pl
from pydantic import BaseModel

from metachron.cohort.checks import content_rules
from metachron.cohort.frames import ROW
from metachron.cohort.mapping import CONVERSIONS, FolderMapping, Source
from metachron.cohort.schema import LIMIT_MM, MAX_DAY, SCHEMA, Column
from tables.markdown import code, codes, number, table, text

_OWN_WORDS = {
    "name": "name of the cohort; without: that of the folder",
    "limit_mm": "size in mm below which a lesion is too small to measure",
    "notes": "warnings about the data, shown with the cohort and kept in a fit",
    "provenance": "citation, licence, source: shown with the cohort and kept in a fit",
    "format": "written by metachron into the folders that it exports; not needed in yours",
    "units": "column = unit in the file, one of those listed below",
}
_ENTRY = re.compile(r"^(\S.*?) : (.*)$")


def cohort_tables() -> str:
    """Return every table of the schema with its columns."""
    parts = []
    for item in SCHEMA.values():
        key = f" The key, which no two rows share: {codes(item.key)}." if item.key else ""
        more = " Further columns are welcome." if item.extra else ""
        rows = [[code(c.name), _kind(c), text(c.meaning), _values(c)] for c in item.columns]
        head = ["column", "type", "meaning", "values"]
        parts.append(f"### {item.name}\n\nOne row per {text(item.row)}.{key}{more}\n\n{table(head, rows)}")
    return "\n".join(parts)


def mapping_keys() -> str:
    """Return the keys of a mapping file that stand at its top."""
    return _keys(FolderMapping, leave_out=("tables",))


def mapping_source_keys() -> str:
    """Return the keys of one table in a mapping file."""
    return _keys(Source)


def conversions() -> str:
    """Return the units that a mapping file converts."""
    rows = [[text(unit), ", ".join(text(name) for name in given)] for unit, given in CONVERSIONS.items()]
    return table(["unit of the table", "units that a file may have"], rows)


def rules() -> str:
    """Return the rules that a cohort keeps."""
    frames = {
        name: pl.DataFrame(schema={ROW: pl.Int64, **{column.name: column.dtype for column in item.columns}})
        for name, item in SCHEMA.items()
    }
    found: dict[str, tuple[list[str], list[str], bool]] = {}
    for rule in content_rules(frames, LIMIT_MM, ["arm"]):
        tables, expected, _ = found.setdefault(rule.name, ([], [], rule.acceptable))
        tables.append(rule.table)
        expected.append(rule.expected)
    rows = [
        [code(name), codes(dict.fromkeys(tables)), _expected(name, expected), "yes" if acceptable else "no"]
        for name, (tables, expected, acceptable) in sorted(found.items())
    ]
    return table(["rule", "tables", "what must hold", "may be accepted"], rows)


def _expected(name: str, sentences: list[str]) -> str:
    distinct = list(dict.fromkeys(sentences))
    general = {
        "implausible-day": f"a day between -{MAX_DAY:g} and {MAX_DAY:g}",
        "duplicate-row": "one row per key of the table",
        "duplicate-visit": "one row per key of the table",
        "not-allowed": "one of the values that the tables above list",
        "out-of-range": "a number in the range that the tables above list",
        "unknown-arm": "where `arms` are declared in the mapping file: one of them",
    }
    return text(general.get(name, distinct[0] if len(distinct) == 1 else "; ".join(distinct)))


def _kind(column: Column) -> str:
    parts = [column.kind, *([text(column.unit)] if column.unit else [])]
    parts += [] if column.required else ["optional"]
    return ", ".join(parts)


def _values(column: Column) -> str:
    if column.allowed:
        return codes(column.allowed)
    empty = "may be empty" if column.nullable else ""
    if column.low is None:
        return empty
    top = "or more" if column.high is None else f"to {number(column.high)}"
    return "; ".join(part for part in (f"{number(column.low)} {top}", empty) if part)


def _keys(model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> str:
    meanings = _meanings(model) | _OWN_WORDS
    names = [name for name in model.model_fields if name not in leave_out]
    if missing := set(names) - set(meanings):
        raise RuntimeError(f"the docstring of {model.__name__} does not explain {', '.join(sorted(missing))}")
    return table(["key", "meaning"], [[code(name), text(meanings[name])] for name in names])


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the words of each parameter in a docstring; continued lines belong to the one above."""
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in (inspect.getdoc(model) or "").splitlines():
        if entry := _ENTRY.match(line):
            names = [name.strip() for name in entry[1].split(",")]
            meanings |= dict.fromkeys(names, entry[2])
        elif line.startswith("    ") and names:
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in names}
    return meanings
