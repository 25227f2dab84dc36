"""Rules on keys: rows that say the same thing twice, and rows that point at nothing."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metachron.cohort.checks.rule import Rule, Tables, number, violations
from metachron.cohort.schema import SCHEMA, SINGLE_EVENT_KINDS, Table

_NAMES = {"patients": "duplicate-patient", "measurements": "duplicate-visit", "visits": "duplicate-visit"}
_FIRM = ("patients", "lesions", "followup")


def key_rules() -> Iterator[Rule]:
    """Yield the rules on keys of every table."""
    for table in SCHEMA.values():
        if table.key:
            yield _unique(table)
        if table.name != "patients":
            yield _known_patient(table)
    yield _KNOWN_LESION
    yield _ONCE


def _unique(table: Table) -> Rule:
    firm = [name for name in table.key if not _nullable(table, name)]

    def find(tables: Tables) -> pl.DataFrame:
        rows = tables[table.name].drop_nulls(firm).filter(pl.struct(table.key).is_duplicated())
        shown = [_shown(table, name) for name in table.key[1:]] or [pl.lit("twice")]
        return violations(rows, pl.concat_str(shown, separator=", "))

    return Rule(
        _NAMES.get(table.name, "duplicate-row"),
        table.name,
        table.key[-1],
        tuple(f"{table.name}.{name}" for name in table.key),
        find,
        expected=f"one row per {' x '.join(table.key)}",
        remedy="keep the right one of the rows and delete the others",
        why="the same observation would count more than once",
        acceptable=table.name not in _FIRM,
    )


def _nullable(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.nullable


def _shown(table: Table, name: str) -> pl.Expr:
    column = table.column(name)
    value = number(name) if column is not None and column.kind == "number" else pl.col(name)
    return pl.format(name + " {}", value.fill_null("(empty)"))


def _known_patient(table: Table) -> Rule:
    def find(tables: Tables) -> pl.DataFrame:
        rows = tables[table.name].drop_nulls("patient")
        return violations(rows.join(tables["patients"], on="patient", how="anti"), pl.format("'{}'", "patient"))

    return Rule(
        "unknown-patient",
        table.name,
        "patient",
        (f"{table.name}.patient", "patients.patient"),
        find,
        expected="patients that the table patients lists",
        remedy="add the patient to the table patients, or correct the identifier",
        why="without study and arm the rows cannot be used",
    )


def _find_unknown_lesions(tables: Tables) -> pl.DataFrame:
    rows = tables["measurements"].drop_nulls(["patient", "lesion"])
    rows = rows.join(tables["lesions"], on=["patient", "lesion"], how="anti")
    return violations(rows, pl.format("lesion '{}'", "lesion"))


_KNOWN_LESION = Rule(
    "unknown-lesion",
    "measurements",
    "lesion",
    ("measurements.patient", "measurements.lesion", "lesions.patient", "lesions.lesion"),
    _find_unknown_lesions,
    expected="lesions that the table lesions lists for the same patient",
    remedy="add the lesion to the table lesions with its organ and role, or correct the identifier; "
    "leave `lesion` empty where only the sum is known",
    why="without a role it is not known whether the lesion belongs to the sum",
)


def _repeated(tables: Tables) -> pl.DataFrame:
    rows = tables["events"].filter(pl.col("kind").is_in(SINGLE_EVENT_KINDS)).drop_nulls("patient")
    rows = rows.filter(pl.struct("patient", "kind").is_duplicated())
    return violations(rows, pl.format("{} more than once", "kind"))


_ONCE = Rule(
    "repeated-event",
    "events",
    "kind",
    ("events.patient", "events.kind"),
    _repeated,
    expected="at most one death, one (first) progression and one discontinuation per patient",
    remedy="keep the first event of its kind; only new lesions come more than once",
)
