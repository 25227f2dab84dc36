"""Prediction errors of sizes and events: standard normal at the truth, and not where the model is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr, ndtri

from inference.made_fits import TRUTH, make_fit
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.criticism import PredictionErrors, event_npde, size_npde
from metachron.inference.criticism.size_errors import _effects
from metachron.inference.predict import event_times
from metachron.inference.predict.draws import take_draws
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms, simulate

FEW = 300


def assert_standard_normal(found: PredictionErrors) -> None:
    """Mean within 5 sqrt(1 / n) of 0, variance within 5 sqrt(2 / n) of 1."""
    count = found.tests.count
    assert abs(found.tests.mean) < 5 * math.sqrt(1 / count)
    assert abs(found.tests.variance - 1) < 5 * math.sqrt(2 / count)
    assert found.tests.joint_p > 1e-4


def test_sizes_of_the_true_model_are_standard_normal(true_fit: Fit, cohort: Cohort) -> None:
    found = size_npde(true_fit, replicates=FEW)
    assert found.tests.count == cohort.measurements.height > 1000
    assert found.table["censored"].sum() > 20
    assert_standard_normal(found)
    late = found.table.filter(pl.col("time_year") > 1.0)["npde"].to_numpy()
    assert abs(late.mean()) < 5 * math.sqrt(1 / len(late))


def test_sizes_one_row_each(true_fit: Fit, cohort: Cohort) -> None:
    table = size_npde(true_fit, replicates=FEW).table
    source = cohort.measurements.sort("patient", "day")
    assert table["patient"].to_list() == source["patient"].to_list()
    assert table["day"].to_list() == pytest.approx(source["day"].to_list())
    assert table["censored"].to_list() == [state != "measured" for state in source["state"]]
    assert set(table.filter("censored")["size_mm"]) == {12.0}
    first = table.filter(pl.col("day") < 0)["predicted_mm"].to_numpy()
    assert first == pytest.approx(np.full(len(first), math.exp(4.1)), rel=0.25)  # medians of 300 draws: sd 0.04 of 0.5


@pytest.mark.parametrize(
    ("changed", "statistic", "side"),
    [
        ({"residual_proportional": 0.2}, "variance", -1),
        ({"residual_proportional": 0.05}, "variance", 1),
        ({"log_baseline_mm_mean": 3.2}, "mean", 1),
        ({"log_growth_per_year_mean": {"control": 0.5, "new": -0.2}}, "mean", -1),
    ],
)
def test_sizes_of_a_wrong_model_are_not(
    fit_at: Callable[..., Fit], changed: dict[str, float], statistic: str, side: int
) -> None:
    """Twice or half the measurement error, sizes predicted too small, growth predicted too fast."""
    tests = size_npde(fit_at(**changed), replicates=FEW).tests
    assert tests.joint_p < 1e-6
    wanted = {"mean": 0.0, "variance": 1.0}[statistic]
    error = math.sqrt({"mean": 1.0, "variance": 2.0}[statistic] / tests.count)
    assert side * (getattr(tests, statistic) - wanted) > 5 * error


def test_effects_are_drawn_given_the_patients_event(true_fit: Fit) -> None:
    """Mean effect on growth by integration over a grid, weighted by the density of a death or the survival to the end.

    1,500 draws err by 1 / sqrt(1500); choosing among 32 candidates moves the mean by less than a tenth of its shift.
    """
    binding = true_fit.model.bind(true_fit.cohort, true_fit.labels)
    theta = take_draws(true_fit, 1).theta
    draw = {name: value[0] for name, value in theta.items()}
    drawn = jax.jit(lambda key: _effects(key, true_fit.model, draw, binding.design, binding.dims))
    found = np.asarray(jax.lax.map(drawn, jax.random.split(jax.random.key(1), 1500))).mean(axis=0)
    rows = event_times(true_fit)
    grid = np.linspace(-6.0, 6.0, 2001)
    shifts, errors = [], []
    for index, row in enumerate(rows.head(150).iter_rows(named=True)):
        mean = TRUTH["log_growth_per_year.mean"][row["arm"]]
        log_risk = 0.8 * (mean + 0.6 * grid - math.log(0.5))
        before = (row["time_year"] / math.exp(0.3)) ** math.exp(0.2)
        weight = np.exp(row["event"] * log_risk - before * np.exp(log_risk) - grid**2 / 2)
        shifts.append((weight * grid).sum() / weight.sum())
        errors.append(found[index, 2] - shifts[-1])
    assert np.ptp(shifts) > 0.5, "the events should say something of growth"
    assert (np.abs(errors) < 5 / math.sqrt(1500) + 0.1 * np.abs(shifts)).all()
    assert abs(np.mean(errors)) < 0.02


def test_lesions_are_judged_too() -> None:
    model = compose(dynamics="stein-fojo", hazard=None, size="lesion")
    theta = {name: value for name, value in TRUTH.items() if not name.startswith("death")}
    theta |= {f"log_{what}.lesion_sd": 0.3 for what in ("baseline_mm", "shrinkage_per_year", "growth_per_year")}
    patients = patients_in_arms({"control": 60, "new": 60}, "trial")
    names = [(patient, lesion, "liver", "target") for patient in patients["patient"] for lesion in ("L1", "L2")]
    lesions = pl.DataFrame(names, schema=["patient", "lesion", "organ", "role"], orient="row")
    plan = VisitPlan(visit_day=(0.0, 60.0, 120.0, 240.0), cutoff_day=300.0)
    found = size_npde(make_fit(model, simulate(model, theta, patients, plan, seed=2, lesions=lesions), theta))
    assert found.table["lesion"].unique().sort().to_list() == ["L1", "L2"]
    assert found.tests.count == 120 * 2 * 4
    assert_standard_normal(found)


def test_the_same_seed_gives_the_same_errors(true_fit: Fit) -> None:
    one, same, other = (size_npde(true_fit, replicates=FEW, seed=seed).table for seed in (3, 3, 4))
    assert one.equals(same)
    assert not one.equals(other)


def test_too_few_replicates_are_refused(true_fit: Fit, survival_fit: Fit) -> None:
    with pytest.raises(ModelError, match="at least 100 replicates"):
        size_npde(true_fit, replicates=50)
    with pytest.raises(ModelError, match="no tumour dynamics"):
        size_npde(survival_fit)
    with pytest.raises(ModelError, match="no patients"):
        size_npde(true_fit.without_cohort())


def test_events_of_the_true_model_are_standard_normal(true_fit: Fit, cohort: Cohort) -> None:
    found = event_npde(true_fit, draws=FEW)
    assert found.tests.count == cohort.patients.height
    assert 0.2 < found.table["event"].mean() < 0.95
    assert_standard_normal(found)


@pytest.mark.parametrize(("log_scale", "side"), [(-0.5, 1), (1.1, -1)])
def test_events_of_a_wrong_model_are_not(fit_at: Callable[..., Fit], log_scale: float, side: int) -> None:
    """Deaths predicted at less than half, and at twice the time: those recorded come late, and early."""
    tests = event_npde(fit_at(death_log_scale_year=log_scale), draws=FEW).tests
    assert tests.joint_p < 1e-6
    assert side * tests.mean > 5 * math.sqrt(1 / tests.count)


def test_events_have_their_closed_form(survival_fit: Fit) -> None:
    """S(t) = exp(-t / scale): of deaths the error is the quantile of 1 - S, of censored patients one beyond it."""
    table = event_npde(survival_fit, draws=100).table
    time = table["time_year"].to_numpy()
    survival = np.exp(-time / math.exp(0.3))
    died, error = table["event"].to_numpy(), table["npde"].to_numpy()
    np.testing.assert_allclose(table["survival"], survival, rtol=1e-10)
    np.testing.assert_allclose(error[died], ndtri(1 - survival[died]), rtol=1e-8)
    assert (error[~died] >= ndtri(1 - survival[~died])).all()
    beyond = 1 - (1 - ndtr(error[~died])) / survival[~died]
    assert beyond.mean() == pytest.approx(0.5, abs=5 * math.sqrt(1 / 12 / len(beyond)))  # a uniform draw beyond c


def test_late_entry_and_intervals(survival_fit: Fit, cohort: Cohort) -> None:
    """Given survival to entry at a, S(t) / S(a); an event between l and u lies between their values."""
    chosen = cohort.events.filter(kind="death").sort("day_upper")["patient"].to_list()[40:60]
    mine = pl.col("patient").is_in(chosen)
    events = cohort.events.with_columns(
        pl.when(mine).then(pl.col("day_upper") - 30).otherwise("day_lower").alias("day_lower")
    )
    followup = cohort.followup.with_columns(pl.when(mine).then(20.0).otherwise("entry_day").alias("entry_day"))
    other = Cohort.create("entry", {**cohort.tables, "events": events, "followup": followup}, limit_mm=cohort.limit_mm)
    fit = make_fit(survival_fit.model, other, {"death.log_scale_year": 0.3})
    table = event_npde(fit, draws=100).table.filter(mine)
    rate = math.exp(-0.3)
    upper = table["time_year"].to_numpy()
    low, high = (1 - np.exp(-rate * (upper - shift / 365.25)) for shift in (50.0, 20.0))
    level = ndtr(table["npde"].to_numpy())
    assert len(level) == 20
    assert ((level > low) & (level < high)).all()
    np.testing.assert_allclose(table["survival"], 1 - high, rtol=1e-10)


def test_models_without_a_hazard_have_no_event_errors(cohort: Cohort, model: JointModel) -> None:
    theta = {name: value for name, value in TRUTH.items() if not name.startswith("death")}
    fit = make_fit(JointModel(model.dynamics, None), cohort, theta)
    with pytest.raises(ModelError, match="no hazard"):
        event_npde(fit)
