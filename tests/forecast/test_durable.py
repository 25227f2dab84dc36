"""Forecasts of a model with durable responders: the class of a patient is drawn given data, under each option."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from inference.made_fits import TRUTH, make_fit
from metachron.cohort import Cohort
from metachron.forecast import forecast
from metachron.forecast.condition import weigh
from metachron.forecast.copies import copy_patients
from metachron.forecast.landmark import known_at
from metachron.inference import Fit
from metachron.inference.marginal.by_patient import integrate_patients
from metachron.inference.predict.draws import population_vectors
from metachron.joint import VisitPlan, compose, patients_in_arms

ARMS = ("control", "new")
THETA = {**TRUTH, "death.durable": -1.0, "durable.logit": 0.0, "durable.beta": 1.0}
PLAN = VisitPlan(visit_day=(-7.0, 0.0, *(56.0 * k for k in range(1, 8))), cutoff_day=600.0)
LANDMARK, HORIZON = 250.0, 900.0


def made(logit: float, beta: float = 1.0) -> Fit:
    """Return a fit of 200 draws about known parameters."""
    model = compose(links=["log-growth"], durable=["arm"])
    theta = {**THETA, "durable.logit": logit, "durable.beta": beta}
    trial = model.simulate(THETA, patients_in_arms({"control": 10, "new": 10}, "trial"), PLAN, seed=1)
    return make_fit(model, trial, theta, draws=200, jitter=0.02)


@pytest.fixture(scope="module")
def others() -> Cohort:
    """Six patients of another trial who live at the landmark."""
    model = compose(links=["log-growth"], durable=["arm"])
    trial = model.simulate(THETA, patients_in_arms({"control": 12, "new": 12}, "other"), PLAN, seed=2)
    long = trial.followup.filter(pl.col("last_day") > LANDMARK + 1)["patient"].to_list()
    return trial.select([*long[:3], *long[-3:]])


def test_the_class_is_drawn_by_its_probability_given_the_data(others: Cohort) -> None:
    """Against Bayes by integrals with everybody durable, and with nobody; 200 draws: 4 binomial errors are 0.14."""
    known, fit = known_at(others, LANDMARK, made(0.0).model), made(0.0)
    vectors = population_vectors(fit, 200)
    for arm in ARMS:
        own = known.select(known.patients.filter(pl.col("arm") == arm)["patient"].to_list())
        found = weigh(fit, copy_patients(own, fit.model, fit.labels, (arm,), None, seed=1), vectors, seed=1)
        assert found.durable.shape == (len(own.patient_ids), 1, 200)
        middle = vectors.mean(axis=0)
        both = np.stack([middle, middle])
        both[:, -2], both[:, -1] = (800.0, -800.0), 0.0
        integrals = integrate_patients(fit.model, found.binding, np.stack([middle, *both]), seed=2)
        logs = integrals(both, nodes=1).log_likelihood[:, found.copies.rows[:, 0, 0]]
        expected = expit((0.0 if arm == "control" else 1.0) + logs[0] - logs[1])
        np.testing.assert_allclose(found.durable[:, 0].mean(axis=1), expected, atol=0.15)


def test_at_the_start_options_have_a_class_each(others: Cohort) -> None:
    """Before day 0 the data say next to nothing of the class: 50 % under the control and 73 % under the new arm, and
    whoever is durable under the control is under the new arm too, since one number decides.
    """
    fit = made(0.0)
    own = known_at(others.select(others.patient_ids[:4]), 0.0, fit.model)
    copies = copy_patients(own, fit.model, fit.labels, ARMS, None, seed=1)
    found = weigh(fit, copies, population_vectors(fit, 200), seed=1)
    share = found.durable.mean(axis=(0, 2))
    np.testing.assert_allclose(share, [0.5, expit(1.0)], atol=4.0 * np.sqrt(0.25 / 800))
    assert (found.durable[:, 1] >= found.durable[:, 0]).mean() > 0.995


def test_a_durable_patient_does_not_grow_in_a_forecast(others: Cohort) -> None:
    """Everybody durable: the size falls to the horizon. Nobody: it is that of the model without the class,
    but that rounding in single precision may draw another node; none moves the mean of 200 draws by half a percent,
    or a median of those left alive by 5 %.
    """
    durable = forecast(made(1e9), others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=200)
    ahead = durable.sizes.filter(pl.col("day") > LANDMARK).sort("patient", "day")
    falls = ahead.group_by("patient").agg((pl.col("size_mm_q95").diff() <= 1e-9).drop_nulls().all().alias("falls"))
    assert falls["falls"].all()
    nobody = made(-1e9)
    grows = forecast(nobody, others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=200)
    part = replace(nobody.model, durable=None)
    kept = nobody.posterior.drop_vars(["durable.logit", "durable.beta", "death.durable"])
    columns = tuple(column for column in nobody.dims.columns if column[0] != "durable")
    labels = replace(nobody.labels, columns={k: v for k, v in nobody.labels.columns.items() if k != "durable"})
    plain = replace(nobody, model=part, posterior=kept, dims=replace(nobody.dims, columns=columns), labels=labels)
    without = forecast(plain, others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=200)
    for table, column, rtol in (("survival", "survival", 5e-3), ("sizes", "size_mm_q50", 0.05)):
        one, other = getattr(grows, table)[column], getattr(without, table)[column]
        np.testing.assert_allclose(one, other, rtol=rtol)
