"""Conditioning on a patient's data against the closed form of straight lines with normal effects."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal, norm

from inference.line_trial import LINE, line_trial
from metachron.cohort import Cohort
from metachron.forecast import condition as conditioning
from metachron.forecast import forecast
from metachron.forecast.copies import copy_patients
from metachron.forecast.landmark import known_at
from metachron.inference import Fit, fit
from metachron.inference.predict.draws import population_vectors
from metachron.joint import VisitPlan, patients_in_arms

LANDMARK, HORIZON, DRAWS = 110.0, 400.0, 2000
YEAR = 365.25


@pytest.fixture(scope="module")
def line_fit() -> Fit:
    return fit(*line_trial(), engine="marginal", chains=2, warmup=150, draws=1000, check=False)


@pytest.fixture(scope="module")
def three() -> Cohort:
    """Patients near the trial's mean, and one far from it."""
    model, _ = line_trial()
    plan = VisitPlan(visit_day=(-7.0, 50.0, 100.0), cutoff_day=600.0)
    near = model.simulate(LINE, patients_in_arms({"a": 2}, "elsewhere"), plan, seed=9)
    far = {**LINE, "baseline.mean": 5.2, "slope_per_year.mean": 0.9}
    other = model.simulate(far, patients_in_arms({"a": 1}, "far"), plan, seed=8)
    renamed = {name: table.with_columns(pl.col("patient") + "-far") for name, table in other.tables.items()}
    return near.with_rows({name: pl.concat([table, renamed[name]]) for name, table in near.tables.items()})


def closed_form(line_fit: Fit, cohort: Cohort, patient: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the weight of each posterior draw, and mean and sd of the log size at the horizon under it."""
    rows = cohort.measurements.filter((pl.col("patient") == patient) & (pl.col("day") <= LANDMARK))
    value = np.log(rows["size_mm"].to_numpy())
    design = np.stack([np.ones(len(value)), rows["day"].to_numpy() / YEAR], axis=1)
    ahead = np.array([1.0, HORIZON / YEAR])
    posterior = {name: line_fit.posterior[name].to_numpy().ravel() for name in LINE}
    logs, means, sds = [], [], []
    for draw in range(len(posterior["baseline.mean"])):
        own = {name: values[draw] for name, values in posterior.items()}
        mean = np.array([own["baseline.mean"], own["slope_per_year.mean"]])
        spread = np.diag([own["baseline.sd"] ** 2, own["slope_per_year.sd"] ** 2])
        noise = own["residual.additive"] ** 2
        covariance = design @ spread @ design.T + noise * np.eye(len(value))
        gain = spread @ design.T @ np.linalg.inv(covariance)
        logs.append(multivariate_normal.logpdf(value, design @ mean, covariance))
        means.append(ahead @ (mean + gain @ (value - design @ mean)))
        sds.append(np.sqrt(ahead @ (spread - gain @ design @ spread) @ ahead))
    weight = np.exp(np.asarray(logs) - max(logs))
    return weight / weight.sum(), np.asarray(means), np.asarray(sds)


def test_the_forecast_of_a_line_is_the_closed_form(line_fit: Fit, three: Cohort) -> None:
    """The closed-form distribution function at the forecast's quantiles: within 5 Monte Carlo errors of the level."""
    found = forecast(line_fit, three, landmark_day=LANDMARK, horizon_day=HORIZON, draws=DRAWS)
    for patient in three.patient_ids:
        weight, mean, sd = closed_form(line_fit, three, patient)
        effective = 1.0 / np.sum(weight**2)
        told = found.reliability.filter(pl.col("patient") == patient)["effective_draws"][0]
        assert told == pytest.approx(effective, rel=0.1)
        last = found.sizes.filter((pl.col("patient") == patient) & (pl.col("day") == HORIZON))
        for column, level in (("size_mm_q05", 0.05), ("size_mm_q50", 0.5), ("size_mm_q95", 0.95)):
            reached = float(np.sum(weight * norm.cdf(np.log(last[column][0]), mean, sd)))
            assert reached == pytest.approx(level, abs=5.0 * np.sqrt(level * (1.0 - level) / effective))


def test_doubtful_patients_among_many_are_weighed_again(
    line_fit: Fit, three: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everybody doubtful, and as many nodes the second time as a few patients have: the draws of a few."""
    known = known_at(three, LANDMARK, line_fit.model)
    vectors = population_vectors(line_fit, 500)
    copies = copy_patients(known, line_fit.model, line_fit.labels, ("a",), None, seed=1)
    few = conditioning.weigh(line_fit, copies, vectors, seed=1)
    monkeypatch.setattr(conditioning, "MANY_PATIENTS", 1)
    monkeypatch.setattr(conditioning, "K_LIMIT", -10.0)
    coarse = conditioning._weigh(
        line_fit, copies, few.binding, vectors, seed=1, mean_rows=conditioning.ROWS_OF_MANY, without=None
    )
    assert np.any(coarse.pareto_k != few.pareto_k)
    monkeypatch.setattr(conditioning, "ROWS_OF_DOUBTFUL", conditioning.LEAST_ROWS)
    again = conditioning.weigh(line_fit, copies, vectors, seed=1)
    np.testing.assert_array_equal(again.pareto_k, few.pareto_k)
    np.testing.assert_array_equal(again.draw, few.draw)
    np.testing.assert_array_equal(again.effects, few.effects)


@pytest.mark.slow
def test_nuts_for_one_patient_is_the_closed_form_too(
    line_fit: Fit, three: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every patient sent to NUTS: quantiles as by weights, to 5 errors of 400 effective draws. About a minute.

    The normal stand-in for the posterior of the population adds up to 0.02 here.
    """
    monkeypatch.setattr(conditioning, "K_LIMIT", -10.0)
    found = forecast(line_fit, three, landmark_day=LANDMARK, horizon_day=HORIZON, draws=1000)
    assert found.reliability["sampled"].all()
    assert found.reliability["reliable"].all()
    assert any("tails of the model" in note for note in found.notes)
    for patient in three.patient_ids:
        weight, mean, sd = closed_form(line_fit, three, patient)
        last = found.sizes.filter((pl.col("patient") == patient) & (pl.col("day") == HORIZON))
        for column, level in (("size_mm_q05", 0.05), ("size_mm_q50", 0.5), ("size_mm_q95", 0.95)):
            reached = float(np.sum(weight * norm.cdf(np.log(last[column][0]), mean, sd)))
            assert reached == pytest.approx(level, abs=0.02 + 5.0 * np.sqrt(level * (1.0 - level) / 400.0))


def test_a_patient_like_nobody_is_sampled(line_fit: Fit, three: Cohort) -> None:
    """A tumour that doubles every week: weights break down, and the forecast says on what it rests."""
    name = three.patient_ids[0]
    one = three.select([name])
    wild = one.measurements.with_columns(size_mm=20.0 * 2.0 ** ((pl.col("day") + 7.0) / 7.0))
    found = forecast(
        line_fit, one.with_rows({"measurements": wild.filter(pl.col("day") < 60)}), landmark_day=60, horizon_day=67,
        draws=500,
    )  # fmt: skip
    assert found.reliability["sampled"][0]
    assert any(name in note for note in found.notes)
