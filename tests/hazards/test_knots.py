"""Default knots: quantiles of the event times, and what is said when there are too few of them."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import InputError, ModelError
from metachron.hazards import MSpline, Piecewise, Weibull, default_knots

TIMES = np.arange(1.0, 22.0) / 10.0


def test_knots_are_quantiles_of_event_times() -> None:
    np.testing.assert_allclose(default_knots(TIMES, Piecewise(intervals=4)), [0.6, 1.1, 1.6])
    np.testing.assert_allclose(default_knots(TIMES[::-1], MSpline(basis=7)), [0.6, 1.1, 1.6, 2.1])
    assert default_knots(np.empty(0), Weibull()).shape == (0,)


@pytest.mark.parametrize("times", [[], [0.4, 0.7, 0.9], [0.5] * 50, [0.0] * 40 + [0.3, 0.4, 0.5, 0.6]])
def test_too_few_different_event_times(times: list[float]) -> None:
    with pytest.raises(
        ModelError, match=r"needs 4 different knots .* choose a smaller one than Piecewise\(intervals=5\)"
    ):
        default_knots(np.asarray(times), Piecewise(intervals=5))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1])
def test_impossible_event_times_are_named(wrong: float) -> None:
    times = TIMES.copy()
    times[3] = wrong
    with pytest.raises(InputError) as caught:
        default_knots(times, Piecewise())
    assert caught.value.problems[0].rule == "event-time"
    assert caught.value.problems[0].rows == (4,)
