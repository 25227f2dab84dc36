"""A study of markers: the same answers as each question by itself, nothing learned in the other cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import (
    Marker,
    MarkerAssessment,
    Questions,
    assess_markers,
    read_marker,
    read_markers,
    study_markers,
)
from metachron.benefit.comparison import compare_arms
from metachron.benefit.learning import cox_functions
from metachron.benefit.rule_value import AUGMENTED, RULE_ALL, rule_value
from metachron.benefit.study import MarkerStudy, outcome_of
from metachron.benefit.study_model import StudyModel
from metachron.benefit.validation import validate
from metachron.cohort import Cohort
from metachron.survival.observed import Observed

ASKED = Questions("os", "old", randomised=True, permutations=20, resamples=100, repeats=1, samples=20)
MARKERS = (Marker("number", per="sd"), "yes", "kind")


@pytest.fixture(scope="module")
def study() -> MarkerStudy:
    other = small_trial(2, 150)
    other = other.with_rows({"patients": other.patients.drop("kind")})
    return study_markers(small_trial(1, 300), MARKERS, ASKED, external=other)


def test_answers_are_those_of_each_question(study: MarkerStudy) -> None:
    markers = (MARKERS[0], Marker("yes", kind="binary"), "kind")
    alone = assess_markers(small_trial(1, 300), markers, endpoint="os", control="old", randomised=True)
    told = study.answers()
    assert told["marker"].to_list() == ["number", "yes", "kind"]
    assert told["conclusion"].to_list() == [one.conclusion for one in alone]
    assert told["predictive_p"].to_numpy() == pytest.approx([one.predictive_p for one in alone])
    assert study.treatment == "new"


def test_the_other_cohort_has_the_steps_of_the_first(study: MarkerStudy) -> None:
    outside = study.outside["number"]
    assert isinstance(outside, MarkerAssessment)
    assert outside.coding.step == study.assessments[0].coding.step
    assert outside.coding.step != pytest.approx(float(small_trial(2, 150).patients["number"].std()), rel=1e-3)
    assert study.outside["kind"] == "not available in small; its rule is cross-validated"
    assert "cross-validated" in study.answers()["external"][2]


def test_rules_are_learned_in_the_first_cohort_alone(study: MarkerStudy) -> None:
    """In the other one the rule of a two-level marker treats a level or it does not: the value is that of this rule."""
    where = study.rules.filter((pl.col("marker") == "yes") & (pl.col("where") == "small (external)"))
    assert set(study.rules["where"]) == {"cross-validated in small", "small (external)"}
    assert study.rules.filter((pl.col("marker") == "kind") & (pl.col("where") == "small (external)")).is_empty()
    place = compare_arms(small_trial(2, 150), endpoint="os", control="old")
    yes = place.patients["yes"].to_numpy() == 1
    share = float(where["treat_share"][0])
    treat = {0.0: np.zeros_like(yes), 1.0: np.ones_like(yes)}.get(share, yes if share < 0.5 else ~yes)
    direct = rule_value(treat, outcome_of(place, study.horizon_year)).table
    chosen = (pl.col("policy") == RULE_ALL) & (pl.col("method") == AUGMENTED)
    assert where.filter(chosen)["value"][0] == pytest.approx(direct.filter(chosen)["value"][0])


def test_what_is_not_randomised_has_no_predictive_part() -> None:
    found = study_markers(small_trial(1, 200), ["number"], replace(ASKED, randomised=False))
    assert "not randomised" in found.refused
    assert found.forest is None
    assert set(found.tables()) == {"answers", "screening", "effects", "validation", "decisions"}
    assert found.answers()["external"].to_list() == ["not asked"]


def test_a_response_is_studied_too() -> None:
    found = study_markers(small_trial(1, 300), ["yes"], replace(ASKED, endpoint="response"))
    assert np.isnan(found.horizon_year)
    assert found.assessments[0].measure == "odds ratio"
    assert found.rules["value"].is_between(-1.0, 1.0).all()
    assert isinstance(found.model, str)


def test_the_model_of_all_markers_has_what_both_cohorts_have(study: MarkerStudy) -> None:
    """Its corrected measures are those of a Cox model with treatment, both markers and their products."""
    assert isinstance(study.model, StudyModel)
    assert study.model.markers == ("number", "yes")
    place = compare_arms(small_trial(1, 300), endpoint="os", control="old")
    outcome = place.outcome
    assert isinstance(outcome, Observed)
    number, yes = (place.patients[name].to_numpy() for name in ("number", "yes"))
    columns = {"treated": place.treated, "number": number, "yes": yes}
    columns |= {f"by {name}": place.treated * value for name, value in (("number", number), ("yes", yes))}
    table = pl.DataFrame({"time_year": outcome.time, "event": outcome.event} | columns)
    fit, predict = cox_functions(list(columns), horizon_year=study.horizon_year)
    direct = validate(table, fit, predict, horizon_year=study.horizon_year, samples=20, seed=1).table
    told = study.model.validation.table
    for column in ("apparent", "corrected"):
        assert told[column].to_numpy() == pytest.approx(direct[column].to_numpy(), rel=1e-4)
    assert told["external"].is_not_null().all()
    assert study.model.benefit is not None


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("btmb", Marker("btmb", per="sd")),
        (" sqrt(btmb) ", Marker("btmb", transform="sqrt", per="sd")),
        ("log1p(ldh)", Marker("ldh", transform="log1p", per="sd")),
        ("btmb>=16", Marker("btmb", above=16.0)),
    ],
)
def test_markers_are_read_from_texts(text: str, marker: Marker) -> None:
    assert read_marker(text) == marker


@pytest.mark.parametrize("text", ["", "exp(btmb)", "btmb>=", "btmb>=1e", "a b"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"names no marker|not a number"):
        read_marker(text)


def _with_variants(sequenced: bool) -> Cohort:
    cohort = small_trial(1, 40)
    found = pl.DataFrame({"patient": ["p001", "p003"], "gene": ["STK11", "TP53"], "kind": ["missense", "missense"]})
    patients = cohort.patients.with_columns(seen=pl.when(pl.int_range(pl.len()) < 30).then(1.0).otherwise(0.0))
    tables = cohort.tables | {"patients": patients if sequenced else cohort.patients, "alterations": found}
    return Cohort.create("small", tables)


def test_genes_are_columns_where_patients_were_sequenced() -> None:
    cohort, markers, other = read_markers(
        _with_variants(True), ["STK11", "number"], sequenced="seen", together=_with_variants(True)
    )
    assert markers == (Marker("altered_STK11", kind="binary"), Marker("number", per="sd"))
    assert cohort.patients["altered_STK11"].sum() == 1
    assert cohort.patients["altered_STK11"].null_count() == 10
    assert other is not None
    assert "altered_STK11" in other.patients.columns


def test_who_was_sequenced_must_be_said_and_names_must_be_known() -> None:
    with pytest.raises(ModelError, match="nothing says who was sequenced"):
        read_markers(_with_variants(False), ["STK11"], sequenced=None)
    with pytest.raises(ModelError, match="neither a column nor a gene called BRAF"):
        read_markers(_with_variants(True), ["BRAF"], sequenced="seen")
