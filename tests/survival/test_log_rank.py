"""The log-rank test by hand and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.duration.survfunc import survdiff

from metachron.base import InputError
from metachron.survival import log_rank


def test_by_hand() -> None:
    """Deaths at 1 (a), 2 (b), 3 (a) among 2 + 2, 1 + 2, 1 + 1, 0 + 1 at risk; the last at 4 (b) adds nothing."""
    test = log_rank([1.0, 3.0, 2.0, 4.0], [1, 1, 1, 1], group=["a", "a", "b", "b"])
    expected = 1 / 2 + 1 / 3 + 1 / 2
    variance = 1 / 4 + 2 / 9 + 1 / 4
    assert test.groups["group"].to_list() == ["a", "b"]
    assert test.groups["observed"].to_list() == [2.0, 2.0]
    np.testing.assert_allclose(test.groups["expected"], [expected, 4 - expected])
    assert test.statistic == pytest.approx((2 - expected) ** 2 / variance)
    assert test.degrees_of_freedom == 1


@pytest.mark.parametrize("stratified", [False, True])
def test_against_statsmodels(stratified: bool) -> None:
    generator = np.random.default_rng(6)
    time, event = generator.integers(1, 15, 120).astype(float), generator.integers(0, 2, 120)
    group, strata = generator.integers(0, 3, 120), generator.integers(0, 2, 120)
    test = log_rank(time, event, group=group, strata=strata if stratified else None)
    statistic, p_value = survdiff(time, event, group, strata=strata if stratified else None)
    assert test.statistic == pytest.approx(statistic, rel=1e-10)
    assert test.p_value == pytest.approx(p_value, rel=1e-9)
    assert test.degrees_of_freedom == 2


def test_delayed_entry_equals_splitting_rows() -> None:
    """A row cut in two, its second part entering where the first is censored, changes nothing."""
    generator = np.random.default_rng(7)
    time, event = generator.exponential(2.0, 60) + 0.1, generator.integers(0, 2, 60)
    group = np.repeat(["x", "y"], 30)
    whole = log_rank(time, event, group=group)
    cut = log_rank(
        np.concatenate([time / 2, time]),
        np.concatenate([np.zeros(60), event]),
        group=np.tile(group, 2),
        entry=np.concatenate([np.zeros(60), time / 2]),
    )
    assert cut.statistic == pytest.approx(whole.statistic, rel=1e-12)


@pytest.mark.parametrize(
    ("group", "event"),
    [
        (["a", "a", "a"], [1, 1, 0]),
        (["a", "b", "b"], [0, 0, 0]),
        (["a", "b"], [1, 1, 0]),
        (["a", None, "b"], [1, 1, 0]),
    ],
)
def test_nothing_to_compare(group: list[str], event: list[int]) -> None:
    with pytest.raises(InputError):
        log_rank([1.0, 2.0, 3.0], event, group=group)
