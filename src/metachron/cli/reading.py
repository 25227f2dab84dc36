"""Reading the cohort of a command, and saying what was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metachron.base import ModelError
from metachron.cli.console import note

if TYPE_CHECKING:
    from metachron.cohort import Cohort
    from metachron.inference import Fit
    from metachron.reference import Reference


def read_cohort(name: str, mapping: Path | None) -> Cohort:
    """Return a cohort, its size and its notes told on stderr."""
    from metachron.cohort.read import load

    cohort = load(name, mapping=mapping)
    note(f"cohort: {cohort.name}, {cohort.patients.height} patients, {cohort.measurements.height} measurements")
    for remark in cohort.notes:
        note(f"  note: {remark}")
    return cohort


def posterior(fit: Path | None, reference: str | None) -> Fit | Reference:
    """Return the fit of a file, or the reference posterior of a name: one of the two is given."""
    if (fit is None) == (reference is None):
        raise ModelError("give a posterior to forecast from: either --fit FILE or --reference NAME")
    if fit is not None:
        from metachron.inference import Fit

        return Fit.load(fit)
    from metachron.reference import load_reference

    return load_reference(str(reference))
