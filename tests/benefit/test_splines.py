"""The basis against natural cubic splines of another construction, and what it has to be by definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from metachron.base import ModelError
from metachron.benefit.splines import KNOT_QUANTILES, RestrictedSpline, learn_spline

KNOTS = (-1.0, 0.3, 1.1, 2.4)


def test_it_spans_the_natural_splines_of_scipy() -> None:
    """Any natural spline through values at the knots is a combination of constant and columns, to rounding."""
    x = np.linspace(KNOTS[0], KNOTS[-1], 60)
    design = np.column_stack([np.ones(60), RestrictedSpline(KNOTS).columns(x)])
    for values in np.random.default_rng(1).normal(size=(5, 4)):
        other = CubicSpline(KNOTS, values, bc_type="natural")(x)
        fitted = design @ np.linalg.lstsq(design, other, rcond=None)[0]
        np.testing.assert_allclose(fitted, other, atol=1e-10)


def test_it_is_straight_beyond_the_outer_knots_and_smooth_at_the_inner_ones() -> None:
    spline = RestrictedSpline(KNOTS)
    for low, high in ((-6.0, KNOTS[0]), (KNOTS[-1], 9.0)):
        bend = np.diff(spline.columns(np.linspace(low, high, 12)), n=2, axis=0)
        np.testing.assert_allclose(bend, 0.0, atol=1e-9)
    step = 1e-4
    for knot in KNOTS:  # the second difference over step^2 is continuous: its jump is of the order of the step
        left, right = (spline.columns(knot + step * np.arange(-1, 2) + side) for side in (-2 * step, 2 * step))
        jump = (np.diff(right, n=2, axis=0) - np.diff(left, n=2, axis=0)) / step**2
        assert np.abs(jump).max() < 50 * step


def test_knots_stand_at_the_stated_quantiles() -> None:
    values = np.arange(1001.0)
    for count, quantiles in KNOT_QUANTILES.items():
        assert learn_spline(values, knots=count).knots == pytest.approx([1000.0 * q for q in quantiles])
        assert learn_spline(values, knots=count).size == count - 1
    line = learn_spline(values, knots=2)
    np.testing.assert_array_equal(line.columns([3.0, 7.0]), [[3.0], [7.0]])


def test_knots_that_coincide_are_refused() -> None:
    with pytest.raises(ModelError, match="take fewer knots"):
        learn_spline([0.0] * 90 + [1.0] * 10)
    with pytest.raises(ModelError, match=r"2 .* to 5 knots, not 9"):
        learn_spline(np.arange(10.0), knots=9)
