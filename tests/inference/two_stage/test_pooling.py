"""Rubin's rules against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from metachron.inference.two_stage.pooling import pool


def test_rubins_rules_by_hand() -> None:
    """Estimates 1, 2, 3 with variances 0.2, 0.3, 0.4: W = 0.3, B = 1, T = 0.3 + 4/3."""
    pooled = pool(np.array([[1.0], [2.0], [3.0]]), np.array([[0.2], [0.3], [0.4]]))
    total = 0.3 + 4.0 / 3.0
    freedom = 2.0 * (1.0 + 0.3 / (4.0 / 3.0)) ** 2
    assert pooled.estimate[0] == pytest.approx(2.0)
    assert pooled.sd[0] == pytest.approx(total**0.5)
    assert pooled.missing[0] == pytest.approx((4.0 / 3.0) / total)
    assert pooled.high[0] - 2.0 == pytest.approx(t.ppf(0.95, freedom) * total**0.5)
    assert 2.0 - pooled.low[0] == pytest.approx(pooled.high[0] - 2.0)


def test_sets_that_agree_leave_the_variance_within() -> None:
    pooled = pool(np.full((4, 1), 1.5), np.full((4, 1), 0.04))
    assert (pooled.sd[0], pooled.missing[0]) == (pytest.approx(0.2), 0.0)
    assert pooled.high[0] - 1.5 == pytest.approx(0.2 * norm.ppf(0.95), rel=1e-6)
