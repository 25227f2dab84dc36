"""Predictive checks: replicates of a model that is right surround the data, and follow its own laws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.predict import event_times, kaplan_meier_of, size_vpc, survival_vpc
from metachron.inference.predict.progression_stop import Visits
from metachron.inference.predict.survival_check import replicated_ends
from metachron.joint import compose

TIMES = np.asarray([0.0, 0.5, 1.0, 1.5])


def test_a_true_model_surrounds_its_data(fit: Fit) -> None:
    """Of 90 % intervals of 48 dependent percentiles two thirds must hold; a wrong model holds far fewer."""
    check = size_vpc(fit, draws=30)
    rows = check.percentiles
    inside = rows["observed_mm"].is_between(rows["simulated_mm_q05"], rows["simulated_mm_q95"])
    assert inside.mean() > 2 / 3
    assert check.limit_mm == 12.0
    below = check.below_limit
    assert below["observed"].is_between(0, 1).all()
    assert (below["count"].sum()) == fit.cohort.measurements.height


def test_a_wrong_model_is_seen(build: Callable[..., Fit], fit: Fit, cohort: Cohort, truth: dict[str, Any]) -> None:
    wrong = build(fit.model, cohort, {**truth, "log_baseline_mm.mean": 5.2}, draws=20, jitter=0.02)
    rows = size_vpc(wrong, draws=20).percentiles
    assert rows["observed_mm"].is_between(rows["simulated_mm_q05"], rows["simulated_mm_q95"]).mean() < 1 / 3


def test_replicates_at_day_0_have_the_population_distribution(
    build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]
) -> None:
    """Percentiles of b (1 + tau e) at day -7, where size is b exp(-7 g / 365.25); medians over 150 replicates."""
    theta = {name: v for name, v in truth.items() if not name.startswith("death")}
    fit = build(compose(dynamics="stein-fojo", hazard=None), cohort, theta, draws=150)
    found = size_vpc(fit, draws=150).percentiles.filter((pl.col("bin") == 0) & (pl.col("arm") == "control"))
    rng = np.random.default_rng(3)
    growth = np.exp(rng.normal(-0.2, 0.6, 200_000))
    size = np.exp(rng.normal(4.1, 0.5, 200_000)) * np.exp(-7 / 365.25 * growth) * (1 + 0.1 * rng.normal(size=200_000))
    expected = np.percentile(np.maximum(size, 12.0), [50])
    median = found.filter(percentile=50)["simulated_mm_q50"].to_numpy()
    assert median == pytest.approx(expected, rel=0.05)  # 150 medians of 25 patients: error 1 %, five times that


def test_visits_after_a_replicated_death_are_left_out(
    build: Callable[..., Fit], fit: Fit, cohort: Cohort, truth: dict[str, Any]
) -> None:
    deadly = {**truth, "death.log_scale_year": -8.0, "death.link[log-growth]": 0.0}
    late = size_vpc(build(fit.model, cohort, deadly, draws=3)).percentiles.filter(pl.col("bin") == 7)
    assert late["observed_mm"].is_finite().all()
    assert late["simulated_mm_q50"].is_nan().all()


def test_the_same_seed_gives_the_same_check(fit: Fit) -> None:
    assert size_vpc(fit, draws=5, seed=3).percentiles.equals(size_vpc(fit, draws=5, seed=3).percentiles)
    assert not size_vpc(fit, draws=5, seed=3).percentiles.equals(size_vpc(fit, draws=5, seed=4).percentiles)


@pytest.mark.parametrize("law", ["stein-fojo", "random-slope-boxcox"])
def test_recorded_sizes_below_the_limit_are_counted_on_every_scale(
    law: str, build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]
) -> None:
    theta = {name: v for name, v in truth.items() if not name.startswith("death")}
    if law != "stein-fojo":
        slope = {"control": 0.0, "new": 0.0}
        theta = {"baseline.mean": 2.5, "baseline.sd": 1.0, "slope_per_year.mean": slope, "slope_per_year.sd": 1.0}
        theta |= {"residual.additive": 0.5}
    check = size_vpc(build(compose(dynamics=law, hazard=None), cohort, theta, draws=2), draws=2)
    found = (check.below_limit["observed"] * check.below_limit["count"]).sum()
    small = (pl.col("state") == "below_limit") | (pl.col("size_mm") < 12.0)
    assert found == pytest.approx(cohort.measurements.filter(small).height)
    assert found > 0


def test_lesions_are_replicated_too(lesion_fit: Fit) -> None:
    counts = size_vpc(lesion_fit, draws=4, bins=2).below_limit
    assert counts["count"].sum() == lesion_fit.cohort.measurements.height


def test_replicated_trials_follow_the_hazard(build: Callable[..., Fit], cohort: Cohort) -> None:
    theta = {"death.log_scale_year": 0.3, "death.log_shape": 0.2}
    fit = build(compose(dynamics=None, hazard="weibull"), cohort, theta, draws=100)
    found = survival_vpc(fit, TIMES, draws=100).filter(arm="control")
    expected = np.exp(-((TIMES / math.exp(0.3)) ** math.exp(0.2)))
    assert found["simulated_q50"].to_numpy() == pytest.approx(expected, abs=0.04)  # 25 patients: steps of 0.04
    spread = np.sqrt(expected[2] * (1 - expected[2]) / 25) * 1.645
    width = (found["simulated_q95"] - found["simulated_q05"])[2] / 2
    assert width == pytest.approx(spread, rel=0.35)  # censoring widens it a little, steps of 0.04 blur it


def test_observed_curve_is_kaplan_meier(fit: Fit) -> None:
    found = survival_vpc(fit, TIMES, draws=5)
    rows = event_times(fit)
    assert rows is not None
    for arm in fit.labels.arms:
        expected = kaplan_meier_of(rows.filter(arm=arm)).at(TIMES)
        np.testing.assert_array_equal(found.filter(arm=arm)["observed"].to_numpy(), expected)


def test_ends_of_observation_are_kept_or_drawn_after_the_event(fit: Fit) -> None:
    rows = event_times(fit)
    assert rows is not None
    end = replicated_ends(rows, np.random.default_rng(1))
    time, happened = rows["time_year"].to_numpy(), rows["event"].to_numpy()
    np.testing.assert_array_equal(end[~happened], time[~happened])
    assert (end[happened] >= time[happened]).all()
    assert np.isin(end[happened], time).all()


def test_parts_that_are_missing_are_named(lesion_fit: Fit, build: Callable[..., Fit], cohort: Cohort) -> None:
    with pytest.raises(ModelError, match="no hazard"):
        survival_vpc(lesion_fit, TIMES)
    survival = build(compose(dynamics=None, hazard="exponential"), cohort, {"death.log_scale_year": 0.3})
    with pytest.raises(ModelError, match="no tumour dynamics"):
        size_vpc(survival)
    with pytest.raises(ModelError, match="lesion by lesion"):
        size_vpc(lesion_fit, until_progression=True)


def test_visits_end_with_the_first_progression() -> None:
    """Two patients, rows in any order: 10, 8, 14 (progression: 8 + 5 and 1.2 x 8 are passed), 7; and 10, 12, 30."""
    patient, time = np.asarray([0, 1, 0, 0, 1, 0, 1]), np.asarray([0.0, 0.0, 2.0, 1.0, 1.0, 3.0, 2.0])
    size = np.asarray([10.0, 10.0, 14.0, 8.0, 12.0, 7.0, 30.0])
    visits = Visits.of(patient, time)
    assert visits.rows.tolist() == [[0, 3, 2, 5], [1, 4, 6, -1]]
    assert visits.progressions(size).tolist() == [[False, False, True, False], [False, False, True, False]]
    assert visits.made(size).tolist() == [True, True, True, True, True, False, True]
    assert not visits.stop_at_progression(size), "one of two patients has a later size: not fewer than half"
    assert Visits.of(patient[size != 7.0], time[size != 7.0]).stop_at_progression(size[size != 7.0])


def test_where_imaging_stops_at_progression_replicates_stop_too(
    build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]
) -> None:
    """Cut a simulated trial at progression: the true model is found right only when replicates are cut alike."""
    rows = cohort.measurements.filter(pl.col("state") == "measured").sort("patient", "day")
    order = {patient: index for index, patient in enumerate(cohort.patient_ids)}
    visits = Visits.of(np.asarray([order[patient] for patient in rows["patient"]]), rows["day"].to_numpy())
    cut = replace(cohort, measurements=rows.filter(pl.Series(visits.made(rows["size_mm"].to_numpy()))))
    theta = {name: v for name, v in truth.items() if not name.startswith("death")}
    fit = build(compose(dynamics="stein-fojo", hazard=None), cut, theta, draws=20, jitter=0.05)
    check = size_vpc(fit, draws=20)
    assert check.until_progression
    assert check.below_limit["count"].sum() == cut.measurements.height
    misses = []
    for found in (check, size_vpc(fit, draws=20, until_progression=False)):
        late = found.percentiles.filter((pl.col("bin") >= 4) & (pl.col("percentile") > 10))
        misses.append(np.abs(np.log(late["simulated_mm_q50"] / late["observed_mm"])).mean())
    assert misses[0] < 0.6 * misses[1]
