"""Screening in a joint model: against an exponential regression written out, rankings by hand, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.benefit import Marker, Missing, marker_models, rank_markers, screen_in_model
from metachron.benefit.joint_screening import WITHOUT
from metachron.benefit.marker_terms import find_place, with_terms
from metachron.cohort import Cohort
from metachron.inference.criticism.compare import rank
from metachron.inference.criticism.loo import LeaveOneOut
from metachron.joint import Covariate, JointModel, VisitPlan, compose, patients_in_arms

EFFECT = 0.8


@pytest.fixture(scope="module")
def model() -> JointModel:
    """A random slope whose slopes do not differ, since one effect is integrated out in less time than two."""
    found = compose(dynamics="random-slope-log", observation="additive", hazard="exponential")
    assert found.dynamics is not None
    baseline, slope = found.dynamics.parameters
    parameters = baseline, replace(slope, random=False)
    return replace(found, dynamics=replace(found.dynamics, parameters=parameters))


@pytest.fixture(scope="module")
def trial(model: JointModel) -> Cohort:
    """48 patients whose hazard of death rises by exp(0.8) for each unit of x; z says nothing, and two miss it."""
    generator = np.random.default_rng(5)
    patients = patients_in_arms({"new": 24, "old": 24})
    patients = patients.with_columns(x=pl.Series(generator.normal(size=48)), z=pl.Series(generator.normal(size=48)))
    truth = {
        "baseline.mean": 4.5, "baseline.sd": 0.4, "slope_per_year.mean": {"new": -0.2, "old": 0.4},
        "residual.additive": 0.1, "death.log_scale_year": 0.3, "death.beta": [EFFECT],
    }  # fmt: skip
    marked = replace(with_terms(model, "hazard", ["x"]), covariates=(Covariate("x", centre=0.0),))
    plan = VisitPlan(visit_day=(-7.0, *(56.0 * visit for visit in range(1, 7))), cutoff_day=700.0)
    cohort = marked.simulate(truth, patients, plan, seed=6)
    z = pl.when(pl.int_range(48) < 2).then(None).otherwise("z").alias("z")
    return cohort.with_rows({"patients": cohort.patients.with_columns(z)})


def _exponential(cohort: Cohort, column: str | None) -> tuple[float, float]:
    """Return maximum and coefficient of the exponential regression: sum of events x log hazard - hazard x time."""
    day = cohort.followup.select("patient", "last_day")
    rows = cohort.patients.join(day, on="patient", maintain_order="left")
    year = rows["last_day"].to_numpy() / DAYS_PER_YEAR
    event = rows["patient"].is_in(cohort.events["patient"].to_list()).to_numpy()
    x = np.zeros(len(rows)) if column is None else rows[column].to_numpy()

    def negative(at: np.ndarray) -> float:
        log_hazard = at[0] + at[1] * x
        return float(np.sum(np.exp(log_hazard) * year) - np.sum(log_hazard[event]))

    found = minimize(negative, np.zeros(2), method="BFGS", options={"gtol": 1e-8})
    return -float(found.fun), float(found.x[1])


def test_without_links_the_likelihood_ratio_is_that_of_the_event(model: JointModel, trial: Cohort):
    """Sizes then say nothing of death, so the joint likelihood falls apart; 0.1 is the error of the integrals."""
    found = screen_in_model(model, trial, ["z", "x"], place="hazard")
    known = trial.select(trial.patients.filter(pl.col("z").is_not_null())["patient"].to_list())
    assert found.table["marker"].to_list() == ["x", "z"]
    p_values = []
    for row, cohort in zip(found.table.iter_rows(named=True), (trial, known), strict=True):
        best, beta = _exponential(cohort, row["marker"])
        ratio = 2.0 * (best - _exponential(cohort, None)[0])
        assert row["likelihood_ratio"] == pytest.approx(ratio, abs=0.1)
        assert np.log(row["effect"]) == pytest.approx(beta, abs=0.01)
        p_values.append(chi2.sf(row["likelihood_ratio"], 1))
        assert row["p"] == pytest.approx(p_values[-1])
    assert found.table["fdr"].to_list() == pytest.approx([2.0 * p_values[0], p_values[1]])
    assert found.table["patients"].to_list() == [48, 46]
    assert found.left_out.rows() == [("P01", "z is missing"), ("P02", "z is missing")]


def test_what_a_place_means_depends_on_the_law():
    joint = compose(dynamics="gsf", hazard="weibull", new_lesions="weibull")
    assert find_place(joint, "growth") == ("growth_per_year", "log_growth_per_year.beta")
    assert find_place(joint, "resistant fraction") == ("resistant_fraction", "logit_resistant_fraction.beta")
    assert find_place(joint, "hazard") == ("hazard", "death.beta")
    assert find_place(joint, "new lesions") == ("new_lesion", "new_lesion.beta")
    assert find_place(compose(dynamics="claret-bruno"), "shrinkage")[0] == "inhibition_per_year"
    with pytest.raises(ModelError, match="no place 'resistant fraction'"):
        find_place(compose(dynamics="stein-fojo"), "resistant fraction")
    marked = with_terms(joint, "new lesions", ["x", "arm:x"])
    assert marked.covariate_blocks()["new_lesion"] == ("arm", "x", "arm:x")
    assert with_terms(joint, "growth", ["x", "arm:x"]).covariate_blocks()["growth_per_year"] == ("x", "arm:x")


def test_what_cannot_be_asked_is_refused(model: JointModel, trial: Cohort):
    with pytest.raises(ModelError, match="not randomised"):
        screen_in_model(model, trial, ["x"], place="growth", question="interaction", control="old")
    one = trial.select(arms=["old"])
    with pytest.raises(ModelError, match="one arm"):
        screen_in_model(model, one, ["x"], place="growth", question="interaction", control="old", randomised=True)
    with pytest.raises(ModelError, match="name of the control arm"):
        screen_in_model(model, trial, ["x"], place="growth", question="interaction", randomised=True)
    alone = compose(dynamics=None, hazard="exponential")
    found = screen_in_model(alone, trial, ["x"], place="hazard")
    assert "no patient effects" in found.table["refused"][0]
    assert np.isnan(found.table["p"][0])
    several = screen_in_model(alone, trial, ["z"], place="hazard", missing=Missing("imputation", imputations=2))
    assert several.table["imputed"].to_list() == [True]
    assert several.left_out.is_empty()


def test_models_for_leave_one_out_share_their_patients(model: JointModel, trial: Cohort):
    models, cohort, gone = marker_models(model, trial, ["x", Marker("z", above=0.0)], place="growth")
    assert list(models) == [WITHOUT, "x", "z >= 0"]
    assert gone["patient"].to_list() == ["P01", "P02"]
    assert cohort.patients.height == 46
    for name, one in models.items():
        columns = one.bind(cohort).labels.columns.get("slope_per_year", ())
        assert len(columns) == (0 if name == WITHOUT else 1)


def _loo(elpd: list[float]) -> LeaveOneOut:
    table = pl.DataFrame({"patient": ["a", "b", "c"], "elpd": elpd, "pareto_k": [0.1, 0.2, 0.3]})
    return LeaveOneOut(table, sum(elpd), 1.0, 2.0, 0.1, ())


def test_gains_are_paired_sums_over_patients():
    comparison = rank({WITHOUT: _loo([-5.0, -6.0, -7.0]), "x": _loo([-3.0, -4.0, -4.0]), "z": _loo([-5.5, -5.5, -7.0])})
    found = rank_markers(comparison)
    assert found["marker"].to_list() == ["x", "z"]
    assert found["elpd_gain"].to_list() == [7.0, 0.0]
    assert found["gain_se"][0] == pytest.approx(np.sqrt(3.0) * np.std([2.0, 2.0, 3.0], ddof=1))
    assert found["clear"].to_list() == [True, False]
    with pytest.raises(ModelError, match="no marker"):
        rank_markers(rank({"x": _loo([-3.0, -4.0, -4.0])}))
