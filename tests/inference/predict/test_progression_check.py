"""Progression by size: read off the scans, and replicated without bias where the model is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from inference.made_fits import PLAN, TRUTH
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.predict import kaplan_meier_of, progression_vpc, recorded_progressions
from metachron.inference.predict.progression_check import _plan, _schedule
from metachron.inference.predict.progression_stop import Visits
from metachron.joint import JointModel, compose, patients_in_arms, simulate

TIMES = np.asarray([0.0, 0.3, 0.6, 0.9, 1.2])


def first_progression(rows: pl.DataFrame, limit_mm: float) -> tuple[float, bool]:
    """Return day and kind of the end, by hand: 20 % and 5 mm above the smallest size so far."""
    smallest = np.inf
    for day, size in rows.sort("day").select("day", "size_mm").iter_rows():
        size = max(size if size is not None else 0.0, limit_mm)
        if size >= max(1.2 * smallest, smallest + 5.0):
            return day, True
        smallest = min(smallest, size)
    return day, False


def test_recorded_progressions_are_those_of_the_scans(fit: Fit, cohort: Cohort) -> None:
    found = recorded_progressions(fit)
    expected = {}
    for (patient,), rows in cohort.measurements.group_by("patient"):
        day, event = first_progression(rows, 12.0)
        if day > 0:
            expected[patient] = (pytest.approx(day / 365.25), event)
    assert 5 < found["event"].sum() < found.height
    assert dict(zip(found["patient"], found.select("time_year", "event").iter_rows(), strict=True)) == expected


def test_replicates_are_scanned_as_recorded_and_then_at_the_usual_interval(fit: Fit) -> None:
    schedule, observed = _schedule(fit), recorded_progressions(fit)
    plan = _plan(fit, schedule, observed)
    assert plan.ended["event"].sum() > observed["event"].sum(), "deaths between scans ended some"
    assert isinstance(plan.visits, Visits)
    patient = fit.labels.patients.index(observed["patient"][3])
    own = np.sort(schedule.time_year[schedule.patient == patient])
    time = np.sort(plan.time_year[plan.patient == patient])
    np.testing.assert_array_equal(time[: len(own)], own)
    np.testing.assert_allclose(np.diff(time[len(own) - 1 :]), 56.0 / 365.25, rtol=1e-9)
    assert schedule.time_year.max() - 56 / 365.25 < time[-1] < schedule.time_year.max() + 56 / 365.25


def test_observed_curve_is_kaplan_meier(fit: Fit) -> None:
    found, rows = progression_vpc(fit, TIMES, draws=4), recorded_progressions(fit)
    for arm in fit.labels.arms:
        expected = kaplan_meier_of(rows.filter(arm=arm)).at(TIMES)
        np.testing.assert_array_equal(found.filter(arm=arm)["observed"].to_numpy(), expected)


@pytest.mark.parametrize("stop", [False, True])
def test_a_true_model_has_no_bias(stop: bool, build: Callable[..., Fit], model: JointModel) -> None:
    """300 patients per arm, scans going on or ending at progression: within 5 Greenwood errors of the median."""
    cohort = simulate(model, TRUTH, patients_in_arms({"control": 300, "new": 300}, "trial"), PLAN, seed=7)
    if stop:
        rows = cohort.measurements.filter(pl.col("state") == "measured").sort("patient", "day")
        order = {patient: index for index, patient in enumerate(cohort.patient_ids)}
        visits = Visits.of(np.asarray([order[name] for name in rows["patient"]]), rows["day"].to_numpy())
        made = pl.Series(visits.made(rows["size_mm"].to_numpy()))
        cohort = Cohort.create("stop", {**cohort.tables, "measurements": rows.filter(made)}, limit_mm=cohort.limit_mm)
    fit = build(model, cohort, TRUTH, draws=25)
    found = progression_vpc(fit, TIMES, draws=25)
    recorded = recorded_progressions(fit)
    for arm in fit.labels.arms:
        curve = kaplan_meier_of(recorded.filter(arm=arm))
        error = curve.standard_error[np.searchsorted(curve.times, TIMES[1:], side="right") - 1]
        rows = found.filter((pl.col("arm") == arm) & (pl.col("time_year") > 0))
        assert (np.abs(rows["observed"] - rows["simulated_q50"]).to_numpy() < 5 * error).all()


def test_a_wrong_model_is_seen(build: Callable[..., Fit], model: JointModel, cohort: Cohort) -> None:
    wrong: dict[str, Any] = {**TRUTH, "log_growth_per_year.mean": {"control": 1.2, "new": 0.8}}
    found = progression_vpc(build(model, cohort, wrong, draws=20), TIMES[1:], draws=20)
    assert (found["observed"] > found["simulated_q95"]).mean() > 0.5


def test_what_cannot_be_checked_is_refused(lesion_fit: Fit, build: Callable[..., Fit], cohort: Cohort) -> None:
    with pytest.raises(ModelError, match="lesion by lesion"):
        progression_vpc(lesion_fit, TIMES)
    survival = build(compose(dynamics=None, hazard="exponential"), cohort, {"death.log_scale_year": 0.3})
    with pytest.raises(ModelError, match="no tumour dynamics"):
        recorded_progressions(survival)
    early = cohort.measurements.filter(pl.col("day") <= 0)
    theta = {name: value for name, value in TRUTH.items() if not name.startswith("death")}
    tables = {**cohort.tables, "measurements": early}
    before = Cohort.create("before", tables, limit_mm=cohort.limit_mm)
    with pytest.raises(ModelError, match="no patient has a size after day 0"):
        progression_vpc(build(compose(dynamics="stein-fojo", hazard=None), before, theta), TIMES)
