"""Follow-up long enough for a plateau: the rule on numbers worked out by hand, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import InputError
from metachron.survival import plateau


def test_events_before_the_last_one_are_counted_in_time_at_risk() -> None:
    """After the last event, at 4, patients are at risk for 1 + 1.5 + 3 x 2 = 8.5; before it 8.5 reach back to 3 less a
    bit (7 patients, then 8), and hold the events at 3 and the other one at 4.
    """
    time = [1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.5, 6.0, 6.0, 6.0]
    found = plateau(time, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    assert (found.last_event, found.last_followed, found.events_near, found.chance) == (4.0, 6.0, 2, 0.25)
    assert not found.reached


def test_events_long_before_the_end_reach_a_plateau() -> None:
    found = plateau([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 9.0, 9.0], [1, 1, 1, 1, 1, 1, 0, 0])
    assert (found.events_near, found.chance) == (5, 1 / 32)
    assert found.reached


def test_an_event_at_the_end_reaches_none() -> None:
    """There is no time at risk after it: the chance is 1 however many events there are."""
    found = plateau([1.0, 2.0, 3.0, 3.0], [1, 1, 1, 1])
    assert (found.events_near, found.chance) == (0, 1.0)
    assert not found.reached


def test_without_events_nothing_is_seen() -> None:
    found = plateau([1.0, 2.0], [0, 0])
    assert np.isnan(found.last_event)
    assert not found.reached


def test_a_constant_pace_passes_for_a_plateau_as_seldom_as_it_should() -> None:
    """1 of 32 of 2000 trials that are cut off or lose patients, within 4 binomial errors (0.016); where half of the
    patients are cured and follow-up is 12 mean times, the plateau is seen in nearly all.
    """
    rng = np.random.default_rng(3)
    wrong, right = [0, 0], 0
    for _ in range(2000):
        time = rng.exponential(size=100)
        for which, end in enumerate((np.full(100, np.log(2.0)), rng.uniform(0.2, 1.0, 100))):
            wrong[which] += plateau(np.minimum(time, end), time <= end).reached
        cured = np.where(rng.random(100) < 0.5, np.inf, time)
        right += plateau(np.minimum(cured, 12.0), cured <= 12.0).reached
    assert np.asarray(wrong) / 2000 == pytest.approx(1 / 32, abs=0.016)
    assert right > 1900


def test_times_are_checked() -> None:
    with pytest.raises(InputError):
        plateau([1.0, -2.0], [1, 0])
