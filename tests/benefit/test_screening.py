"""Multiplicity: published definitions by hand, permutations that permute what they say, and many fits as one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import (
    Marker,
    assess_marker,
    benjamini_hochberg,
    compare_arms,
    fit_logistic,
    holm,
    screen_markers,
)
from metachron.benefit.resampling import fit_versions
from metachron.benefit.screening import step_down, within_groups

OPTIONS = {"control": "old", "randomised": True, "seed": 3}


def test_holm_by_hand():
    """Ordered 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 and made to rise."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([np.nan, 0.3, 0.02]), [np.nan, 0.3, 0.04])


def test_benjamini_hochberg_is_that_of_scipy():
    p = np.random.default_rng(1).uniform(size=50) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))
    assert np.isnan(benjamini_hochberg([0.1, np.nan])).tolist() == [False, True]


def test_step_down_by_hand():
    """Two markers, four permutations: the first against the smaller of both, the second against its own."""
    observed = np.asarray([0.20, 0.01])
    permuted = np.asarray([[0.5, 0.005], [0.008, 0.7], [0.15, 0.9], [0.6, 0.6]])
    np.testing.assert_allclose(step_down(observed, permuted), [(2 + 1) / 5, (2 + 1) / 5])
    assert np.isnan(step_down(observed, permuted[:0])).all()


def test_orders_permute_within_arm_and_stratum():
    comparison = compare_arms(small_trial(), endpoint="os", control="old", strata=["site"])
    orders = within_groups(comparison, 50, np.random.default_rng(1))
    group = comparison.treated * 10 + comparison.stratum
    np.testing.assert_array_equal(group[orders], np.tile(group, (50, 1)))
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(200), (50, 1)))
    assert (orders != np.arange(200)).mean() > 0.9


def test_wald_p_values_are_those_of_one_marker_at_a_time():
    number = np.arange(200.0)
    number[:7] = np.nan
    cohort = small_trial(number=pl.Series(number).fill_nan(None))
    found = screen_markers(cohort, ["number", "kind", "yes"], endpoint="os", **OPTIONS, permutations=0)
    assert found.table["predictive_fwer"].is_nan().all()
    assert found.table["predictive_p"].is_sorted()
    for row in found.table.iter_rows(named=True):
        one = assess_marker(cohort, row["marker"], endpoint="os", control="old", randomised=True)
        assert row["predictive_p"] == pytest.approx(one.predictive.wald_p, rel=1e-4)
        assert row["prognostic_p"] == pytest.approx(one.prognostic.wald_p, rel=1e-4)
        assert row["patients"] == one.predictive.patients


def test_firths_models_side_by_side_are_those_one_by_one():
    comparison = compare_arms(small_trial(), endpoint="response", control="old", adjust=["number"], strata=["site"])
    versions = np.random.default_rng(2).normal(size=(4, 200, 2))
    versions[3, :, 1] = comparison.event
    found = fit_versions(comparison, versions, tested=2)
    site = (comparison.stratum == comparison.stratum.max()).astype(float)
    for version, coefficients, covariance in zip(versions, found.coefficients, found.covariance, strict=True):
        design = np.column_stack([comparison.adjust, site, version])
        one = fit_logistic(design, comparison.event, ("n", "s", "a", "b"), penalised=True)
        np.testing.assert_allclose(coefficients, one.coefficients[3:], atol=2e-4)
        np.testing.assert_allclose(covariance, one.covariance[3:, 3:], rtol=5e-3)


@pytest.mark.parametrize("endpoint", ["os", "response"])
def test_a_planted_marker_comes_first_and_noise_is_held_back(endpoint):
    generator = np.random.default_rng(11)
    noise = {f"noise{index}": generator.normal(size=300) for index in range(8)}
    cohort = small_trial(5, 300, **noise)
    followup = cohort.followup["last_day"].to_numpy()
    treated = (cohort.patients["arm"] == "new").to_numpy()
    planted = np.where(treated, 1.0, -1.0) * (followup - np.median(followup)) / followup.std()
    planted = planted + generator.normal(size=300)
    responded = compare_arms(cohort, endpoint="response", control="old").event
    told = np.where(treated, 1.0, -1.0) * (responded - responded.mean()) * 2.0 + generator.normal(size=300)
    column = planted if endpoint == "os" else told
    cohort = cohort.with_rows({"patients": cohort.patients.with_columns(planted=column)})
    found = screen_markers(cohort, [*noise, "planted"], endpoint=endpoint, **OPTIONS, permutations=99)
    first = found.table.row(0, named=True)
    assert first["marker"] == "planted"
    assert first["predictive_fwer"] == pytest.approx(0.01)
    assert (found.table["predictive_fwer"][1:] > 0.05).all()
    assert "prognostic" in found.null
    again = screen_markers(cohort, [*noise, "planted"], endpoint=endpoint, **OPTIONS, permutations=99)
    assert again.table.equals(found.table)


def test_one_arm_is_screened_for_prognosis_alone():
    found = screen_markers(
        small_trial().select(arms=["old"]), ["number", Marker("number", above=8.0)], endpoint="os", control="old",
        randomised=False, seed=1, permutations=20,
    )  # fmt: skip
    assert "one arm" in found.refused
    assert found.table["predictive_p"].is_nan().all()
    assert found.table["prognostic_fwer"].is_between(0.0, 1.0).all()
    with pytest.raises(ModelError, match="at least one"):
        screen_markers(small_trial(), [], endpoint="os", **OPTIONS)
