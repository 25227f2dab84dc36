"""Inverse-probability-of-censoring weights by hand, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import InputError
from metachron.survival import censoring_survival, censoring_weights


def test_by_hand_with_ties() -> None:
    """An event and a censoring at 2: the event leaves first, so that G falls by 1/3 of the three then left."""
    time, event = np.asarray([1.0, 2.0, 2.0, 3.0, 4.0]), np.asarray([1, 1, 0, 0, 1])
    censoring = censoring_survival(time, event)
    np.testing.assert_allclose(censoring.after(time), [1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(censoring.before(time), [1, 1, 1, 2 / 3, 1 / 3])
    np.testing.assert_allclose(censoring_weights(time, event, at=2.5), [1, 1, 0, 3 / 2, 3 / 2])
    np.testing.assert_allclose(censoring_weights(time, event, at=[1.0, 4.0]), [[1, 1], [1, 1], [1, 0], [1, 0], [1, 3]])


@pytest.mark.parametrize("decimals", [8, 1, 0])
def test_weights_add_up_to_the_number_of_patients(decimals: int) -> None:
    """Whatever the ties: those known stand for all, exactly."""
    generator = np.random.default_rng(9)
    life, censor = generator.exponential(2.0, 300), generator.uniform(0.0, 5.0, 300)
    time, event = np.round(np.minimum(life, censor), decimals), life <= censor
    weights = censoring_weights(time, event, at=[0.5, 1.0, 2.0, 3.3])
    assert weights.shape == (300, 4)
    np.testing.assert_allclose(weights.sum(axis=0), 300.0, rtol=1e-12)


def test_weights_estimate_survival_without_bias_from_censoring() -> None:
    """The weighted mean of 'alive at 1' is the Kaplan-Meier estimate, here within 1e-12."""
    from metachron.survival import kaplan_meier

    generator = np.random.default_rng(10)
    life, censor = generator.weibull(1.3, 200), generator.uniform(0.2, 3.0, 200)
    time, event = np.minimum(life, censor), life <= censor
    weights = censoring_weights(time, event, at=1.0)
    assert (weights * (time > 1.0)).sum() / 200 == pytest.approx(float(kaplan_meier(time, event).at(1.0)), abs=1e-12)


def test_nobody_is_observed_to_the_time() -> None:
    with pytest.raises(InputError, match="choose times before 3") as caught:
        censoring_weights([1.0, 2.0, 3.0], [1, 1, 0], at=3.0)
    assert caught.value.problems[0].rule == "infinite-weight"


def test_censoring_of_other_patients() -> None:
    others = censoring_survival([1.0, 2.0, 3.0], [0, 1, 1])
    np.testing.assert_allclose(censoring_weights([0.5, 1.5], [1, 1], at=2.0, censoring=others), [1.0, 1.5])
    with pytest.raises(InputError) as caught:
        censoring_weights([0.5, 9.0], [1, 1], at=8.0, censoring=others)
    assert (caught.value.problems[0].rule, caught.value.problems[0].rows) == ("unknown-weight", (2,))
    gone = censoring_survival([1.0, 2.0], [1, 0])
    with pytest.raises(InputError) as caught:
        censoring_weights([0.5, 2.5], [1, 1], at=3.0, censoring=gone)
    assert (caught.value.problems[0].rule, caught.value.problems[0].rows) == ("infinite-weight", (2,))


@pytest.mark.parametrize("at", [-1.0, np.nan, np.inf])
def test_impossible_times(at: float) -> None:
    with pytest.raises(InputError, match="finite times from 0 on"):
        censoring_weights([1.0, 2.0], [1, 0], at=at)
