"""Working scales: the way there and back, and the Jacobian."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from metachron.base import ModelError
from metachron.dynamics import SCALES, BoxCoxScale, LogScale

SIZES_MM = np.array([0.1, 1.0, 5.0, 10.0, 66.0, 300.0, 2000.0])


@pytest.fixture(params=[*SCALES.values(), BoxCoxScale(0.5), BoxCoxScale(1.0)], ids=str)
def scale(request):
    return request.param


def test_there_and_back(scale):
    np.testing.assert_allclose(scale.to_mm(scale.from_mm(SIZES_MM)), SIZES_MM, rtol=1e-12)


def test_jacobian_is_the_log_of_the_finite_difference(scale):
    step = 1e-5 * SIZES_MM
    slope = (scale.from_mm(SIZES_MM + step) - scale.from_mm(SIZES_MM - step)) / (2 * step)
    np.testing.assert_allclose(scale.log_jacobian(SIZES_MM), np.log(slope), atol=1e-8)


def test_derivatives_of_both_ways_are_reciprocal(scale):
    forward = jax.vmap(jax.grad(scale.from_mm))(SIZES_MM)
    back = jax.vmap(jax.grad(scale.to_mm))(scale.from_mm(SIZES_MM))
    np.testing.assert_allclose(forward * back, np.ones_like(SIZES_MM), rtol=1e-11)


def test_boxcox_of_a_sum_of_zero_and_below():
    """The published data mark a complete disappearance by -3.33, which is -1/0.3."""
    scale = SCALES["boxcox"]
    assert float(scale.from_mm(0.0)) == pytest.approx(-1.0 / 0.3)
    assert float(scale.from_mm(10.0)) == 0.0
    assert float(scale.from_mm(65.0)) == pytest.approx((6.5**0.3 - 1.0) / 0.3)
    locations = np.array([-1.0 / 0.3, -5.0, -1e6])
    np.testing.assert_array_equal(scale.to_mm(locations), np.zeros(3))
    np.testing.assert_array_equal(jax.vmap(jax.grad(scale.to_mm))(locations), np.zeros(3))


def test_positive_says_whether_every_location_is_a_size():
    assert {name: scale.positive for name, scale in SCALES.items()} == {"mm": False, "log": True, "boxcox": False}
    assert LogScale() == SCALES["log"]


def test_a_power_of_zero_is_refused():
    with pytest.raises(ModelError, match="must be above 0"):
        BoxCoxScale(0.0)
