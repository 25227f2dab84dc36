"""Pseudo-values against Kaplan-Meier estimates made anew without each row, and closed forms without censoring."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import InputError
from metachron.survival import kaplan_meier, pseudo_values


def _sample(seed: int, count: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    life, end = rng.exponential(1.0, count), rng.uniform(0.5, 4.0, count)
    return np.round(np.minimum(life, end), decimals) + 0.1, life <= end


@pytest.mark.parametrize("decimals", [6, 1])
@pytest.mark.parametrize("quantity", ["restricted_mean", "survival"])
def test_they_are_differences_of_estimates(decimals: int, quantity: str) -> None:
    time, event = _sample(1, 40, decimals)

    def theta(which: np.ndarray) -> float:
        curve = kaplan_meier(time[which], event[which])
        return curve.restricted_mean(2.0).value if quantity == "restricted_mean" else float(curve.at(2.0))

    rows = np.arange(40)
    expected = [40 * theta(rows) - 39 * theta(np.delete(rows, row)) for row in rows]
    found = pseudo_values(time, event, horizon=2.0, quantity=quantity)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_without_censoring_they_are_the_outcomes() -> None:
    life = np.random.default_rng(2).exponential(1.0, 60)
    everybody = np.ones(60, dtype=bool)
    np.testing.assert_allclose(pseudo_values(life, everybody, horizon=1.5), np.minimum(life, 1.5), atol=1e-12)
    alive = pseudo_values(life, everybody, horizon=1.5, quantity="survival")
    np.testing.assert_allclose(alive, life > 1.5, atol=1e-12)


def test_their_mean_given_a_covariate_is_the_quantity() -> None:
    """Two groups of exponential lives, censored alike: E min(T, h) = (1 - exp(-rate h)) / rate, to 4 standard errors of
    20,000 patients."""
    rng = np.random.default_rng(3)
    rate = np.repeat([0.5, 2.0], 10_000)
    life, end = rng.exponential(1.0 / rate), rng.uniform(0.0, 3.0, 20_000)
    values = pseudo_values(np.round(np.minimum(life, end), 2), life <= end, horizon=2.0)
    for group, truth in ((slice(0, 10_000), 0.5), (slice(10_000, None), 2.0)):
        expected = (1.0 - np.exp(-2.0 * truth)) / truth
        assert values[group].mean() == pytest.approx(expected, abs=4.0 * values[group].std() / 100.0)


@pytest.mark.parametrize("horizon", [0.0, 2.5, np.nan])
def test_a_horizon_out_of_reach_is_refused(horizon: float) -> None:
    with pytest.raises(InputError, match="at most 2, in the unit"):
        pseudo_values([1.0, 2.0, 3.0], [1, 1, 0], horizon=horizon)


def test_survival_that_falls_to_0_is_known_at_any_horizon() -> None:
    """The last to live is not followed to the horizon, and the others have died without it: their area is known."""
    np.testing.assert_allclose(pseudo_values([1.0, 2.0, 3.0], [1, 1, 1], horizon=5.0), [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="two rows at least"):  # without the last row, survival after 2 is not known
        pseudo_values([1.0, 2.0, 3.0], [1, 0, 1], horizon=5.0)
