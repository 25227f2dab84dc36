"""Imputation draws, its predictors, and Rubin's rules worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, f, t

from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import Marker, code_marker, compare_arms, impute_marker, pool
from metachron.benefit.imputation import Incomplete, impute_chained, nelson_aalen
from metachron.benefit.imputation_draws import draw_levels, draw_numbers
from metachron.survival.observed import observe


def test_nelson_aalen_by_hand():
    """Deaths at 1 and twice at 3 of five patients: 1/5, then 2/3 of the three left."""
    observed = observe([1.0, 2.0, 3.0, 3.0, 4.0], [1, 0, 1, 1, 0])
    np.testing.assert_allclose(nelson_aalen(observed), [0.2, 0.2, 0.2 + 2 / 3, 0.2 + 2 / 3, 0.2 + 2 / 3])


def test_rubins_rules_by_hand():
    """Estimates 1, 2, 3 with variance 0.5: between 1, total 0.5 + 4/3; degrees of freedom of Barnard and Rubin."""
    found = pool(np.asarray([[1.0], [2.0], [3.0]]), np.full((3, 1, 1), 0.5), complete_freedom=100.0)
    total = 0.5 + 4.0 / 3.0
    share = (4.0 / 3.0) / total
    old, observed = 2.0 / share**2, 101.0 / 103.0 * 100.0 * (1.0 - share)
    freedom = old * observed / (old + observed)
    assert found.estimate[0] == 2.0
    assert found.covariance[0, 0] == pytest.approx(total)
    assert found.missing_information[0] == pytest.approx(share)
    assert found.degrees_of_freedom[0] == pytest.approx(freedom)
    assert found.wald_p() == pytest.approx(2.0 * t.sf(2.0 / np.sqrt(total), freedom))


def test_the_joint_test_by_hand():
    """D1 of Li, Raghunathan and Rubin 1991, equations 1.17 to 1.19, for two coefficients and four data sets."""
    generator = np.random.default_rng(1)
    estimates = np.asarray([1.0, -0.5]) + 0.2 * generator.normal(size=(4, 2))
    within = np.asarray([[0.2, 0.05], [0.05, 0.1]])
    found = pool(estimates, np.tile(within, (4, 1, 1)), complete_freedom=200.0)
    between = np.cov(estimates.T)
    ratio = 1.25 * np.trace(between @ np.linalg.inv(within)) / 2.0
    mean = estimates.mean(axis=0)
    statistic = mean @ np.linalg.inv(within) @ mean / (2.0 * (1.0 + ratio))
    freedom = 4.0 + (6.0 - 4.0) * (1.0 + (1.0 - 2.0 / 6.0) / ratio) ** 2
    assert found.wald_p() == pytest.approx(f.sf(statistic, 2, freedom))


def test_one_data_set_is_complete():
    within = np.asarray([[0.2, 0.05], [0.05, 0.1]])
    found = pool(np.asarray([[0.5, 0.3]]), within[None], complete_freedom=30.0)
    wald = np.asarray([0.5, 0.3]) @ np.linalg.inv(within) @ [0.5, 0.3]
    assert found.wald_p() == pytest.approx(chi2.sf(wald, 2))
    assert np.isinf(found.degrees_of_freedom).all()


def test_numbers_are_drawn_from_the_regression_with_its_uncertainty():
    """Posterior predictive of a linear regression: a t distribution about the line; five Monte Carlo errors."""
    generator = np.random.default_rng(2)
    known = np.column_stack([np.ones(12), np.arange(12.0)])
    values = 1.0 + 0.5 * np.arange(12.0) + generator.normal(size=12)
    wanted = np.asarray([[1.0, 20.0]])
    drawn = np.asarray([draw_numbers(values, known, wanted, generator=generator)[0] for _ in range(20_000)])
    beta = np.linalg.lstsq(known, values, rcond=None)[0]
    sigma2 = ((values - known @ beta) ** 2).sum() / 10.0
    scale = np.sqrt(sigma2 * (1.0 + wanted[0] @ np.linalg.inv(known.T @ known) @ wanted[0]))
    assert drawn.mean() == pytest.approx(wanted[0] @ beta, abs=5.0 * scale * np.sqrt(10 / 8 / 20_000))
    for level in (0.05, 0.95):
        share = (drawn < wanted[0] @ beta + scale * t.ppf(level, 10)).mean()
        assert share == pytest.approx(level, abs=5.0 * np.sqrt(0.05 * 0.95 / 20_000))


def test_levels_are_drawn_with_their_chances_and_stay_finite_when_separated():
    generator = np.random.default_rng(3)
    known = np.ones((900, 1))
    level = np.repeat([0, 1, 2], [450, 300, 150])
    drawn = draw_levels(level, known, np.ones((30_000, 1)), levels=3, generator=generator)
    np.testing.assert_allclose(np.bincount(drawn) / 30_000, [0.5, 1 / 3, 1 / 6], atol=5.0 * np.sqrt(0.25 / 900))
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    told = (np.arange(40) > 19).astype(int)
    edge = draw_levels(told, x, x, levels=2, generator=generator)
    assert (edge == told).mean() > 0.8
    assert set(draw_levels(told, x, np.tile([1.0, 19.5], (200, 1)), levels=2, generator=generator)) <= {0, 1}


def test_chained_equations_keep_what_two_variables_say_of_each_other():
    """Correlation 0.8, a third of each missing: it is recovered to the error of 1,500 pairs, means do not move."""
    generator = np.random.default_rng(4)
    both = generator.multivariate_normal([1.0, -1.0], [[1.0, 0.8], [0.8, 1.0]], size=1500)
    first, second = both[:, :1].copy(), both[:, 1:].copy()
    first[generator.random(1500) < 0.33], second[generator.random(1500) < 0.33] = np.nan, np.nan
    filled = impute_chained([Incomplete(first), Incomplete(second)], np.zeros((1500, 0)), generator)
    assert not any(np.isnan(columns).any() for columns in filled)
    np.testing.assert_array_equal(filled[0][~np.isnan(first)], first[~np.isnan(first)])
    found = np.corrcoef(filled[0][:, 0], filled[1][:, 0])[0, 1]
    assert found == pytest.approx(0.8, abs=5.0 * (1.0 - 0.8**2) / np.sqrt(700))


def test_imputed_markers_keep_known_values_levels_and_seed():
    kind = np.random.default_rng(5).choice(["a", "b", "c"], 200).astype(object)
    kind[::7] = None
    cohort = small_trial(kind=pl.Series(list(kind), dtype=pl.String))
    comparison = compare_arms(cohort, endpoint="os", control="old", adjust=["yes"])
    coding = code_marker("kind", comparison.patients)
    made = impute_marker(comparison, coding, imputations=3, seed=1, auxiliary=["number"])
    matrix = coding.columns(comparison.patients)
    known = ~np.isnan(matrix).any(axis=1)
    for one in made:
        np.testing.assert_array_equal(one[known], matrix[known])
        assert set(map(tuple, one)) <= {(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)}
    assert any((made[0] != made[1]).ravel())
    again = impute_marker(comparison, coding, imputations=3, seed=1, auxiliary=["number"])
    np.testing.assert_array_equal(made[2], again[2])


def test_what_cannot_be_imputed_is_refused():
    number = np.full(200, np.nan)
    number[:6] = np.arange(6.0)
    cohort = small_trial(number=pl.Series(number).fill_nan(None))
    comparison = compare_arms(cohort, endpoint="os", control="old", adjust=["yes"])
    coding = code_marker(Marker("number"), comparison.patients)
    with pytest.raises(ModelError, match="too few for 4 predictors"):
        impute_marker(comparison, coding, imputations=5, seed=1)
    with pytest.raises(ModelError, match="at least 2"):
        impute_marker(comparison, coding, imputations=1, seed=1)
