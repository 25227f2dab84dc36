"""Two questions apart: does a marker tell the outcome (prognostic), or the effect of treatment (predictive)?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Unpack

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.benefit.assessment import MarkerAssessment, adjust_p_values
from metachron.benefit.comparison import Asked, Compared, Comparison, Unrecorded, compare_arms
from metachron.benefit.fitting import TermsFit, fit_terms
from metachron.benefit.imputation import impute_marker
from metachron.benefit.levels import count_levels, effects_at_levels, marker_levels, risk_differences
from metachron.benefit.marker_test import MarkerTest, answer, refuse
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.cohort import Cohort

IN_CONTROL = "prognostic in the control arm"
AVERAGED = "prognostic, the same in both arms"
PREDICTIVE = "predictive"
TREATED = "treated"


@dataclass(frozen=True)
class Missing:
    """What becomes of patients whose marker is missing.

    Parameters
    ----------
    by : ``"complete cases"``: they are left out and named; ``"imputation"``: see `impute_marker`.
    imputations, seed : data sets made, and where their random numbers begin.
    auxiliary : markers that help to impute and are not in the model.
    """

    by: Literal["complete cases", "imputation"] = "complete cases"
    imputations: int = 20
    seed: int = 0
    auxiliary: tuple[Marker | str, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in ("complete cases", "imputation"):
            raise ModelError(f"missing markers are not dealt with by {self.by!r}: complete cases, or imputation")


def assess_marker(
    cohort: Cohort,
    marker: Marker | str,
    *,
    endpoint: str,
    control: str,
    randomised: bool,
    treatment: str | None = None,
    adjust: Sequence[Marker | str] = (),
    strata: Sequence[str] = (),
    missing: Missing | None = None,
    unrecorded: Unrecorded = "non-responder",
    level: float = 0.05,
) -> MarkerAssessment:
    r"""Return whether a marker is prognostic, predictive, both, or neither is shown.

    For a time, with :math:`x` the marker, :math:`a` the arm (1: treatment) and :math:`z` the adjustment,

    .. math:: h(t) = h_0(t) \exp(\beta x + \alpha a + \gamma a x + \zeta z)

    Predictive means :math:`\gamma \ne 0`: likelihood ratio against the model without it, and Wald. Prognostic is asked
    of the control arm alone, with a baseline of its own, and averaged over arms with :math:`\gamma = 0`. A response has
    the same terms in the log odds.

    Parameters
    ----------
    endpoint : ``"os"``, ``"pfs"`` or ``"response"``; see `read_endpoint`.
    control, treatment : the arms compared. In a cohort of one arm it is the control.
    randomised : whether patients were randomised between these arms; a cohort does not say. Without, the effect of
        treatment may be that of who got it, at each level of a marker differently, so the predictive question is
        refused.
    adjust, strata, unrecorded : see `compare_arms`.
    missing : complete cases unless given.
    level : of significance; intervals have confidence 1 - level.

    Raises
    ------
    InputError, ModelError
        See `compare_arms` and `code_marker`. A question whose model has no finite maximum is refused, not raised.

    Notes
    -----
    Prognostic and predictive: Ballman 2015, doi:10.1200/JCO.2015.63.3651. Interaction tests: Polley and others 2013,
    doi:10.1093/jnci/djt282. The interaction depends on the scale: none in hazard ratios may be one in differences.
    """
    (found,) = assess_markers(
        cohort,
        [marker],
        endpoint=endpoint,
        control=control,
        randomised=randomised,
        treatment=treatment,
        adjust=adjust,
        strata=strata,
        missing=missing,
        unrecorded=unrecorded,
        level=level,
    )
    return found


def assess_markers(
    cohort: Cohort,
    markers: Sequence[Marker | str],
    *,
    missing: Missing | None = None,
    level: float = 0.05,
    **asked: Unpack[Asked],
) -> tuple[MarkerAssessment, ...]:
    """Return the assessment of several markers; conclusions from p values adjusted by Holm, each question by itself.

    Parameters and errors are those of `assess_marker`.
    """
    comparison, refused = compare_asked(cohort, **asked)
    missing = missing or Missing()
    return adjust_p_values(
        [assess_in(comparison, one, refused=refused, missing=missing, level=level) for one in as_markers(markers)]
    )


def compare_asked(cohort: Cohort, *, randomised: bool, **compared: Unpack[Compared]) -> tuple[Comparison, str]:
    """Return who is compared, and why the predictive question cannot be asked of them; empty where it can.

    Raises
    ------
    InputError, ModelError
        See `compare_arms`.
    """
    comparison = compare_arms(cohort, **compared)
    arms, strata = (comparison.control, comparison.treatment), compared.get("strata", ())
    return comparison, refuse_prediction(*arms, comparison.patients["study"], randomised=randomised, strata=strata)


def refuse_prediction(
    control: str, treatment: str | None, studies: pl.Series, *, randomised: bool, strata: Sequence[str]
) -> str:
    """Return why arms of these studies cannot tell what changes the effect of treatment; empty where they can."""
    if treatment is None:
        return (
            f"there is one arm, {control!r}: without a comparison a marker that tells the outcome cannot be "
            "told from one that tells the effect of treatment"
        )
    if not randomised:
        return (
            f"patients were not randomised between {treatment!r} and {control!r}: who got which may depend on the "
            "marker"
        )
    found = sorted(studies.unique())
    if len(found) > 1 and "study" not in strata:
        return (
            f"patients come from several studies ({list_briefly(found)}), and randomisation holds within each: "
            "stratify by study"
        )
    return ""


def assess_in(
    comparison: Comparison, marker: Marker, *, refused: str, missing: Missing, level: float
) -> MarkerAssessment:
    """Return the assessment of a marker among chosen patients; ``refused`` says why not to ask for prediction."""
    coding = code_marker(marker, comparison.patients)
    matrix = coding.columns(comparison.patients)
    lacking = np.isnan(matrix).any(axis=1)
    imputed: tuple[str, ...] = ()
    if missing.by == "imputation" and lacking.any():
        imputed = tuple(comparison.patients["patient"].filter(pl.Series(lacking)))
        made = impute_marker(
            comparison, coding, imputations=missing.imputations, seed=missing.seed, auxiliary=missing.auxiliary
        )
    else:
        comparison = comparison.leave_out(lacking, f"{marker.column} is missing")
        made = (matrix[~lacking],)
    return _Asked(comparison, coding, made, 1.0 - level).assess(refused, level, imputed)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Patients, a coded marker (in one complete or several imputed versions) and the confidence of intervals."""

    comparison: Comparison
    coding: MarkerCoding
    made: tuple[np.ndarray, ...]
    confidence: float

    def assess(self, refused: str, level: float, imputed: tuple[str, ...]) -> MarkerAssessment:
        """Return all answers."""
        one_arm = refused if self.comparison.treatment is None else ""
        prognostic = self._ask(IN_CONTROL, self._in_control, "")[0]
        averaged = self._ask(AVERAGED, self._averaged, one_arm)[0]
        predictive, fits = self._ask(PREDICTIVE, self._interaction, refused)
        by_level, differences = self._levels(fits)
        return MarkerAssessment(
            marker=self.coding.marker,
            coding=self.coding,
            endpoint=self.comparison.endpoint,
            measure=self.comparison.measure,
            control=self.comparison.control,
            treatment=self.comparison.treatment,
            prognostic=prognostic,
            averaged=averaged,
            predictive=predictive,
            levels=by_level,
            risk_differences=differences,
            prognostic_p=prognostic.p_value,
            predictive_p=predictive.p_value,
            level=level,
            left_out=self.comparison.left_out,
            imputed=imputed,
            notes=self.comparison.notes,
        )

    def _ask(
        self, question: str, fit: Callable[[np.ndarray], TermsFit], refused: str
    ) -> tuple[MarkerTest, list[TermsFit]]:
        which = self.comparison.treated == 0.0 if question == IN_CONTROL else np.ones(len(self.comparison), dtype=bool)
        patients, events = int(which.sum()), int(self.comparison.event[which].sum())
        if refused:
            return refuse(question, refused, patients=patients, events=events), []
        try:
            fits = [fit(matrix) for matrix in self.made]
        except ModelError as error:
            return refuse(question, str(error), patients=patients, events=events), []
        return answer(question, fits, patients=patients, events=events, confidence=self.confidence), fits

    def _in_control(self, matrix: np.ndarray) -> TermsFit:
        control = self.comparison.treated == 0.0
        part = self.comparison.rows(control)
        return fit_terms(part, matrix[control], self.coding.terms, tested=self.coding.terms)

    def _averaged(self, matrix: np.ndarray) -> TermsFit:
        columns = np.column_stack([self.comparison.treated, matrix])
        return fit_terms(self.comparison, columns, (TREATED, *self.coding.terms), tested=self.coding.terms)

    def _interaction(self, matrix: np.ndarray) -> TermsFit:
        return fit_interaction(self.comparison, self.coding, matrix)

    def _levels(self, fits: list[TermsFit]) -> tuple[pl.DataFrame, pl.DataFrame]:
        if not fits:
            return pl.DataFrame(), pl.DataFrame()
        levels = marker_levels(self.coding, self.comparison.patients)
        freedom = max(int(self.comparison.event.sum()) - len(fits[0].terms), 1.0)
        table = effects_at_levels(
            fits, levels, treated=TREATED, complete_freedom=freedom, confidence=self.confidence
        ).join(count_levels(self.comparison, self.coding, levels), on="level", how="left", maintain_order="left")
        if self.comparison.endpoint != "response":
            return table, pl.DataFrame()
        return table, risk_differences(
            fits,
            levels,
            treated=TREATED,
            markers=self.coding.terms,
            complete_freedom=freedom,
            confidence=self.confidence,
        )


def fit_interaction(comparison: Comparison, coding: MarkerCoding, matrix: np.ndarray) -> TermsFit:
    """Return the model with arm, marker and their product, the product tested.

    Raises
    ------
    ModelError
        When there is no finite maximum.
    """
    columns = np.column_stack([comparison.treated, matrix, comparison.treated[:, None] * matrix])
    products = interaction_terms(coding)
    return fit_terms(comparison, columns, (TREATED, *coding.terms, *products), tested=products)


def interaction_terms(coding: MarkerCoding) -> tuple[str, ...]:
    """Return the names of the products of the arm with a marker's columns."""
    return tuple(f"{TREATED}:{term}" for term in coding.terms)
