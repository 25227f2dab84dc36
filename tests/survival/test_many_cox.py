"""Cox models side by side against the same ones fitted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg

from metachron.survival.many_cox import StratifiedLikelihood, maximise_many
from metachron.survival.observed import observe
from metachron.survival.partial_likelihood import maximise


def _data(seed: int, *, late: bool):
    generator = np.random.default_rng(seed)
    time = np.ceil(generator.exponential(4.0, 80))
    entry = np.where(generator.random(80) < 0.4, np.floor(time / 2.0), 0.0) if late else None
    observed = observe(time, generator.random(80) < 0.7, entry=entry)
    return observed, generator.normal(size=(5, 80, 3)), generator.integers(0, 3, 80)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("strata", [False, True])
def test_each_is_the_maximum_of_its_own(late, strata):
    """Both climb to the same maximum of a concave function: what is left is the last Newton step (1e-10 in value)."""
    observed, designs, stratum = _data(1, late=late)
    stratum = stratum if strata else np.zeros(80, dtype=int)
    found = maximise_many(observed, designs, stratum)
    for index, design in enumerate(designs):
        one = maximise(observed, design, stratum, ("a", "b", "c"))
        np.testing.assert_allclose(found.coefficients[index], one.coefficients, atol=1e-5)
        np.testing.assert_allclose(found.covariance[index], one.covariance, rtol=1e-4)
        assert found.log_likelihood[index] == pytest.approx(one.log_likelihood, abs=1e-9)


def test_against_statsmodels():
    """Its own maximum of Efron's likelihood, which it climbs to a gradient of 1e-5."""
    observed, designs, stratum = _data(5, late=False)
    found = maximise_many(observed, designs, stratum)
    for index, design in enumerate(designs):
        model = PHReg(observed.time, design, status=observed.event.astype(int), strata=stratum, ties="efron").fit()
        np.testing.assert_allclose(found.coefficients[index], model.params, atol=1e-5)
        np.testing.assert_allclose(found.covariance[index], model.cov_params(), rtol=1e-4)
        assert found.log_likelihood[index] == pytest.approx(model.llf, abs=1e-8)


def test_score_and_information_are_the_derivatives():
    """Central differences with step 1e-4: their own error is about its square."""
    observed, designs, stratum = _data(2, late=True)
    likelihood = StratifiedLikelihood.of(observed, stratum)
    beta = np.full((5, 3), 0.3)
    _, score, information = likelihood(designs, beta)
    for term, step in enumerate(1e-4 * np.eye(3)):
        up, down = likelihood(designs, beta + step), likelihood(designs, beta - step)
        np.testing.assert_allclose((up[0] - down[0]) / 2e-4, score[:, term], atol=1e-5)
        np.testing.assert_allclose(-(up[1] - down[1]) / 2e-4, information[:, term], atol=1e-4)


def test_a_design_without_a_finite_maximum_is_nan_and_leaves_the_others_alone():
    observed, designs, stratum = _data(3, late=False)
    alone = maximise_many(observed, designs, stratum)
    bad = designs.copy()
    bad[1, :, 0] = 2.0
    bad[2, :, 1] = bad[2, :, 0]
    found = maximise_many(observed, bad, stratum)
    assert np.isnan(found.coefficients).all(axis=1).tolist() == [False, True, True, False, False]
    assert np.isnan(found.log_likelihood).tolist() == [False, True, True, False, False]
    np.testing.assert_allclose(found.coefficients[[0, 4]], alone.coefficients[[0, 4]], atol=1e-9)


def test_a_group_without_events_has_no_finite_maximum():
    observed, designs, stratum = _data(4, late=False)
    designs[0, :, 0] = ~observed.event & (np.arange(80) % 2 == 0)
    assert np.isnan(maximise_many(observed, designs, stratum).coefficients[0]).all()
