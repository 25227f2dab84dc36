"""C-index against a loop and a closed form; calibration of forecasts that are right, too extreme, or shifted."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import ModelError
from metachron.survival import kaplan_meier
from metachron.survival.recalibration import calibration_slope, concordance, observed_to_expected


def _made(seed: int, count: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rate = np.exp(spread * rng.normal(size=count))
    life, end = rng.exponential(1.0 / rate), rng.uniform(0.3, 3.0, count)
    return np.minimum(life, end), life <= end, rate


def test_concordance_is_that_of_a_loop() -> None:
    time, event, rate = _made(1, 50)
    time, risk = np.round(time, 1) + 0.1, np.round(rate, 0)
    left = np.ones(50)
    for i in range(50):  # G(t-): product over earlier censoring times, those with an event at that time gone before
        factors = [
            1.0 - np.sum((time == c) & ~event) / (np.sum(time >= c) - np.sum((time == c) & event))
            for c in np.unique(time[~event])
            if c < time[i]
        ]
        left[i] = np.prod(factors)
    above = total = 0.0
    for i in np.flatnonzero(event & (time < 2.0)):
        for j in range(50):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                total += left[i] ** -2
                above += left[i] ** -2 * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    assert concordance(time, event, risk, 2.0) == pytest.approx(above / total)


def test_concordance_does_not_depend_on_censoring() -> None:
    """Two groups with rates 1 and r: a pair across them is concordant with probability r / (1 + r), ties count half;
    all events are observed before the horizon where nobody is censored. To 4 standard errors of 3,000 patients."""
    rng = np.random.default_rng(2)
    rate = np.repeat([1.0, 3.0], 1500)
    life = rng.exponential(1.0 / rate)
    expected = 0.5 * 0.5 + 0.5 * 0.75
    assert concordance(life, np.ones(3000, dtype=bool), rate, 99.0) == pytest.approx(expected, abs=0.02)
    end = rng.uniform(0.2, 1.5, 3000)
    whole = concordance(life, np.ones(3000, dtype=bool), rate, 1.0)
    assert concordance(np.minimum(life, end), life <= end, rate, 1.0) == pytest.approx(whole, abs=0.03)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_slope_undoes_what_was_done_to_the_forecast(factor: float) -> None:
    """Forecasts whose log cumulative hazards are stretched by a factor have the slope 1 / factor; 4,000 patients."""
    time, event, rate = _made(3, 4000, 0.5)
    survival = np.exp(-(rate**factor))
    assert calibration_slope(time, event, survival, 1.0) == pytest.approx(1.0 / factor, rel=0.08)
    with pytest.raises(ModelError, match="above 0 and below 1"):
        calibration_slope(time[:2], event[:2], np.array([1.0, 0.5]), 1.0)
    with pytest.raises(ModelError, match="all alike"):
        calibration_slope(time, event, np.full(4000, 0.5), 1.0)


def test_the_slope_is_that_of_a_generalised_linear_model() -> None:
    """Without censoring it is binomial regression with the complementary log-log link, by statsmodels."""
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    survival = rng.uniform(0.1, 0.9, 300)
    life = rng.exponential(-1.0 / np.log(survival)) ** 1.4
    design = sm.add_constant(np.log(-np.log(survival)))
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    other = sm.GLM((life <= 1.0).astype(float), design, family=family).fit()
    assert calibration_slope(life, np.ones(300, dtype=bool), survival, 1.0) == pytest.approx(other.params[1], rel=1e-6)


def test_observed_to_expected() -> None:
    time, event, rate = _made(4, 4000)
    assert observed_to_expected(time, event, np.exp(-rate), 1.0) == pytest.approx(1.0, abs=0.05)
    half = np.full(4000, 0.5)
    by_hand = (1.0 - float(kaplan_meier(time, event).at(1.0))) / 0.5
    assert observed_to_expected(time, event, half, 1.0) == pytest.approx(by_hand)
