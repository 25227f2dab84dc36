"""Scores against definitions worked out by hand, and large samples of a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.survival.measures import (
    auc,
    bootstrap,
    brier,
    calibration_by_group,
    calibration_error,
    integrated_brier,
)

TIME = np.array([0.2, 0.4, 0.5, 0.8, 1.5, 2.0])
EVENT = np.array([True, False, True, True, False, True])
SURVIVAL = np.array([0.3, 0.5, 0.2, 0.6, 0.9, 0.8])


def test_brier_by_hand() -> None:
    """One patient is censored at 0.4 with five at risk: G is 4/5 from there on, and that patient counts for nothing."""
    by_hand = (0.3**2 + (0.2**2 + 0.6**2) / 0.8 + (0.1**2 + 0.2**2) / 0.8) / 6
    assert brier(TIME, EVENT, SURVIVAL, 1.0) == pytest.approx(by_hand)


def test_auc_by_hand() -> None:
    """Cases 1, 3 and 4 weigh 1, 5/4 and 5/4; against patients 5 and 6; the risk of case 4 and of patient 6 are tied."""
    risk = np.array([0.7, 0.5, 0.8, 0.2, 0.1, 0.2])
    assert auc(TIME, EVENT, risk, 1.0) == pytest.approx((1.0 + 1.25 + 1.25 * 0.75) / 3.5)
    assert auc(TIME, EVENT, -risk, 1.0) == pytest.approx(1.25 * 0.25 / 3.5)
    assert np.isnan(auc(TIME, EVENT, risk, 0.1))


def test_censoring_does_not_shift_scores() -> None:
    """Exponential lives, half of them censored at random: the scores are those of the uncensored, to sampling error."""
    rng = np.random.default_rng(3)
    rate = np.exp(rng.normal(size=40_000))
    life, end = rng.exponential(1 / rate), rng.exponential(1.5, size=40_000)
    survival = np.exp(-rate)
    time, event = np.minimum(life, end), life <= end
    everybody = np.ones(len(life), dtype=bool)
    assert brier(time, event, survival, 1.0) == pytest.approx(brier(life, everybody, survival, 1.0), abs=0.006)
    assert auc(time[:4000], event[:4000], rate[:4000], 1.0) == pytest.approx(
        auc(life[:4000], everybody[:4000], rate[:4000], 1.0), abs=0.02
    )
    times = np.linspace(0.0, 1.0, 11)
    curves = np.exp(-rate[:, None] * times)
    whole = integrated_brier(life, everybody, curves, times)
    assert integrated_brier(time, event, curves, times) == pytest.approx(whole, abs=0.005)
    expected = np.mean(survival * (1.0 - survival))
    assert brier(life, everybody, survival, 1.0) == pytest.approx(expected, abs=0.004)


def test_true_forecasts_are_calibrated_and_false_ones_not() -> None:
    rng = np.random.default_rng(4)
    rate = np.exp(0.7 * rng.normal(size=4000))
    life, end = rng.exponential(1 / rate), rng.uniform(0.5, 4.0, size=4000)
    time, event = np.minimum(life, end), life <= end
    survival = np.exp(-rate)
    assert calibration_error(time, event, survival, 1.0) < 0.03
    assert calibration_error(time, event, np.sqrt(survival), 1.0) > 0.1
    groups = calibration_by_group(time, event, survival, 1.0)
    assert [group[0] for group in groups] == [1000] * 4
    assert all(low - 0.02 < forecast < high + 0.02 for _, forecast, _, low, high in groups)


def test_the_bootstrap_interval_is_that_of_a_mean() -> None:
    values = np.random.default_rng(5).normal(size=400)
    low, high = bootstrap(400, lambda i: float(values[i].mean()), samples=2000)
    error = values.std() / 20.0
    assert low == pytest.approx(values.mean() - 1.645 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.645 * error, abs=0.2 * error)
