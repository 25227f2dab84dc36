"""Leave-one-out by patient against closed forms: normal likelihoods, and predictive densities by quadrature."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import xarray as xr

from inference.made_fits import make_fit
from inference.marginal_grids import linear_gaussian_by_patient
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.criticism import criticise, leave_one_out
from metachron.inference.criticism.patient_likelihood import patient_log_likelihood
from metachron.inference.pareto import pareto_smooth
from metachron.joint import VisitPlan, compose, patients_in_arms

LINE: dict[str, Any] = {
    "baseline.mean": 4.0,
    "baseline.sd": 0.5,
    "slope_per_year.mean": -0.3,
    "slope_per_year.sd": 0.7,
    "residual.additive": 0.15,
}
DRAWS = 4000


@pytest.fixture(scope="module")
def line_fit() -> Fit:
    """Log sizes on a random straight line, 200 draws about the truth."""
    model = compose(dynamics="random-slope-log", hazard=None).replace(observation="additive")
    plan = VisitPlan(visit_day=(-7.0, 50.0, 100.0, 150.0), cutoff_day=600.0)
    cohort = model.simulate(LINE, patients_in_arms({"a": 20}), plan, seed=4)
    return make_fit(model, cohort, LINE, draws=200, jitter=0.05)


@pytest.fixture(scope="module")
def exact(line_fit: Fit) -> np.ndarray:
    """Normal log likelihood per mm by draw and patient."""
    binding = line_fit.model.bind(line_fit.cohort, line_fit.labels)
    sizes = line_fit.cohort.measurements.group_by("patient").agg(pl.col("size_mm").log().sum()).sort("patient")
    draws = line_fit.posterior.isel(chain=0)
    count = line_fit.posterior.sizes["draw"]
    at = [{name: draws[name].isel(draw=index).to_numpy() for name in LINE} for index in range(count)]
    return np.stack([linear_gaussian_by_patient(binding, theta) for theta in at]) - sizes["size_mm"].to_numpy()


def test_likelihoods_are_the_closed_form(line_fit: Fit, exact: np.ndarray) -> None:
    """Over patients the error is what is reported, which rests on one difference each: known to 1 / sqrt(2 x 20)."""
    values, error = patient_log_likelihood(line_fit, draws=200)
    assert error.max() < 0.05
    found, stated = np.sqrt(np.mean(np.square(values - exact))), np.sqrt(np.mean(np.square(error)))
    assert found == pytest.approx(stated, rel=5 / math.sqrt(2 * 20))
    assert (np.abs((values - exact).sum(axis=1)) < 5 * np.sqrt(np.sum(np.square(error)))).all()


def test_leave_one_out_is_that_of_the_closed_form(line_fit: Fit, exact: np.ndarray) -> None:
    """Importance sampling of exact densities: 1 / (mean of 1 / p) where weights are smoothed alike."""
    found = leave_one_out(line_fit, draws=200)
    expected = []
    for own in exact.T:
        _, weight = pareto_smooth(-own)
        expected.append(math.log(np.sum(weight * np.exp(own))))
    error = np.sqrt(np.sum(np.square(found.table["integral_error"].to_numpy())))
    assert np.linalg.norm(found.table["elpd"].to_numpy() - expected) < 3 * error
    assert found.elpd == pytest.approx(sum(expected), abs=5 * error)
    assert found.elpd == pytest.approx(found.table["elpd"].sum())
    assert found.p_loo == pytest.approx((np.log(np.exp(exact).mean(axis=0)) - expected).sum(), abs=0.1)


def posterior_of(survival_fit: Fit, cohort: Cohort) -> tuple[Fit, np.ndarray, np.ndarray, np.ndarray]:
    """Return a fit with draws from the exact posterior of an exponential model, its grid, densities and likelihoods."""
    empty = make_fit(survival_fit.model, cohort, {"death.log_scale_year": 0.3})
    events = empty.model.bind(cohort).design.events
    time, died = (np.asarray(leaf)[: cohort.patients.height] for leaf in (events.lower_year, events.exact))
    grid = np.linspace(-2.5, 3.0, 20_001)
    likelihood = -died[:, None] * grid - time[:, None] * np.exp(-grid)
    prior = empty.model.hazard.hazard.parameters[0].prior.args
    posterior = likelihood.sum(axis=0) - 0.5 * ((grid - prior[0]) / prior[1]) ** 2
    levels = np.cumsum(np.exp(posterior - posterior.max()))
    uniform = (np.random.default_rng(1).permutation(DRAWS) + 0.5) / DRAWS
    draws = np.interp(uniform, levels / levels[-1], grid).reshape(1, -1)
    shape = ("chain", "draw")
    named = xr.Dataset({"death.log_scale_year": (shape, draws)})
    fit = replace(empty, posterior=named, sample_stats=xr.Dataset({"lp": (shape, np.zeros((1, DRAWS)))}))
    return fit, grid, posterior, likelihood


def test_leave_one_out_is_the_exact_predictive_density(survival_fit: Fit, cohort: Cohort) -> None:
    """log p(y_i | others) by quadrature; draws stand evenly in the posterior, so the error is below that of random."""
    fit, _, posterior, likelihood = posterior_of(survival_fit, cohort)
    found = leave_one_out(fit, draws=DRAWS)
    without = posterior - likelihood
    weight = np.exp(without - without.max(axis=1, keepdims=True))
    expected = np.log((weight * np.exp(likelihood)).sum(axis=1) / weight.sum(axis=1))
    assert (np.abs(found.table["elpd"].to_numpy() - expected) < 5 * found.table["mcse"].to_numpy() + 1e-5).all()
    assert found.elpd == pytest.approx(expected.sum(), abs=5 * found.mcse)
    assert found.p_loo == pytest.approx(1.0, abs=0.3)  # one parameter; 220 patients: p_loo scatters by sqrt(2 / 220)
    assert not found.weak_patients


def test_a_patient_who_moves_the_posterior_is_named(survival_fit: Fit, cohort: Cohort) -> None:
    """One of twelve lived 40 times as long as the rest."""
    few = cohort.patients["patient"].to_list()[:12]
    mine = pl.col("patient").is_in(few)
    tables = {name: table.filter(mine) for name, table in cohort.tables.items() if "patient" in table.columns}
    last = pl.when(pl.col("patient") == few[0]).then(16_000.0).otherwise("last_day").alias("last_day")
    death = [
        pl.when(pl.col("patient") == few[0]).then(16_000.0).otherwise(pl.col(day)).alias(day)
        for day in ("day_lower", "day_upper")
    ]
    tables |= {"followup": tables["followup"].with_columns(last), "events": tables["events"].with_columns(death)}
    fit, *_ = posterior_of(survival_fit, Cohort.create("few", tables, limit_mm=cohort.limit_mm))
    found = leave_one_out(fit, draws=DRAWS)
    assert few[0] in found.weak_patients
    assert "k above 0.7" in repr(found)
    assert found.as_dict()["weak_patients"] == list(found.weak_patients)


def test_what_cannot_be_left_out_is_said(line_fit: Fit) -> None:
    with pytest.raises(ModelError, match="saved without its cohort"):
        leave_one_out(line_fit.without_cohort())
    stripped = criticise(line_fit.without_cohort())
    assert "saved without its cohort" in stripped.as_dict()["leave_one_out"]["left_out"]
    assert stripped.sizes is stripped.events is None


def test_few_draws_have_no_pareto_k(survival_fit: Fit) -> None:
    found = criticise(survival_fit, draws=100)
    assert math.isnan(found.leave_one_out.max_pareto_k)
    document = found.as_dict()
    assert document["leave_one_out"]["max_pareto_k"] is None
    assert set(document["prediction_errors"]) == {"events"}
