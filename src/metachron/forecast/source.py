"""A posterior to forecast from, and what a forecast has to know of the trial behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.inference import Fit


@dataclass(frozen=True, eq=False)
class Source:
    """A fit, with what its trial tells of patients whom it has not seen.

    Parameters
    ----------
    fit : the posterior; its cohort may have been taken out.
    pool : covariates of the trial's patients, for those that are unknown of a new patient; None: not at hand.
    members : marks of the patients of the trial (`member_mark`).
    followed_day : last day on which anybody was under observation for the event of the model; None: not known.
    rests_on : data, citation, model and verdict in words, shown with every forecast.
    notes : what forecasts from it cannot tell, beside what is true of all.
    """

    fit: Fit
    pool: pl.DataFrame | None
    members: frozenset[str]
    followed_day: float | None
    rests_on: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, fit: Fit) -> Source:
        """Return the source that a fit with its cohort is; without it, patients of the trial cannot be told apart."""
        cohort = fit.cohort
        return cls(
            fit,
            None if cohort is None else cohort.patients,
            frozenset() if cohort is None else member_marks(cohort),
            None if cohort is None else _followed(fit, cohort),
            _rests_on(fit),
        )

    def seen(self, cohort: Cohort) -> list[str]:
        """Return the patients of a cohort who are in the fit: the same identifier in the same study."""
        own = zip(cohort.patients["patient"], cohort.patients["study"], strict=True)
        return [patient for patient, study in own if member_mark(patient, study) in self.members]

    def refuse_seen(self, cohort: Cohort) -> None:
        """Raise `ModelError` when patients of the cohort are in the fit."""
        if not (known := self.seen(cohort)):
            return
        way_out = (
            "ask for it with leave_out=True (--leave-out), which takes each of them out of the fit by weights, or "
            "fit without them"
            if self.fit.cohort is not None
            else "this posterior was shipped without its patients, so they cannot be taken out of it"
        )
        raise ModelError(
            f"{len(known)} patients of cohort {cohort.name!r} are in the fit ({list_briefly(known)}): what happened to "
            f"them has shaped it, so a forecast would not be one; {way_out}"
        )


def member_mark(patient: str, study: str) -> str:
    """Return a mark that tells whether a patient was in a trial, and nothing else of the patient."""
    return hashlib.sha256(f"{study}\x1f{patient}".encode()).hexdigest()[:16]


def member_marks(cohort: Cohort) -> frozenset[str]:
    """Return the marks of all patients of a cohort."""
    return frozenset(member_mark(*own) for own in cohort.patients.select("patient", "study").iter_rows())


def _followed(fit: Fit, cohort: Cohort) -> float | None:
    if fit.model.hazard is None:
        return None
    rows = cohort.followup.filter(pl.col("kind") == fit.model.hazard.event)
    return float(rows["last_day"].max())  # type: ignore[arg-type]


def _rests_on(fit: Fit) -> dict[str, str]:
    about = {"data": str(fit.provenance.get("cohort", "unknown"))}
    if fit.cohort is not None:
        about["data"] += f", {fit.cohort.patients.height} patients"
        known = fit.cohort.provenance
        about |= {name: known[name] for name in ("citation", "licence") if name in known}
    about |= {"model": fit.model.describe(), "fit": fit.verdict}
    return {**about, "metachron": str(fit.provenance.get("versions", {}).get("metachron", ""))}
