"""Many markers at one place of a joint model: ranked by their likelihood ratio, or by leave-one-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from metachron.base import MetachronError, ModelError
from metachron.benefit.cohort_imputation import imputed_cohorts
from metachron.benefit.comparison import choose_arms, leave_out, name_patients
from metachron.benefit.interaction import Missing, interaction_terms, refuse_prediction
from metachron.benefit.marker_terms import (
    find_place,
    in_table,
    products,
    refuse_collinear,
    term_names,
    with_codings,
    with_columns,
    with_terms,
)
from metachron.benefit.marker_test import MarkerTest, answer, refuse
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.benefit.maxima import Maxima
from metachron.benefit.multiplicity import benjamini_hochberg
from metachron.cohort import Cohort

if TYPE_CHECKING:
    from metachron.inference.criticism import Comparison
    from metachron.joint import JointModel

Question = Literal["marker", "interaction"]
WITHOUT = "no marker"


@dataclass(frozen=True, eq=False)
class ModelScreening:
    """Markers ranked by the likelihood ratio of a joint model with and without them.

    Attributes
    ----------
    table : one row per marker, the smallest p first: marker, step, patients, missing (patients who miss it), imputed
        (whether they were imputed rather than left out), terms, effect, lower and upper (the exponential of the
        coefficient with a 95 % interval, where there is one term), likelihood_ratio, p (of it; of the Wald test after
        imputation), wald_p, fdr (Benjamini-Hochberg), refused, note. NaN or null where refused.
    tests : the whole answer by marker.
    place, question : what was asked. left_out : patient and reason, for each marker that someone misses.
    """

    table: pl.DataFrame
    tests: Mapping[str, MarkerTest]
    place: str
    question: Question
    left_out: pl.DataFrame


def screen_in_model(
    model: JointModel,
    cohort: Cohort,
    markers: Sequence[Marker | str],
    *,
    place: str,
    question: Question = "marker",
    control: str | None = None,
    randomised: bool = False,
    missing: Missing | None = None,
    seed: int = 1,
    tell: Callable[[str], None] = lambda sentence: None,
) -> ModelScreening:
    """Return markers ranked by what each adds, by itself, to the marginal likelihood of a joint model.

    A model with one marker more is compared with the one without it in the same patients: twice the difference of the
    maxima is chi-squared with as many degrees of freedom as the marker has columns.

    Parameters
    ----------
    model : with patient effects that can be integrated out; its other covariates adjust.
    place : a parameter of the tumour (``"growth"``, ``"shrinkage"``, ``"resistant fraction"``, ``"baseline"``, or its
        name), ``"hazard"``, or ``"new lesions"``. An effect on the hazard is the one beside the links.
    question : ``"marker"``: whether it tells the outcome, the same in all arms; ``"interaction"``: whether it tells the
        effect of the arm, in a model that has the marker either way.
    control, randomised : as in `metachron.benefit.assess_marker`; for the interaction, of a cohort of two arms.
    missing : complete cases for each marker unless given; after imputation Wald tests rank.
    seed, tell : see `metachron.benefit.assess_growth`.

    Raises
    ------
    InputError, ModelError
        When the model has no such place or its effects cannot be integrated out; when the interaction is asked for of
        one arm, without randomisation, or across studies. A marker whose model has no maximum that is found is refused
        in its row.

    Notes
    -----
    The chi-squared distribution holds in large samples. Benjamini and Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    find_place(model, place)
    arms = _arms(cohort, question, control, randomised=randomised)
    asked = _Asked(model, cohort, place, question, arms, missing or Missing(), Maxima(seed, tell))
    found = {marker.label: asked.test(marker) for marker in as_markers(markers)}
    if not found:
        raise ModelError("screening needs at least one marker")
    table = pl.DataFrame([row for _, row, _ in found.values()], infer_schema_length=None)
    rate = benjamini_hochberg(table["p"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    table = table.with_columns(pl.Series("fdr", rate)).sort("p", nulls_last=True, maintain_order=True)
    left_out = pl.concat([gone for _, _, gone in found.values()])
    return ModelScreening(table, {label: test for label, (test, _, _) in found.items()}, place, question, left_out)


def marker_models(
    model: JointModel, cohort: Cohort, markers: Sequence[Marker | str], *, place: str
) -> tuple[dict[str, JointModel], Cohort, pl.DataFrame]:
    """Return the model without a marker and with each, the cohort to fit them to, and the patients left out of it.

    Fit them by `metachron.inference.criticism.compare_models` and rank what comes of it by `rank_markers`. Since
    leave-one-out is a sum over the same patients, those who miss any of the markers are left out of all.
    """
    complete, gone = cohort, [name_patients(pl.Series([], dtype=pl.String), "")]
    for marker in as_markers(markers):
        lacking = code_marker(marker, complete.patients).missing(complete.patients)
        complete, absent = leave_out(complete, lacking, f"{marker.column} is missing")
        gone.append(absent)
    models = {WITHOUT: model}
    columns: dict[str, np.ndarray] = {}
    for index, marker in enumerate(as_markers(markers), start=1):
        coding = code_marker(marker, complete.patients)
        names = term_names(len(coding.terms), f"marker_{index}_term")
        columns |= dict(zip(names, coding.columns(complete.patients).T, strict=True))
        models[marker.label] = with_codings(with_terms(model, place, names), names, None)
    return models, with_columns(complete, columns), pl.concat(gone)


def rank_markers(comparison: Comparison) -> pl.DataFrame:
    """Return markers by how much better a model with each foretells a patient than the one without, the best first.

    Columns: marker, elpd_gain (of leave-one-out by patient), gain_se (of that sum of paired differences), p_loo, weak
    (patients whose Pareto k is above 0.7), clear (the gain is above 4 and above 2 standard errors; Sivula 2020,
    arXiv:2008.10296). Ranking alone does not bound false findings: the best of many gains is too high.

    Raises
    ------
    ModelError
        When the comparison has no model under the name of `WITHOUT`, or no other.
    """
    if WITHOUT not in comparison.each or len(comparison.each) < 2:
        raise ModelError(f"ranking markers needs the model {WITHOUT!r} and at least one with a marker")
    base = comparison.each[WITHOUT].table["elpd"].to_numpy()
    rows = []
    for name, loo in comparison.each.items():
        gain = loo.table["elpd"].to_numpy() - base
        error = float(np.sqrt(len(gain)) * gain.std(ddof=1))
        clear = bool(gain.sum() > max(4.0, 2.0 * error))
        rows.append((name, float(gain.sum()), error, loo.p_loo, len(loo.weak_patients), clear))
    schema = ["marker", "elpd_gain", "gain_se", "p_loo", "weak", "clear"]
    table = pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("marker") != WITHOUT)
    return table.sort("elpd_gain", descending=True)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A model, a place in it, and what is asked there of each marker."""

    model: JointModel
    cohort: Cohort
    place: str
    question: Question
    arms: tuple[str, str | None] | None
    missing: Missing
    maxima: Maxima

    def test(self, marker: Marker) -> tuple[MarkerTest, dict[str, object], pl.DataFrame]:
        """Return the answer for a marker, its row of the table, and the patients left out."""
        coding = code_marker(marker, self.cohort.patients)
        lacking = coding.missing(self.cohort.patients)
        impute = self.missing.by == "imputation" and bool(lacking.any())
        part, absent = leave_out(self.cohort, lacking & (not impute), f"{marker.column} is missing")
        try:
            test = self._answer(coding, self._imputed(marker) if impute else (part,))
        except (MetachronError, np.linalg.LinAlgError) as error:
            test = refuse(self.question, str(error), patients=part.patients.height)
        row = _row(coding, test) | {"missing": int(lacking.sum()), "imputed": impute}
        return test, row, absent

    def _imputed(self, marker: Marker) -> tuple[Cohort, ...]:
        how = self.missing
        event = self.model.hazard.event if self.model.hazard else None
        return imputed_cohorts(
            self.cohort, [marker], imputations=how.imputations, seed=how.seed, auxiliary=how.auxiliary, event=event
        )

    def _answer(self, coding: MarkerCoding, cohorts: Sequence[Cohort]) -> MarkerTest:
        names = term_names(len(coding.terms))
        named = dict(zip(coding.terms, names, strict=True))
        tested = coding.terms
        if self.question == "interaction":
            tested = interaction_terms(coding)
            named |= dict(zip(tested, products(names), strict=True))
        coded = [with_columns(c, dict(zip(names, coding.columns(c.patients).T, strict=True))) for c in cohorts]
        treatment = self.arms[1] if self.arms else None
        refuse_collinear(coded[0], named, treatment)
        full = self._model(tuple(named.values()))
        null = self._model(tuple(name for term, name in named.items() if term not in tested))
        _, site = find_place(self.model, self.place)
        weights = {term: {f"{site}[{in_table(name, treatment)}]": 1.0} for term, name in named.items()}
        what = f"{coding.marker.label}, {self.question} on {self.place}"
        fits = []
        for each in coded:
            best = self.maxima.find(full, each, what)
            without = self.maxima.find(null, each, f"{what}: without it") if len(coded) == 1 else None
            fits.append(self.maxima.compare(best, without, weights, tested))
        patients = coded[0].patients.height
        return answer(self.question, fits, patients=patients, events=patients, confidence=0.95)

    def _model(self, names: Sequence[str]) -> JointModel:
        """Return the model with terms; for the interaction the arm has an effect of its own either way."""
        model = self.model
        if self.question == "interaction" and not _has_arm(model, self.place):
            model = with_terms(model, self.place, ["arm"])
        model = with_terms(model, self.place, names)
        own = [name for name in names if not name.startswith("arm:")]
        return with_codings(model, own, self.arms[0] if self.arms else None)


def _has_arm(model: JointModel, place: str) -> bool:
    """Return whether the arm moves a place already: by its mean, or as a covariate."""
    block, _ = find_place(model, place)
    means = {p.name: p.group for p in model.dynamics.parameters} if model.dynamics else {}
    return means.get(block, "all") != "all" or "arm" in model.covariate_blocks()[block]


def _arms(
    cohort: Cohort, question: Question, control: str | None, *, randomised: bool
) -> tuple[str, str | None] | None:
    """Return control and treatment for an interaction, None else; `ModelError` where it cannot be asked."""
    if question not in ("marker", "interaction"):
        raise ModelError(f"there is no question {question!r}; ask for the 'marker' or its 'interaction' with the arm")
    if question == "marker":
        return None
    if control is None:
        raise ModelError("an interaction with the arm needs the name of the control arm")
    arms = choose_arms(cohort, control, None)
    if refused := refuse_prediction(*arms, cohort.patients["study"], randomised=randomised, strata=()):
        raise ModelError(f"the interaction cannot be asked for: {refused}")
    return arms


def _row(coding: MarkerCoding, test: MarkerTest) -> dict[str, object]:
    return {
        "marker": coding.marker.label,
        "step": coding.step if coding.continuous else None,
        "patients": test.patients,
        "terms": len(coding.terms),
        **test.single,
        "likelihood_ratio": test.likelihood_ratio,
        "p": test.p_value,
        "wald_p": test.wald_p,
        "refused": test.refused,
        "note": test.note,
    }
