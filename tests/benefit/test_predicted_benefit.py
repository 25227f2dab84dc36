"""Predicted benefit in closed form, its concordance by hand and by a loop, and its calibration against arms alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benefit.made_trials import hazards, made_trial, restricted_mean, true_benefit
from metachron.base import InputError, ModelError
from metachron.benefit.benefit_calibration import calibrate_benefit
from metachron.benefit.c_for_benefit import c_for_benefit, concordance_of_pairs
from metachron.benefit.outcome import response_outcome, survival_outcome
from metachron.benefit.predicted_benefit import fit_cox_benefit, survival_benefit
from metachron.survival import restricted_mean_difference

HORIZON = 2.0


def test_the_area_between_curves_is_the_closed_form() -> None:
    """Exponential curves on a grid of 0.01 years: the trapezoid errs by less than 1e-4."""
    times = np.linspace(0.01, 3.0, 300)
    rates = np.array([0.5, 1.0, 2.0])
    treated, control = np.exp(-0.7 * rates[:, None] * times), np.exp(-rates[:, None] * times)
    found = survival_benefit(times, treated, control, horizon_year=HORIZON)
    expected = restricted_mean(0.7 * rates, HORIZON) - restricted_mean(rates, HORIZON)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    at = survival_benefit(times, treated, control, horizon_year=HORIZON, measure="survival")
    np.testing.assert_allclose(at, np.exp(-1.4 * rates) - np.exp(-2.0 * rates), atol=1e-9)
    with pytest.raises(InputError, match="reach the horizon"):
        survival_benefit(times, treated, control, horizon_year=4.0)
    with pytest.raises(InputError, match="the same patients"):
        survival_benefit(times, treated, control[:2], horizon_year=HORIZON)


def test_a_cox_model_of_both_arms_finds_the_benefit() -> None:
    """The simulated hazards are a Cox model with an interaction; one trial of 3,000, to 0.08 years."""
    marker, outcome = made_trial(np.random.default_rng(1), 3000, HORIZON)
    table = pl.DataFrame(
        {"x": marker, "treated": outcome.treated, "time_year": outcome.time_year, "event": outcome.event}
    )
    model = fit_cox_benefit(table, markers=["x"])
    places = pl.DataFrame({"x": [-0.8, 0.0, 0.8]})
    found = model.benefit(places, horizon_year=HORIZON)
    np.testing.assert_allclose(found, true_benefit(places["x"].to_numpy(), HORIZON), atol=0.08)
    grid = np.linspace(0.001, HORIZON, 2000)
    untreated, treated = (np.exp(-h[:, None] * grid) for h in hazards(places["x"].to_numpy()))
    other = survival_benefit(grid, treated, untreated, horizon_year=HORIZON, measure="survival")
    np.testing.assert_allclose(model.benefit(places, horizon_year=HORIZON, measure="survival"), other, atol=0.06)
    with pytest.raises(ModelError, match="knows survival"):
        model.benefit(places, horizon_year=50.0)


def test_concordance_of_pairs_by_hand() -> None:
    """Pairs with observed benefit 1, 0, -1, 1: five of the six pairs of pairs are unequal, weighted 2 where the first
    pair takes part. Right: first over second 2, first over third 2, second over third 0, fourth over second 0.5 (tied),
    fourth over third 0."""
    observed, foretold = np.array([1.0, 0.0, -1.0, 1.0]), np.array([0.4, 0.2, 0.3, 0.2])
    weight = np.array([2.0, 1.0, 1.0, 1.0])
    assert concordance_of_pairs(foretold, observed, weight) == pytest.approx((2 + 2 + 0 + 0.5 + 0) / 7)
    assert np.isnan(concordance_of_pairs(foretold, np.zeros(4), weight))
    weight[0] = 0.0
    assert concordance_of_pairs(foretold, observed, weight) == pytest.approx(0.5 / 3)


def test_c_for_benefit_of_equal_arms_is_a_loop() -> None:
    rng = np.random.default_rng(2)
    predicted, treated = rng.normal(size=40), np.tile([True, False], 20)
    response = (rng.random(40) < 0.4).astype(float)
    first, second = (np.flatnonzero(treated == arm) for arm in (True, False))
    first, second = first[np.argsort(predicted[first])], second[np.argsort(predicted[second])]
    pairs = [
        (0.5 * (predicted[i] + predicted[j]), response[i] - response[j]) for i, j in zip(first, second, strict=True)
    ]
    right = [p > q for p, b in pairs for q, c in pairs if b > c]
    found = c_for_benefit(predicted, response_outcome(response, treated=treated), samples=50)
    assert found.value == pytest.approx(np.mean(right))
    assert found.lower < found.value < found.upper


def test_censoring_does_not_shift_it_and_noise_scores_one_half() -> None:
    """8,000 patients of a trial with strong heterogeneity, a third censored; standard errors of about 0.01."""
    rng = np.random.default_rng(3)
    marker, treated = rng.uniform(-1, 1, 8000), rng.random(8000) < 0.5
    untreated_hazard, treated_hazard = hazards(marker, slope=1.5)
    life = rng.exponential(1.0 / np.where(treated, treated_hazard, untreated_hazard))
    end = rng.uniform(0.5, 5.0, 8000)
    known = survival_outcome(life, np.ones(8000), treated=treated, horizon_year=HORIZON, measure="survival")
    seen = survival_outcome(
        np.minimum(life, end), life <= end, treated=treated, horizon_year=HORIZON, measure="survival"
    )
    whole, censored, noise = (
        c_for_benefit(predicted, each, pairings=1, samples=2).value
        for predicted, each in ((marker, known), (marker, seen), (rng.normal(size=8000), seen))
    )
    assert whole > 0.55
    assert censored == pytest.approx(whole, abs=0.04)
    assert noise == pytest.approx(0.5, abs=0.04)


def test_one_group_is_the_difference_between_the_arms() -> None:
    marker, outcome = made_trial(np.random.default_rng(4), 500, HORIZON)
    row = calibrate_benefit(marker, outcome, groups=1).row(0, named=True)
    arm = np.where(outcome.treated, "a", "b")
    other = restricted_mean_difference(outcome.time_year, outcome.event, arm=arm, reference="b", horizon=HORIZON)
    assert (row["observed"], row["lower"]) == pytest.approx((other.difference.value, other.difference.lower))
    assert row["predicted"] == pytest.approx(marker.mean())


def test_true_predictions_are_calibrated() -> None:
    """One trial of 4,000: observed within 0.15 years of predicted in each of four groups, and rising."""
    marker, outcome = made_trial(np.random.default_rng(5), 4000, HORIZON)
    table = calibrate_benefit(true_benefit(marker, HORIZON), outcome)
    np.testing.assert_allclose(table["observed"], table["predicted"], atol=0.15)
    assert table["observed"][3] > table["observed"][0] + 0.3


def test_response_rates_have_the_newcombe_interval() -> None:
    """56 of 70 against 48 of 80: 0.2000 with 0.0524 to 0.3339, as published (Newcombe 1998, table II, example a)."""
    response = np.repeat([1.0, 0.0, 1.0, 0.0], [56, 14, 48, 32])
    treated = np.repeat([True, False], [70, 80])
    row = calibrate_benefit(np.arange(150.0), response_outcome(response, treated=treated), groups=1).row(0, named=True)
    assert (row["observed"], row["lower"], row["upper"]) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_group_without_an_arm_is_not_known() -> None:
    response = np.repeat([1.0, 0.0], 20)
    treated = np.repeat([True, False], 20)
    table = calibrate_benefit(np.arange(40.0), response_outcome(response, treated=treated), groups=2)
    assert table["observed"].is_nan().all()
    with pytest.raises(ModelError, match="same observed benefit"):
        c_for_benefit(np.arange(40.0), response_outcome(response, treated=treated), samples=5)
