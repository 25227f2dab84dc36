"""Scores of sizes, and what they are held against, by closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from metachron.forecast.measures import crps
from metachron.forecast.outcomes import straight_line
from metachron.forecast.summaries import weighted_quantiles


def test_crps_is_the_closed_form_of_the_normal_distribution() -> None:
    """sigma [z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)], Gneiting 2005, doi:10.1175/MWR2904.1."""
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000, 3.0, 2.0)[:, None]
    for observed in (-1.0, 3.0, 6.5):
        z = (observed - 3.0) / 2.0
        exact = 2.0 * (z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi))
        assert crps(draws, np.ones_like(draws), np.array([observed]))[0] == pytest.approx(exact, abs=1e-3)
    assert crps(np.array([[7.0]]), np.array([[1.0]]), np.array([4.5]))[0] == pytest.approx(2.5)


def test_weights_count_like_repeated_draws() -> None:
    draws, weight = np.array([[1.0], [2.0], [5.0]]), np.array([[1.0], [3.0], [2.0]])
    repeated = np.repeat(draws, [1, 3, 2], axis=0)
    observed = np.array([2.5])
    assert crps(draws, weight, observed) == pytest.approx(crps(repeated, np.ones_like(repeated), observed))
    found = weighted_quantiles(draws, weight, (0.05, 0.5, 0.95))
    expected = np.quantile(repeated, (0.05, 0.5, 0.95), axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(found, expected)


def test_draws_without_weight_do_not_count() -> None:
    """Not even infinite ones: a tumour that explodes kills, and its size has no weight."""
    draws, weights = np.array([[1.0], [2.0], [np.inf]]), np.array([[1.0], [3.0], [0.0]])
    alone = crps(draws[:2], weights[:2], np.array([1.5]))
    np.testing.assert_allclose(crps(draws, weights, np.array([1.5])), alone)


def test_a_straight_line_goes_through_two_sizes() -> None:
    assert straight_line([0.0, 50.0], [60.0, 40.0], 100.0) == pytest.approx(20.0)
    assert straight_line([0.0, 50.0], [60.0, 40.0], 300.0) == 0.0
    assert straight_line([0.0], [60.0], 300.0) == 60.0
