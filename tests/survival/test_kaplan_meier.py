"""Kaplan-Meier by hand, in closed form, and where it cannot answer."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from metachron.base import InputError
from metachron.survival import kaplan_meier, restricted_mean, restricted_mean_difference

TIME = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0]
EVENT = [1, 1, 0, 0, 1, 0]


def test_by_hand_with_an_event_and_a_censoring_at_the_same_time() -> None:
    km = kaplan_meier(TIME, EVENT)
    np.testing.assert_array_equal(km.times, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(km.at_risk, [6, 5, 3, 2, 1])
    np.testing.assert_array_equal(km.events, [1, 1, 0, 1, 0])
    np.testing.assert_array_equal(km.censored, [0, 1, 1, 0, 1])
    np.testing.assert_allclose(km.survival, [5 / 6, 4 / 6, 4 / 6, 2 / 6, 2 / 6], rtol=1e-15)
    greenwood = np.asarray([1 / 30, 1 / 30 + 1 / 20, 1 / 30 + 1 / 20, 1 / 30 + 1 / 20 + 1 / 2])
    np.testing.assert_allclose(km.standard_error[:4], km.survival[:4] * np.sqrt(greenwood), rtol=1e-14)
    np.testing.assert_allclose(km.at([0.0, 0.999, 1.0, 3.5, 5.0]), [1, 1, 5 / 6, 4 / 6, 2 / 6], rtol=1e-15)
    assert np.isnan(km.at(5.001))
    np.testing.assert_array_equal(km.number_at_risk([0.0, 1.0, 2.0, 2.5, 5.0, 6.0]), [6, 6, 5, 3, 1, 0])


def test_after_the_last_death_survival_stays_at_zero() -> None:
    km = kaplan_meier([1.0, 2.0], [1, 1])
    np.testing.assert_array_equal(km.at([1.5, 2.0, 99.0]), [0.5, 0.0, 0.0])
    assert np.isnan(km.standard_error[-1])
    assert km.restricted_mean(10.0).value == pytest.approx(1.5)


def test_delayed_entry_by_hand() -> None:
    """At 2: the rows that entered before it; one entering exactly at 3 is not at risk for the event at 3."""
    km = kaplan_meier([2.0, 3.0, 4.0, 5.0], [1, 1, 1, 0], entry=[0.0, 1.0, 3.0, 1.5])
    np.testing.assert_array_equal(km.at_risk, [3, 2, 2, 1])
    np.testing.assert_allclose(km.survival, [2 / 3, 1 / 3, 1 / 6, 1 / 6], rtol=1e-15)
    np.testing.assert_array_equal(km.number_at_risk([0.0, 1.0, 1.2]), [1, 1, 2])


def test_weights_stand_for_identical_rows() -> None:
    generator = np.random.default_rng(5)
    time, event = generator.integers(1, 8, 40).astype(float), generator.integers(0, 2, 40)
    copies = generator.integers(1, 4, 40)
    weighted = kaplan_meier(time, event, weights=copies)
    repeated = kaplan_meier(np.repeat(time, copies), np.repeat(event, copies))
    np.testing.assert_allclose(weighted.survival, repeated.survival, rtol=1e-13)
    np.testing.assert_allclose(weighted.standard_error, repeated.standard_error, rtol=1e-12)
    scaled = kaplan_meier(time, np.ones(40), weights=copies / 7.0)
    assert scaled.survival[-1] == 0.0, "the last death leaves nobody, whatever the weights round to"


def test_without_censoring_the_error_is_binomial() -> None:
    km = kaplan_meier(np.arange(1.0, 41.0), np.ones(40))
    np.testing.assert_allclose(km.standard_error[:-1] ** 2, (km.survival * (1 - km.survival) / 40)[:-1], rtol=1e-12)


def test_median_by_hand() -> None:
    """S crosses 1/2 at 4; with an even number and no censoring S is exactly 1/2 from 2 to 3, and the median 2.5."""
    assert kaplan_meier(TIME, EVENT).median().value == 4.0
    assert kaplan_meier([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1]).median().value == 2.5
    never = kaplan_meier([1.0, 2.0, 3.0], [1, 0, 0]).median()
    assert (never.value, never.upper) == (math.inf, math.inf)


def test_median_interval_from_the_log_log_band() -> None:
    """The limits are where |log(-log S) - log(log 2)| = 1.96 standard errors, checked against that definition."""
    generator = np.random.default_rng(8)
    time, event = generator.exponential(2.0, 80), generator.uniform(size=80) < 0.7
    km = kaplan_meier(time, event)
    median = km.median(level=0.9)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = km.standard_error / np.abs(km.survival * np.log(km.survival))
        distance = np.abs(np.log(-np.log(km.survival)) - np.log(np.log(2.0)))
        inside = km.times[(distance <= 1.6448536269514722 * error) & (km.survival < 1.0)]
    assert median.lower == inside[0]
    assert median.upper == km.times[np.searchsorted(km.times, inside[-1]) + 1]
    lower, upper = km.confidence_band(level=0.9)
    usable = km.survival > 0.0
    assert np.all((lower <= km.survival)[usable] & (km.survival <= upper)[usable])


def test_restricted_mean_without_censoring_is_the_mean() -> None:
    """And its Greenwood variance is the variance of min(T, horizon) over n, exactly."""
    time = np.random.default_rng(2).weibull(0.8, 60)
    for horizon in (0.4, 1.0, 5.0 + time.max()):
        mean = restricted_mean(time, np.ones(60), horizon=horizon)
        assert mean.value == pytest.approx(np.minimum(time, horizon).mean(), rel=1e-13)
        assert mean.standard_error == pytest.approx(np.minimum(time, horizon).std() / np.sqrt(60), rel=1e-12)


def test_restricted_mean_of_an_exponential() -> None:
    """Quantiles of an exponential with mean 2, independently censored: within 0.005 of 2 (1 - e^(-horizon/2))."""
    levels = (np.arange(20_000) + 0.5) / 20_000
    time = -2.0 * np.log1p(-levels)
    censor = np.random.default_rng(3).uniform(0.5, 6.0, 20_000)
    mean = restricted_mean(np.minimum(time, censor), time <= censor, horizon=3.0)
    assert mean.value == pytest.approx(2.0 * (1.0 - math.exp(-1.5)), abs=0.005)
    assert mean.upper - mean.lower == pytest.approx(2 * 1.959964 * mean.standard_error, rel=1e-6)


def test_difference_of_restricted_means() -> None:
    generator = np.random.default_rng(4)
    arm = np.repeat(["control", "new"], [50, 70])
    time = generator.exponential(np.where(arm == "new", 2.0, 1.0))
    compared = restricted_mean_difference(time, np.ones(120), arm=arm, reference="control", horizon=1.5)
    means = [
        restricted_mean(time[arm == name], np.ones((arm == name).sum()), horizon=1.5) for name in ("new", "control")
    ]
    assert (compared.arm, compared.arm_mean, compared.reference_mean) == ("new", *means)
    assert compared.difference.value == pytest.approx(means[0].value - means[1].value)
    assert compared.difference.standard_error == pytest.approx(
        math.hypot(means[0].standard_error, means[1].standard_error)
    )
    z = compared.difference.value / compared.difference.standard_error
    assert compared.p_value == pytest.approx(math.erfc(abs(z) / math.sqrt(2.0)))
    turned = restricted_mean_difference(time, np.ones(120), arm=arm, reference="new", horizon=1.5)
    assert turned.difference.value == pytest.approx(-compared.difference.value)


@pytest.mark.parametrize("horizon", [0.0, -1.0, 5.1, math.inf, math.nan])
def test_a_horizon_beyond_follow_up_is_refused(horizon: float) -> None:
    with pytest.raises(InputError, match="at most 5"):
        kaplan_meier(TIME, EVENT).restricted_mean(horizon)


@pytest.mark.parametrize(
    ("time", "event", "more", "rule", "column", "rows"),
    [
        ([1.0, -2.0, math.nan], [1, 0, 1], {}, "time", "time", (2, 3)),
        ([1.0, 2.0, 3.0], [1, 2, 0], {}, "event", "event", (2,)),
        ([1.0, 2.0], [1, 0], {"entry": [1.0, 0.5]}, "entry", "entry", (1,)),
        ([1.0, 2.0], [1, 0], {"entry": [-0.1, math.nan]}, "entry", "entry", (1, 2)),
        ([1.0, 2.0], [1, 0], {"weights": [0.0, 1.0]}, "weight", "weights", (1,)),
        ([1.0, 2.0], [1], {}, "shape", None, ()),
        ([], [], {}, "shape", None, ()),
        ([[1.0]], [[1]], {}, "shape", "time", ()),
        (["soon", 1.0], [1, 0], {}, "shape", "time", ()),
        (pl.Series([1.0, None]), pl.Series([True, False]), {}, "time", "time", (2,)),
    ],
)
def test_malformed_input(time, event, more, rule, column, rows) -> None:
    with pytest.raises(InputError) as caught:
        kaplan_meier(time, event, **more)
    problem = caught.value.problems[0]
    assert (problem.rule, problem.column, problem.rows) == (rule, column, rows)
    assert problem.remedy


def test_all_violations_at_once() -> None:
    with pytest.raises(InputError) as caught:
        kaplan_meier([-1.0, 2.0], [1, 7], entry=[0.0, 3.0])
    assert [problem.rule for problem in caught.value.problems] == ["time", "event", "entry"]


@pytest.mark.parametrize(("arm", "reference"), [(["a", "b", "c"], "a"), (["a", "b", "b"], "c"), (["a", "b"], "a")])
def test_comparison_of_other_than_two_arms(arm: list[str], reference: str) -> None:
    with pytest.raises(InputError):
        restricted_mean_difference([1.0, 2.0, 3.0], [1, 1, 1], arm=arm, reference=reference, horizon=1.0)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_is_a_fraction(level: float) -> None:
    with pytest.raises(InputError, match=r"such as 0\.95"):
        kaplan_meier(TIME, EVENT).median(level=level)
