"""Who is compared: patients of two arms (or one) with outcome, arm, strata and adjustment, and who is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NotRequired, TypedDict

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.benefit.endpoint import read_endpoint
from metachron.benefit.markers import Marker, as_markers, code_marker
from metachron.cohort import Cohort
from metachron.survival.observed import Observed, observe

Unrecorded = Literal["non-responder", "left out"]
_SCHEMA = {"patient": pl.String, "reason": pl.String}


class Compared(TypedDict):
    """The arguments of `compare_arms`."""

    endpoint: str
    control: str
    treatment: NotRequired[str | None]
    adjust: NotRequired[Sequence[Marker | str]]
    strata: NotRequired[Sequence[str]]
    unrecorded: NotRequired[Unrecorded]


class Asked(Compared):
    """The same, and whether patients were randomised between the arms: what questions of prediction need."""

    randomised: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """Patients, row by row.

    Attributes
    ----------
    endpoint : ``"os"``, ``"pfs"`` or ``"response"``.
    control, treatment : arms; ``treatment`` is None where there is one arm only.
    patients : their rows of the table ``patients``.
    treated : 1 in the treatment arm, 0 in the control arm.
    outcome : times (years) and events, or whether a patient responded.
    stratum : code of the stratum of each patient (0 without strata).
    adjust, adjust_terms : design columns of the adjustment, and their names.
    left_out : patient and reason; patients of other arms are not listed.
    notes : what was decided about incomplete outcomes.
    """

    endpoint: str
    control: str
    treatment: str | None
    patients: pl.DataFrame
    treated: np.ndarray
    outcome: Observed | np.ndarray
    stratum: np.ndarray
    adjust: np.ndarray
    adjust_terms: tuple[str, ...] = ()
    left_out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SCHEMA))
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.treated)

    @property
    def event(self) -> np.ndarray:
        """Who had the event, or responded."""
        return self.outcome.event if isinstance(self.outcome, Observed) else self.outcome

    @property
    def measure(self) -> str:
        """What the exponential of a coefficient is."""
        return "hazard ratio" if isinstance(self.outcome, Observed) else "odds ratio"

    def rows(self, which: np.ndarray) -> Comparison:
        """Return the comparison of the chosen rows (a mask, or positions, in which a row may come twice)."""
        outcome = self.outcome.rows(which) if isinstance(self.outcome, Observed) else self.outcome[which]
        positions = np.flatnonzero(which) if which.dtype == bool else which
        return replace(
            self,
            patients=self.patients[positions],
            treated=self.treated[which],
            outcome=outcome,
            stratum=self.stratum[which],
            adjust=self.adjust[which],
        )

    def leave_out(self, which: np.ndarray, reason: str) -> Comparison:
        """Return the comparison without some rows, these named in ``left_out`` with the reason."""
        if not which.any():
            return self
        gone = name_patients(self.patients["patient"].filter(pl.Series(which)), reason)
        return replace(self.rows(~which), left_out=pl.concat([self.left_out, gone]))


def compare_arms(
    cohort: Cohort,
    *,
    endpoint: str,
    control: str,
    treatment: str | None = None,
    adjust: Sequence[Marker | str] = (),
    strata: Sequence[str] = (),
    unrecorded: Unrecorded = "non-responder",
) -> Comparison:
    """Return the patients of two arms with their outcome; ``treatment`` may be left out where there are two arms.

    Parameters
    ----------
    adjust : covariates in every model. Patients who miss one are left out and named.
    strata : columns whose combinations have baseline hazards (or intercepts) of their own.
    unrecorded : what a patient without a recorded best response is; either way they are counted in ``notes``.

    Raises
    ------
    ModelError
        When an arm is unknown or ambiguous, a column is absent, or no event (or nobody without it) is left.
    InputError
        See `read_endpoint` and `code_marker`.
    """
    if unrecorded not in ("non-responder", "left out"):
        raise ModelError(f"a patient without a recorded response is a non-responder or left out; found {unrecorded!r}")
    arms = choose_arms(cohort, control, treatment)
    found = read_endpoint(cohort, endpoint).filter(pl.col("arm").is_in([arm for arm in arms if arm]))
    mine = cohort.patients.filter(pl.col("arm").is_in([arm for arm in arms if arm]))
    left_out = [name_patients(mine.join(found, on="patient", how="anti")["patient"], f"no follow-up for {endpoint}")]
    notes: tuple[str, ...] = ()
    if endpoint == "response":
        silent = found.filter(pl.col("response").is_null())["patient"]
        notes = (f"{len(silent)} patients without a recorded best response: {unrecorded}",)
        if unrecorded == "left out":
            left_out.append(name_patients(silent, "no best response recorded"))
            found = found.filter(pl.col("response").is_not_null())
    patients = found.select("patient").join(mine, on="patient", how="left", maintain_order="left")
    comparison = Comparison(
        endpoint=endpoint,
        control=control,
        treatment=arms[1],
        patients=patients,
        treated=(patients["arm"] == (arms[1] or "")).to_numpy().astype(float),
        outcome=_outcome(found, endpoint),
        stratum=_strata(patients, strata),
        adjust=np.zeros((len(patients), 0)),
        left_out=pl.concat(left_out),
        notes=notes,
    )
    return _checked(_adjusted(comparison, adjust, strata))


def leave_out(cohort: Cohort, which: np.ndarray, reason: str) -> tuple[Cohort, pl.DataFrame]:
    """Return the cohort without some patients (a mask over its table patients), and these by name with the reason."""
    gone = name_patients(cohort.patients["patient"].filter(pl.Series(which)), reason)
    if not which.any():
        return cohort, gone
    return cohort.select(cohort.patients["patient"].filter(pl.Series(~which)).to_list()), gone


def choose_arms(cohort: Cohort, control: str, treatment: str | None) -> tuple[str, str | None]:
    """Return control and treatment; the latter None where there is one arm, and `ModelError` where it is not clear."""
    known = cohort.arms
    for arm in (control, treatment):
        if arm is not None and arm not in known:
            raise ModelError(f"the cohort has no arm {arm!r}; it has {list_briefly(map(repr, known))}")
    others = [arm for arm in known if arm != control]
    if treatment == control:
        raise ModelError(f"treatment and control are both the arm {control!r}")
    if treatment is None and len(others) > 1:
        raise ModelError(f"name the treatment: beside {control!r} there are the arms {list_briefly(map(repr, others))}")
    return control, treatment or (others[0] if others else None)


def _outcome(found: pl.DataFrame, endpoint: str) -> Observed | np.ndarray:
    if endpoint == "response":
        return found["response"].fill_null(False).to_numpy()
    return observe(found["time_year"], found["event"])


def _strata(patients: pl.DataFrame, strata: Sequence[str]) -> np.ndarray:
    if unknown := [column for column in strata if column not in patients.columns]:
        raise ModelError(f"strata {list_briefly(unknown)} are not columns of table patients")
    if not strata:
        return np.zeros(len(patients), dtype=int)
    rows = patients.select(pl.struct(list(strata)).rank("dense"))
    return rows.to_series().to_numpy().astype(int)


def _adjusted(comparison: Comparison, adjust: Sequence[Marker | str], strata: Sequence[str]) -> Comparison:
    """Return the comparison with its adjustment, without the patients who miss a stratum or a covariate."""
    for column in strata:
        comparison = comparison.leave_out(comparison.patients[column].is_null().to_numpy(), f"{column} is missing")
    markers = as_markers(adjust)
    for marker in markers:
        coding = code_marker(marker, comparison.patients)
        comparison = comparison.leave_out(coding.missing(comparison.patients), f"{marker.column} is missing")
    codings = [code_marker(marker, comparison.patients) for marker in markers]
    if not codings:
        return comparison
    matrix = np.concatenate([coding.columns(comparison.patients) for coding in codings], axis=1)
    return replace(comparison, adjust=matrix, adjust_terms=tuple(t for c in codings for t in c.terms))


def _checked(comparison: Comparison) -> Comparison:
    events = int(comparison.event.sum())
    if not events or (comparison.endpoint == "response" and events == len(comparison)):
        raise ModelError(f"{events} of {len(comparison)} patients have the outcome {comparison.endpoint!r}")
    if comparison.treatment and len(set(comparison.treated)) < 2:
        raise ModelError(
            f"only one of {comparison.treatment!r} and {comparison.control!r} has patients with an outcome"
        )
    return comparison


def name_patients(patients: pl.Series, reason: str) -> pl.DataFrame:
    """Return a table of patients left out, with the reason."""
    return pl.DataFrame({"patient": patients, "reason": [reason] * len(patients)}, schema=_SCHEMA)
