"""Rules on labels and covariates: arms, covariates without a value, units of a marker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from metachron.base import list_briefly
from metachron.cohort.checks.rule import Rule, Tables, violations, whole_cohort
from metachron.cohort.frames import ROW


def label_rules(tables: Tables, arms: Sequence[str] | None) -> Iterator[Rule]:
    """Yield the rules on labels; `arms` are the arms the study has, where that is known."""
    yield _ARM_SPELLING
    if arms is not None:
        yield _known_arms(arms)
    for name in tables["patients"].columns:
        if name not in (ROW, "patient", "study", "arm"):
            yield _all_missing(name)
    yield _MIXED_UNITS


def _known_arms(arms: Sequence[str]) -> Rule:
    def find(tables: Tables) -> pl.DataFrame:
        rows = tables["patients"].filter(~pl.col("arm").is_in(list(arms)))
        return violations(rows, pl.format("arm '{}'", "arm"))

    return Rule(
        "unknown-arm", "patients", "arm", ("patients.arm", "patients.patient"), find,
        expected=f"one of the declared arms: {list_briefly(arms, 20)}",
        remedy="correct the label, or add the arm to `arms`",
        why="a misspelt label would become an arm of its own",
    )  # fmt: skip


def _plain(column: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase().str.replace_all(r"[\s_\-.]", "")


def _arm_spelling(tables: Tables) -> pl.DataFrame:
    rows = tables["patients"].drop_nulls("arm").with_columns(_plain("arm").alias("plain"))
    counts = rows.group_by("plain", "arm").len().sort("len", "arm", descending=[True, False])
    usual = counts.group_by("plain", maintain_order=True).agg(pl.col("arm").first().alias("usual"))
    rows = rows.join(usual, on="plain").filter(pl.col("arm") != pl.col("usual"))
    return violations(rows, pl.format("arm '{}' beside '{}'", "arm", "usual"))


def _all_missing(name: str) -> Rule:
    def find(tables: Tables) -> pl.DataFrame:
        patients = tables["patients"]
        empty = not patients.is_empty() and patients[name].null_count() == patients.height
        return whole_cohort(f"no value in any of {patients.height} patients" if empty else None)

    return Rule(
        "all-missing-covariate", "patients", name, (f"patients.{name}",), find,
        expected="a value for at least one patient",
        remedy="remove the column, or fill it in",
        why="a covariate without values cannot enter a model",
    )  # fmt: skip


def _mixed_units(tables: Tables) -> pl.DataFrame:
    rows = tables["markers"].drop_nulls(["marker", "unit"])
    rows = rows.filter((pl.col("unit").n_unique() > 1).over("marker"))
    return violations(rows, pl.format("{} in {}", "marker", "unit"))


_ARM_SPELLING = Rule(
    "arm-spelling", "patients", "arm", ("patients.arm", "patients.patient"), _arm_spelling,
    expected="one spelling per arm",
    remedy="use one label; the two differ only in capitals, blanks or punctuation",
    why="each spelling would become an arm of its own",
    acceptable=True,
)  # fmt: skip

_MIXED_UNITS = Rule(
    "mixed-units", "markers", "unit", ("markers.patient", "markers.marker", "markers.unit"), _mixed_units,
    expected="one unit per marker",
    remedy="convert the values to one unit, or give the markers two names",
    why="values in different units cannot be compared",
)  # fmt: skip
