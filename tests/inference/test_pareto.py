"""Pareto-smoothed weights against those of ArviZ, and where there is no tail to smooth."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from metachron.inference.pareto import effective_share, pareto_smooth


@pytest.mark.parametrize("size", [50, 225, 226, 1000, 4000])
@pytest.mark.parametrize("shape", [0.1, 0.4, 0.8, 1.5])
def test_weights_are_those_of_arviz(size: int, shape: float) -> None:
    log = np.log(np.random.default_rng(size).pareto(1.0 / shape, size) + 1.0) + 300.0
    k, weight = pareto_smooth(log)
    smoothed, expected = array_stats.psislw(-log)
    assert k == pytest.approx(float(expected), rel=1e-10)
    np.testing.assert_allclose(weight, np.exp(smoothed), rtol=1e-9)
    assert weight.sum() == pytest.approx(1.0)


def test_a_light_tail_has_a_negative_shape() -> None:
    """Uniform weights: the shape of their tail is -1, drawn to 0.5 by a prior worth ten draws of 94."""
    k, _ = pareto_smooth(np.log(np.random.default_rng(1).random(1000)))
    assert -1.2 < k < -0.5


def test_without_a_tail_nothing_is_smoothed() -> None:
    flat = np.zeros(100)
    assert pareto_smooth(flat)[0] == -np.inf
    np.testing.assert_allclose(pareto_smooth(flat)[1], 0.01)
    few = np.array([0.0, 1.0, 2.0])
    k, weight = pareto_smooth(few)
    assert np.isnan(k)
    np.testing.assert_allclose(weight, np.exp(few) / np.exp(few).sum())


def test_draws_without_weight_count_for_nothing() -> None:
    log = np.concatenate([np.random.default_rng(2).normal(size=500), np.full(500, -np.inf)])
    k, weight = pareto_smooth(log)
    assert np.isfinite(k)
    assert np.all(weight[500:] == 0.0)
    assert 0.0 < effective_share(weight) < 0.5
