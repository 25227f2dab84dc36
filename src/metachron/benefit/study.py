"""A study of markers: every question asked of each, in the cohort it was found in and in another one beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from metachron.base import MONTHS_PER_YEAR, InputError, ModelError
from metachron.benefit.assessment import MarkerAssessment
from metachron.benefit.comparison import Asked, Comparison, compare_arms
from metachron.benefit.curves import BenefitCurve, benefit_curve
from metachron.benefit.cutoff import CutoffSearch, search_cutoff
from metachron.benefit.interaction import assess_markers, compare_asked
from metachron.benefit.markers import Marker, MarkerCoding, as_markers
from metachron.benefit.outcome import TrialOutcome, response_outcome, survival_outcome
from metachron.benefit.questions import Questions
from metachron.benefit.screening import Screening, screen_markers
from metachron.benefit.study_model import StudyModel, model_of_markers
from metachron.benefit.study_rules import rules_of
from metachron.benefit.study_tables import answer_table, effect_tables
from metachron.benefit.subgroups import SubgroupForest, subgroup_forest
from metachron.cohort import Cohort
from metachron.survival.observed import Observed

AT_RISK = 0.1
"""Share of an arm that is still at risk at the horizon chosen where none is given: beyond it few patients say much."""


@dataclass(frozen=True, eq=False)
class MarkerStudy:
    """What was found.

    Attributes
    ----------
    cohort, external : names; ``external`` is empty without one.
    treatment : the arm compared with the control; None where there is one arm.
    horizon_year : NaN for a response.
    refused : why the predictive question was not asked; empty where it was.
    assessments, outside : of each marker in either cohort; ``outside`` holds the reason where it could not be asked.
    screening : all markers together.
    forest : effect of treatment in subgroups, numbers cut at their median; None where the question was refused.
    curves : benefit by the markers that are numbers. cutoffs : their cut-offs. Reasons where there is none.
    rules : value of treating by each marker alone: marker, where, policy, method, value, lower, upper, treat_share;
        cross-validated in the cohort, and learned in it and judged in the other one. rules_failed : marker to reason.
    model : all markers in one model, or why there is none.
    """

    questions: Questions
    cohort: str
    external: str
    treatment: str | None
    horizon_year: float
    refused: str
    assessments: tuple[MarkerAssessment, ...]
    outside: Mapping[str, MarkerAssessment | str]
    screening: Screening
    forest: SubgroupForest | None
    curves: Mapping[str, BenefitCurve | str]
    cutoffs: Mapping[str, CutoffSearch | str]
    rules: pl.DataFrame
    rules_failed: Mapping[str, str]
    model: StudyModel | str

    def answers(self) -> pl.DataFrame:
        """Return one row per marker: see `answer_table`."""
        return answer_table(self.assessments, self.outside)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return everything as tables by name; those without rows are left out."""
        found = {"answers": self.answers(), "screening": self.screening.table}
        found |= effect_tables(self.assessments, self.outside, self.cohort, self.external)
        found["subgroups"] = self.forest.table if self.forest is not None else pl.DataFrame()
        found["curves"] = _stacked({name: c.table for name, c in self.curves.items() if not isinstance(c, str)})
        found["cutoffs"] = _stacked({name: c.candidates for name, c in self.cutoffs.items() if not isinstance(c, str)})
        found["rules"] = self.rules
        found["validation"] = pl.DataFrame() if isinstance(self.model, str) else self.model.validation.table
        found["decisions"] = pl.DataFrame() if isinstance(self.model, str) else self.model.decisions.table
        return {name: table for name, table in found.items() if table.height}


def _stacked(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    named = [table.select(pl.lit(name).alias("name"), pl.all()) for name, table in tables.items()]
    return pl.concat(named) if named else pl.DataFrame()


def study_markers(
    cohort: Cohort,
    markers: Sequence[Marker | str],
    questions: Questions,
    *,
    external: Cohort | None = None,
    tell: Callable[[str], None] | None = None,
) -> MarkerStudy:
    """Return what each marker says of the outcome, and of the effect of treatment.

    Markers are coded in ``cohort``; the same coding is used in ``external``, from which nothing is learned. A marker
    that the other cohort does not have is judged by cross-validation alone, and that is said.

    Parameters
    ----------
    external : another cohort with the same arms.
    tell : called with a sentence before each part.

    Raises
    ------
    InputError, ModelError
        As `assess_marker`, for the first cohort; what cannot be asked of the other one is in ``outside``.
    """
    say = tell or (lambda _: None)
    asking = questions.asking
    comparison, refused = compare_asked(cohort, **asking)
    asked = tuple(_as_levels(marker, comparison) for marker in as_markers(markers))
    outer, unavailable = _external(external, questions)
    other = "" if external is None else name_beside(cohort, external)
    horizon = _horizon(questions, comparison, outer)
    say(f"each of {len(asked)} markers in {cohort.name}")
    assessments = assess_markers(cohort, asked, level=questions.level, missing=questions.missing, **asking)
    outside: dict[str, MarkerAssessment | str] = {one.marker.label: unavailable for one in assessments}
    if external is not None and outer is not None:
        say(f"the same in {external.name}")
        outside = {one.marker.label: _again(one, external, questions) for one in assessments}
    say("all markers together")
    screening = screen_markers(
        cohort,
        asked,
        seed=questions.seed,
        permutations=questions.permutations,
        **asking,
    )
    forest, rules = None, pl.DataFrame()
    curves: dict[str, BenefitCurve | str] = {}
    cutoffs: dict[str, CutoffSearch | str] = {}
    failed: dict[str, str] = {}
    codings = [one.coding for one in assessments]
    places = {cohort.name: comparison} | ({other: outer} if outer is not None else {})
    say("all markers in one model")
    model = model_of_markers(
        codings, places, horizon_year=horizon, products=not refused, samples=questions.samples,
        level=1.0 - questions.level, seed=questions.seed,
    )  # fmt: skip
    if not refused:
        say("subgroups, curves of benefit, cut-offs and rules")
        factors = [_as_factor(one, comparison) for one in assessments]
        forest = subgroup_forest(cohort, factors, level=questions.level, **asking)
        numbers = [one for one in assessments if one.coding.continuous]
        curves = {one.marker.label: _curve(one.coding, comparison, horizon, questions) for one in numbers}
        cutoffs = {one.marker.label: _cutoff(cohort, one.marker, questions, asking) for one in numbers}
        outcomes = {name: outcome_of(place, horizon) for name, place in places.items()}
        rules, failed = rules_of(
            codings, {name: place.patients for name, place in places.items()}, outcomes, repeats=questions.repeats,
            level=1.0 - questions.level, seed=questions.seed,
        )  # fmt: skip
    return MarkerStudy(
        questions, cohort.name, other, comparison.treatment, horizon, refused,
        assessments, outside if external is not None else {}, screening, forest, curves, cutoffs, rules, failed, model,
    )  # fmt: skip


def outcome_of(comparison: Comparison, horizon_year: float) -> TrialOutcome:
    """Return the outcome of a comparison as means to compare: years lived up to the horizon, or response."""
    treated = comparison.treated > 0
    if isinstance(comparison.outcome, Observed):
        return survival_outcome(
            comparison.outcome.time, comparison.outcome.event, treated=treated, horizon_year=horizon_year
        )
    return response_outcome(comparison.outcome, treated=treated)


def name_beside(cohort: Cohort, external: Cohort) -> str:
    """Return what another cohort is called beside the first: its name, marked where it is the same."""
    return f"{external.name} (external)" if external.name == cohort.name else external.name


def has_marker(cohort: Cohort, marker: Marker) -> bool:
    """Return whether anybody in a cohort has a value of a marker."""
    column = marker.column
    return column in cohort.patients.columns and cohort.patients[column].null_count() < cohort.patients.height


def _external(external: Cohort | None, questions: Questions) -> tuple[Comparison | None, str]:
    """Return the comparison in the other cohort, or why there is none."""
    if external is None:
        return None, ""
    try:
        return compare_arms(external, **questions.compared), ""
    except (InputError, ModelError) as error:
        return None, f"cannot be asked in {external.name}: {error}"


def _again(one: MarkerAssessment, external: Cohort, questions: Questions) -> MarkerAssessment | str:
    """Return the assessment of a marker in the other cohort, with the steps and the reference of the first one."""
    if not has_marker(external, one.marker):
        return f"not available in {external.name}; its rule is cross-validated"
    try:
        return assess_markers(
            external, [one.coding.fixed], level=questions.level, missing=questions.missing, **questions.asking
        )[0]
    except (InputError, ModelError) as error:
        return f"cannot be asked in {external.name}: {error}"


def _as_levels(marker: Marker, comparison: Comparison) -> Marker:
    """Return the marker, one that is 0 or 1 as two levels."""
    column = comparison.patients[marker.column] if marker.column in comparison.patients.columns else None
    if marker.kind == "auto" and marker.above is None and column is not None and column.dtype.is_numeric():
        values = set(column.drop_nulls().drop_nans().unique()) if column.dtype.is_float() else set(column.drop_nulls())
        if values == {0, 1}:
            return replace(marker, kind="binary")
    return marker


def _as_factor(one: MarkerAssessment, comparison: Comparison) -> Marker:
    """Return the marker as a factor with levels: a number cut at its median."""
    if not one.coding.continuous:
        return one.marker
    column = one.marker.column
    return Marker(column, above=float(comparison.patients[column].drop_nulls().median()))  # type: ignore[arg-type]


def _horizon(questions: Questions, *comparisons: Comparison | None) -> float:
    """Return the horizon asked for, or the last whole month at which a tenth of every arm is at risk."""
    if questions.endpoint == "response":
        return float("nan")
    if questions.horizon_year is not None:
        return questions.horizon_year
    ends = [
        np.quantile(part.outcome.time[part.treated == arm], 1.0 - AT_RISK)
        for part in comparisons
        if part is not None and isinstance(part.outcome, Observed)
        for arm in np.unique(part.treated)
    ]
    return max(1.0, np.floor(MONTHS_PER_YEAR * min(ends))) / MONTHS_PER_YEAR


def _curve(
    coding: MarkerCoding, comparison: Comparison, horizon_year: float, questions: Questions
) -> BenefitCurve | str:
    known = comparison.patients[coding.marker.column].is_not_null().to_numpy()
    part = comparison.rows(known)
    try:
        return benefit_curve(
            part.patients[coding.marker.column], outcome_of(part, horizon_year), name=coding.marker.label,
            level=1.0 - questions.level, seed=questions.seed,
        )  # fmt: skip
    except (InputError, ModelError) as error:
        return str(error)


def _cutoff(cohort: Cohort, marker: Marker, questions: Questions, asking: Asked) -> CutoffSearch | str:
    try:
        return search_cutoff(
            cohort,
            marker,
            seed=questions.seed,
            resamples=questions.resamples,
            level=questions.level,
            **asking,
        )
    except (InputError, ModelError) as error:
        return str(error)
