"""Markers of growth: against a linear mixed model written out, known ratios recovered, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2, norm

from benefit.sized_trials import SLOPE, sized_trial
from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.benefit import GrowthStudy, Marker, assess_growth
from metachron.benefit.maxima import Maxima
from metachron.cohort import Cohort
from metachron.joint import compose
from metachron.report.growth import write_growth_report

TRUE_SLOPE, TRUE_INTERACTION = 0.3, -0.5


@pytest.fixture(scope="module")
def trial() -> Cohort:
    """48 patients, whose log size rises by 0.3 per year more for each unit of x in the control arm."""
    return sized_trial(
        "random-slope-log", SLOPE, {"growth": ["x", "arm:x"]},
        {"slope_per_year.beta": [TRUE_SLOPE, TRUE_INTERACTION]}, per_arm=24, seed=11, observation="additive",
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(trial: Cohort) -> GrowthStudy:
    return assess_growth(
        trial,
        ["x"],
        control="old",
        randomised=True,
        law="random-slope-log",
        observation="additive",
        parameters=["growth"],
    )


def _mixed(cohort: Cohort, terms: tuple[str, ...]) -> tuple[float, np.ndarray, np.ndarray]:
    """Return maximum of the likelihood, fixed effects of the slope and their covariance, of the linear mixed model
    log size = baseline + slope t + error, both normal between patients; the slope has a mean by ``terms``.
    """
    patients = cohort.patients.with_columns(
        one=pl.lit(1.0), new=(pl.col("arm") == "new").cast(float), product=(pl.col("arm") == "new") * pl.col("x")
    )
    rows = cohort.measurements.join(patients, on="patient", maintain_order="left")
    each = []
    for (_,), own in rows.group_by("patient", maintain_order=True):
        t = own["day"].to_numpy() / DAYS_PER_YEAR
        x = np.column_stack([np.ones(len(t)), *(t * own[term].to_numpy() for term in terms)])
        each.append((np.log(own["size_mm"].to_numpy()), x, np.column_stack([np.ones(len(t)), t])))

    def profile(log_sd: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        between, error = np.diag(np.exp(2.0 * log_sd[:2])), np.exp(2.0 * log_sd[2])
        inner, outer, total = 0.0, 0.0, 0.0
        whole = []
        for y, x, z in each:
            v = z @ between @ z.T + error * np.eye(len(y))
            inverse = np.linalg.inv(v)
            inner, outer = inner + x.T @ inverse @ x, outer + x.T @ inverse @ y
            whole.append((y, x, inverse, np.linalg.slogdet(v)[1]))
        beta = np.linalg.solve(inner, outer)
        for y, x, inverse, log_det in whole:
            r = y - x @ beta
            total -= 0.5 * (r @ inverse @ r + log_det + len(y) * np.log(2.0 * np.pi))
        return total, beta, np.linalg.inv(inner)

    found = minimize(
        lambda at: -profile(at)[0],
        np.log([0.4, 0.5, 0.1]),
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000},
    )
    value, beta, covariance = profile(found.x)
    return value, beta[1:], covariance[1:, 1:]


def test_inexact_integrals_give_no_answer(trial: Cohort):
    """A likelihood ratio whose numerical error is above 1 says nothing, and neither do its standard errors."""
    maxima = Maxima(1, lambda sentence: None)
    found = maxima.find(compose(dynamics="random-slope-log", observation="additive", hazard=None), trial, "sizes")
    weights = {"first": {found.table["parameter"][0]: 1.0}}
    noisy = replace(found, log_likelihood_error=0.3)
    assert "numerical error of 0.6" in maxima.compare(noisy, found, weights, ("first",)).note
    for null in (found, None):
        with pytest.raises(ModelError, match=r"too inexact: a likelihood ratio has a numerical error of 1\.6"):
            maxima.compare(replace(found, log_likelihood_error=0.8), null, weights, ("first",))


def test_predictive_against_a_mixed_model_written_out(trial: Cohort, study: GrowthStudy):
    """The likelihood is closed form there, so answers agree to the numerical error of the integrals, told as below 0.1
    of a log likelihood."""
    full, beta, covariance = _mixed(trial, ("one", "new", "x", "product"))
    null = _mixed(trial, ("one", "new", "x"))[0]
    (found,) = study.assessments
    test = found.predictive
    assert test.likelihood_ratio == pytest.approx(2.0 * (full - null), abs=0.1)
    assert test.p_value == pytest.approx(chi2.sf(2.0 * (full - null), 1), rel=0.1)
    row = test.effects.row(0, named=True)
    assert row["effect"] == pytest.approx(beta[3], abs=0.02)
    assert row["standard_error"] == pytest.approx(np.sqrt(covariance[3, 3]), rel=0.05)
    assert row["wald_p"] == pytest.approx(2.0 * norm.sf(abs(beta[3]) / np.sqrt(covariance[3, 3])), rel=0.3)
    assert row["lower"] < TRUE_INTERACTION < row["upper"]
    middle = float(np.median(trial.patients["x"]))
    at_median = found.levels.row(1, named=True)
    assert at_median["effect"] == pytest.approx(beta[1] + beta[3] * middle, abs=0.02)
    contrast = np.asarray([0.0, 1.0, 0.0, middle])
    assert at_median["standard_error"] == pytest.approx(np.sqrt(contrast @ covariance @ contrast), rel=0.05)


def test_prognostic_is_asked_of_the_control_arm(trial: Cohort, study: GrowthStudy):
    control = trial.select(arms=["old"])
    full, beta, covariance = _mixed(control, ("one", "x"))
    null = _mixed(control, ("one",))[0]
    test = study.assessments[0].prognostic
    assert test.likelihood_ratio == pytest.approx(2.0 * (full - null), abs=0.1)
    assert test.effects["effect"][0] == pytest.approx(beta[1], abs=0.02)
    assert test.effects["standard_error"][0] == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.05)
    assert (test.patients, test.events) == (24, control.measurements.height)


def test_the_table_says_what_the_answers_are(study: GrowthStudy):
    row = study.table.row(0, named=True)
    assert row["parameter"] == "slope_per_year"
    assert row["measure"].startswith("difference in slope_per_year")
    assert (row["patients"], row["left_out"], row["imputed"]) == (48, 0, 0)
    assert row["predictive_p"] == row["predictive_p_holm"] == row["predictive_p_fdr"]
    assert row["conclusion"] == study.assessments[0].conclusion


def test_what_cannot_be_asked_is_refused_and_who_is_left_out_is_named(trial: Cohort):
    """A marker that nobody of the control arm has: there is no effect to find among them, and no fit is made."""
    patients = trial.patients.with_columns(
        only_new=((pl.col("arm") == "new") & (pl.col("yes") > 0)).cast(pl.Float64),
        x=pl.when(pl.col("patient") == "P03").then(None).otherwise("x"),
    )
    sizes = trial.measurements.filter(pl.col("patient") != "P02")
    cohort = trial.with_rows({"patients": patients, "measurements": sizes})
    found = assess_growth(
        cohort, [Marker("only_new", kind="binary")], control="old", randomised=False, law="random-slope-log",
        parameters=["growth"], adjust=["x"],
    )  # fmt: skip
    assert found.left_out.rows() == [("P02", "no tumour size"), ("P03", "x is missing")]
    (one,) = found.assessments
    assert "cannot be told apart" in one.prognostic.refused
    assert "not randomised" in one.predictive.refused
    assert "not randomised" in found.refused
    assert one.conclusion == "not shown"
    assert found.table["patients"][0] == 46
    with pytest.raises(ModelError, match="no place 'resistant fraction'"):
        assess_growth(
            cohort, ["x"], control="old", randomised=True, law="random-slope-log", parameters=["resistant fraction"]
        )
    with pytest.raises(ModelError, match="tumour size"):
        assess_growth(
            cohort.with_rows({"measurements": sizes.clear()}), ["x"], control="old", randomised=True, law="gsf"
        )


def test_the_page_gives_each_question_its_patients_and_effects(study: GrowthStudy, tmp_path: Path):
    page, table = write_growth_report({"trial": study}, tmp_path, arms="new against old", unavailable={})
    (one,) = study.assessments
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in page.read_text().split("<tr>")]
    rows = [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells if len(row) == 7]
    assert [row[:4] for row in rows] == [
        ["slope_per_year", "prognostic", "24", str(one.prognostic.events)],
        ["slope_per_year", "predictive", "48", str(one.predictive.events)],
    ]
    shown = [float(row[4].replace("\N{MINUS SIGN}", "-")) for row in rows]
    assert shown == pytest.approx([test.effects["effect"][0] for test in (one.prognostic, one.predictive)], rel=0.01)
    assert pl.read_csv(table)["marker"].to_list() == ["x"]
