"""Curves of benefit against closed forms, other estimators of the same quantity, and a known truth."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from benefit.made_trials import made_trial, true_benefit
from metachron.base import InputError, ModelError
from metachron.benefit.bands import band_of
from metachron.benefit.curves import benefit_curve, hazard_ratio_curve
from metachron.benefit.outcome import response_outcome, survival_outcome
from metachron.survival import fit_cox, restricted_mean_difference


def test_a_constant_curve_is_the_difference_of_restricted_means() -> None:
    """With a marker of two values a straight line is saturated: at each value it is the difference between Kaplan-Meier
    areas of that subgroup, but for pseudo-values made over both (here to half a standard error)."""
    rng = np.random.default_rng(1)
    _, outcome = made_trial(rng, 800, 2.0)
    marker = rng.integers(0, 2, 800).astype(float)
    curve = benefit_curve(marker, outcome, knots=2, at=[0.0, 1.0])
    for row, value in zip(curve.table.rows(named=True), (0.0, 1.0), strict=True):
        own = marker == value
        arm = np.where(outcome.treated[own], "a", "b")
        other = restricted_mean_difference(
            outcome.time_year[own], outcome.event[own], arm=arm, reference="b", horizon=2.0
        ).difference
        assert row["benefit"] == pytest.approx(other.value, abs=0.5 * other.standard_error)
        assert row["standard_error"] == pytest.approx(other.standard_error, rel=0.1)
    assert np.isnan(curve.p_curvature)


def test_without_censoring_it_is_least_squares_of_statsmodels() -> None:
    rng = np.random.default_rng(2)
    marker, treated = rng.normal(size=300), rng.random(300) < 0.5
    life = rng.exponential(1.0, 300)
    outcome = survival_outcome(life, np.ones(300), treated=treated, horizon_year=1.5)
    curve = benefit_curve(marker, outcome, knots=2, at=[-1.0, 0.5])
    design = sm.add_constant(marker)
    parts = [sm.OLS(np.minimum(life, 1.5)[own], design[own]).fit(cov_type="HC3") for own in (treated, ~treated)]
    at = np.array([[1.0, -1.0], [1.0, 0.5]])
    np.testing.assert_allclose(curve.table["benefit"], at @ (parts[0].params - parts[1].params), rtol=1e-9)
    spread = at @ (parts[0].cov_params() + parts[1].cov_params()) @ at.T
    np.testing.assert_allclose(curve.table["standard_error"], np.sqrt(np.diag(spread)), rtol=1e-9)


def test_hazard_ratios_are_those_of_a_cox_model_with_an_interaction() -> None:
    marker, outcome = made_trial(np.random.default_rng(3), 400, 2.0)
    curve = hazard_ratio_curve(marker, outcome, knots=2, at=[-0.5, 0.0, 0.5])
    frame = pl.DataFrame({"t": outcome.time_year, "e": outcome.event, "a": outcome.treated, "m": marker - 0.5})
    frame = frame.with_columns((pl.col("a") * pl.col("m")).alias("am"))
    row = fit_cox(frame, time="t", event="e", covariates=["a", "m", "am"]).table().row(0, named=True)
    found = curve.table.row(2, named=True)  # with the marker counted from 0.5, the treatment's term is that at 0.5
    names = ("benefit", "standard_error", "lower", "upper")
    others = ("hazard_ratio", "standard_error", "lower", "upper")
    assert [found[n] for n in names] == pytest.approx([row[n] for n in others], rel=1e-6)


def test_response_rates_of_a_saturated_model_are_the_shares() -> None:
    marker = np.repeat([0.0, 1.0], 100)
    treated = np.tile([True, False], 100)
    response = np.zeros(200)
    for (value, arm), responders in {(0, 1): 10, (0, 0): 5, (1, 1): 30, (1, 0): 6}.items():
        response[np.flatnonzero((marker == value) & (treated == bool(arm)))[:responders]] = 1.0
    table = benefit_curve(marker, response_outcome(response, treated=treated), knots=2, at=[0.0, 1.0]).table
    assert table["benefit"].to_list() == pytest.approx([5 / 50, 24 / 50], abs=1e-9)
    by_hand = [np.sqrt(0.2 * 0.8 / 50 + 0.1 * 0.9 / 50), np.sqrt(0.6 * 0.4 / 50 + 0.12 * 0.88 / 50)]
    assert table["standard_error"].to_list() == pytest.approx(by_hand, rel=1e-6)


def test_the_critical_value_of_independent_places_is_that_of_sidak() -> None:
    """For m independent places (1 + level^(1/m)) / 2 is the normal probability; Monte Carlo error of the quantile."""
    from scipy.special import ndtri

    band = band_of(np.zeros(6), np.eye(6), np.diag(np.arange(1.0, 7.0)), samples=200_000, seed=2)
    assert band.critical == pytest.approx(ndtri(0.5 * (1.0 + 0.95 ** (1 / 6))), abs=0.02)
    one = band_of(np.zeros(6), np.ones((6, 1)), np.ones((1, 1)), samples=200_000, seed=2)
    assert one.critical == pytest.approx(1.96, abs=0.02)


def test_bands_cover_a_known_curve() -> None:
    """150 trials of 300: a pointwise interval at 0 in 95 %, the whole curve in the band in 95 %, both within 4 Monte
    Carlo standard errors (7 points); the curve is outside of its pointwise intervals somewhere more often."""
    places, horizon = np.linspace(-0.9, 0.9, 25), 2.0
    truth = true_benefit(places, horizon)
    inside = []
    for seed in range(150):
        marker, outcome = made_trial(np.random.default_rng(seed), 300, horizon)
        t = benefit_curve(marker, outcome, at=places, samples=2000, seed=seed).table
        at_each = (t["lower"] < truth) & (t["upper"] > truth)
        inside.append((at_each[12], at_each.all(), ((t["band_lower"] < truth) & (t["band_upper"] > truth)).all()))
    pointwise, all_pointwise, band = np.mean(inside, axis=0)
    assert pointwise == pytest.approx(0.95, abs=0.07)
    assert band == pytest.approx(0.95, abs=0.07)
    assert all_pointwise < band - 0.05


def test_tests_of_change_hold_their_level_and_find_a_change() -> None:
    """5 % of 300 trials with a marker that says nothing, within 4 Monte Carlo standard errors (5 points)."""
    small, found = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        _, outcome = made_trial(rng, 300, 2.0, slope=0.0)
        small.append(benefit_curve(rng.normal(size=300), outcome, knots=3, samples=10).p_value < 0.05)
    for seed in range(20):
        marker, outcome = made_trial(np.random.default_rng(seed), 600, 2.0, slope=1.2)
        curve = benefit_curve(marker, outcome, knots=3, samples=10)
        found.append((curve.p_value < 0.05, curve.p_curvature < 0.01))
    assert np.mean(small) == pytest.approx(0.05, abs=0.05)
    assert np.mean(found, axis=0)[0] > 0.9
    assert np.mean(found, axis=0)[1] < 0.5


def test_what_cannot_be_drawn_is_refused() -> None:
    marker, outcome = made_trial(np.random.default_rng(5), 60, 2.0)
    with pytest.raises(InputError, match="a finite number for each patient"):
        benefit_curve([None, *marker[1:]], outcome)
    with pytest.raises(InputError, match="single value"):
        benefit_curve(np.ones(60), outcome)
    early = survival_outcome(outcome.time_year, np.zeros(60), treated=outcome.treated, horizon_year=50.0)
    with pytest.raises(InputError, match="choose a horizon of at most"):
        benefit_curve(marker, early)
    with pytest.raises(ModelError, match="completely"):
        benefit_curve(marker, response_outcome(marker > 0.0, treated=outcome.treated), knots=2)
    with pytest.raises(ModelError, match="no hazard"):
        hazard_ratio_curve(marker, response_outcome(marker > 0.0, treated=outcome.treated))
    with pytest.raises(InputError, match="patients of both"):
        survival_outcome([1.0, 2.0], [1, 1], treated=[True, True], horizon_year=1.0)
    with pytest.raises(InputError, match="0 or False"):
        response_outcome([1.0, None, 0.0], treated=[True, False, True])
