"""LORIS against the authors' stored scores and against areas and a hazard ratio that were computed apart.

Reference numbers: computed from the workbook with other software, to four decimals.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metachron.benefit import read_endpoint
from metachron.cohort import Cohort
from metachron.scores import compute_scores, response_auc
from metachron.scores.loris import CANCER_TERM, NOT_IN_TRAINING
from metachron.survival import fit_cox
from scores.made import people

Load = Callable[[str], Cohort]
Made = Callable[..., Cohort]


def scored(cohort: Cohort, name: str) -> pl.DataFrame:
    """Return patients with the value of a score."""
    values = compute_scores(cohort, [name]).values
    return cohort.patients.join(values, on="patient", how="left", maintain_order="left")


def test_the_formula_meets_the_stored_scores(load: Load) -> None:
    """841 patients; the authors stored scores of unrounded coefficients: 9.3e-4 apart at most."""
    table = scored(load("loris-msk-nonicb"), "loris-pan-cancer")
    apart = (table["value"] - table["published_loris"]).abs()
    assert apart.null_count() == 0
    assert apart.max() == pytest.approx(9.3e-4, abs=0.5e-4)


@pytest.mark.parametrize(
    ("cohort", "score", "area", "patients", "responders"),
    [
        ("loris-chowell-train", "loris-pan-cancer", 0.7414, 964, 282),
        ("loris-chowell-train", "tmb-high", 0.6087, 964, 282),
        ("loris-vanguri-nsclc", "loris-pan-cancer", 0.6642, 246, 61),
        ("loris-vanguri-nsclc", "loris-nsclc", 0.7676, 201, None),
    ],
)
def test_areas_for_response(
    load: Load, cohort: str, score: str, area: float, patients: int, responders: int | None
) -> None:
    table = scored(load(cohort), score).drop_nulls("value")
    found = response_auc(table["response"], table["value"])
    assert round(found.value, 4) == area
    assert found.responders + found.others == patients
    assert responders in (None, found.responders)
    assert found.low < area < found.high


def test_survival_by_group(load: Load) -> None:
    """Cox, Efron's ties, score 0.5 or more against below: 0.3575 (0.299 to 0.427)."""
    cohort = load("loris-chowell-train")
    groups = compute_scores(cohort, ["loris-pan-cancer"]).values.select("patient", "group")
    table = read_endpoint(cohort, "os").join(groups, on="patient")
    fit = fit_cox(table, time="time_year", event="event", covariates=["group"], reference={"group": "low"})
    effect, error = fit.coefficients[0], math.sqrt(fit.covariance[0, 0])
    assert math.exp(effect) == pytest.approx(0.3575, abs=5e-5)  # four decimals are given
    bounds = np.exp([effect - 1.959964 * error, effect + 1.959964 * error])
    assert bounds == pytest.approx([0.299, 0.427], abs=5e-4)  # three decimals are given


def formula(tmb: float, prior: float, albumin: float, nlr: float, age: float, cancer: str) -> float:
    """Return LORIS, written apart from the library."""
    s = 0.0371 * min(tmb, 50) - 0.8775 * prior + 0.5382 * albumin - 0.033 * min(nlr, 25) + 0.0049 * min(age, 85)
    return 1 / (1 + math.exp(-(s + CANCER_TERM[cancer] - 2.0886)))


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 200), st.booleans(), st.floats(1, 7), st.floats(0, 200), st.floats(0, 120),
    st.sampled_from(sorted(CANCER_TERM)),
)  # fmt: skip
def test_any_patient(tmb: float, prior: bool, albumin: float, nlr: float, age: float, cancer: str) -> None:
    cohort = people(
        tmb_per_mb=tmb, prior_systemic_therapy=prior, albumin_g_per_dl=albumin, nlr=nlr, age_year=age,
        cancer_type=cancer.title(),
    )  # fmt: skip
    found = compute_scores(cohort, ["loris-pan-cancer"])
    value = found.values["value"].item()
    assert value == pytest.approx(formula(tmb, prior, albumin, nlr, age, cancer), rel=1e-12)  # rounding
    assert found.values["group"].item() == ("high" if value >= 0.5 else "low")
    truncated = {("tmb_per_mb", tmb > 50), ("nlr", nlr > 25), ("age_year", age > 85)}
    assert set(found.truncated["column"]) == {column for column, beyond in truncated if beyond}


@pytest.mark.parametrize(("column", "limit"), [("tmb_per_mb", 50.0), ("nlr", 25.0), ("age_year", 85.0)])
def test_truncation_begins_above_the_limit(made: Made, column: str, limit: float) -> None:
    patient = {
        "tmb_per_mb": 5.0, "prior_systemic_therapy": True, "albumin_g_per_dl": 4.0, "nlr": 3.0, "age_year": 60.0,
        "cancer_type": "NSCLC",
    }  # fmt: skip
    cohort = made(**{**patient, column: [limit, limit + 10, limit - 1e-6]})
    found = compute_scores(cohort, ["loris-pan-cancer"])
    values = found.values["value"].to_list()
    assert values[0] == values[1] != values[2]
    assert found.truncated.select("column", "upper", "patients").rows() == [(column, limit, ["P2"])]


def test_a_cancer_outside_the_training_has_no_term_and_is_told(made: Made, load: Load) -> None:
    """MSK2 holds such patients only; four of them have no therapy history."""
    found = compute_scores(load("loris-msk2"), ["loris-pan-cancer"])
    assert found.values["value"].null_count() == 4
    assert found.elsewhere["patients"].list.len().to_list() == [100]
    patient = {
        "tmb_per_mb": 5.0, "prior_systemic_therapy": False, "albumin_g_per_dl": 4.0, "nlr": 3.0, "age_year": 60.0,
    }  # fmt: skip
    table = compute_scores(made(**patient, cancer_type=[*NOT_IN_TRAINING, "lung"]), ["loris-pan-cancer"])
    s = 0.0371 * 5 + 0.5382 * 4 - 0.033 * 3 + 0.0049 * 60 - 2.0886
    assert table.values["value"].to_list()[:3] == pytest.approx([1 / (1 + math.exp(-s))] * 3)
    assert table.values["value"][3] is None  # not a label of the score: a misspelling does not pass for another cancer
    assert table.outside["value"].to_list() == ["lung"]


def test_the_lung_score_is_high_from_its_own_cut_off_on(made: Made) -> None:
    """PD-L1 is solved for 0.44, and moved by 1e-6 on either side; the value by the formula written apart."""
    rest = 0.0353 * 10 - 0.375 + 0.2924 * 4 - 0.0103 * 3 - 1.5593
    limit = (math.log(0.44 / 0.56) - rest) / 0.0111
    patient = {"tmb_per_mb": 10.0, "prior_systemic_therapy": True, "albumin_g_per_dl": 4.0, "nlr": 3.0}
    found = compute_scores(made(**patient, pdl1_percent=[limit - 1e-6, limit + 1e-6]), ["loris-nsclc"]).values
    assert found["value"].to_list() == pytest.approx([0.44, 0.44], abs=1e-7)
    assert found["group"].to_list() == ["low", "high"]


def test_british_spellings_are_known(made: Made) -> None:
    patient = {
        "tmb_per_mb": 5.0, "prior_systemic_therapy": "no", "albumin_g_per_dl": 4.0, "nlr": 3.0, "age_year": 60.0,
    }  # fmt: skip
    labels = ["Oesophageal", "Esophageal", "head and neck", "Head & Neck"]
    values = compute_scores(made(**patient, cancer_type=labels), ["loris-pan-cancer"]).values["value"]
    assert values[0] == values[1]
    assert values[2] == values[3]
