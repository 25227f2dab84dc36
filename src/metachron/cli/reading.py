"""Reading the cohort of a command, and saying what was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metachron.cli.console import note

if TYPE_CHECKING:
    from metachron.cohort import Cohort


def read_cohort(name: str, mapping: Path | None) -> Cohort:
    """Return a cohort, its size and its notes told on stderr."""
    from metachron.cohort.read import load

    cohort = load(name, mapping=mapping)
    note(f"cohort: {cohort.name}, {cohort.patients.height} patients, {cohort.measurements.height} measurements")
    for remark in cohort.notes:
        note(f"  note: {remark}")
    return cohort
