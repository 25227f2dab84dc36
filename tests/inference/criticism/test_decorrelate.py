"""Prediction errors of records whose distribution is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from metachron.inference.criticism.decorrelate import prediction_errors
from metachron.inference.criticism.normal_tests import LEVEL, SHAPIRO_MOST, judge_normal

RECORDS, REPLICATES = 600, 399
MEAN = np.asarray([1.0, 0.5, 2.0])
FACTOR = np.asarray([[0.8, 0.0, 0.0], [0.5, 0.4, 0.0], [0.3, 0.6, 0.7]])
NO_LIMIT = -np.inf


def draw(count: int, rng: np.random.Generator) -> np.ndarray:
    return MEAN + rng.normal(size=(count, 3)) @ FACTOR.T


def errors_of(records: np.ndarray, rng: np.random.Generator, limit: float = NO_LIMIT) -> np.ndarray:
    return np.asarray([prediction_errors(one, draw(REPLICATES, rng), limit, rng) for one in records])


def assert_standard_normal(errors: np.ndarray) -> None:
    """Mean 0 and variance 1 within 5 standard errors, sqrt(1 / n) and sqrt(2 / n)."""
    assert abs(errors.mean()) < 5 * np.sqrt(1 / errors.size)
    assert abs(errors.var() - 1) < 5 * np.sqrt(2 / errors.size)


def test_errors_of_a_normal_record_are_its_closed_form() -> None:
    """With the covariance known the errors are L^-1 (y - m); a rank among K has the error sqrt(p (1 - p) / K)."""
    rng, count = np.random.default_rng(1), 40_000
    record = np.asarray([1.6, 0.2, 2.9])
    expected = np.linalg.solve(FACTOR, record - MEAN)
    level = norm.cdf(expected)
    tolerance = 5 * np.sqrt(level * (1 - level) / count) / norm.pdf(expected) + 0.02  # 0.02: the covariance's own error
    found = prediction_errors(record, draw(count, rng), NO_LIMIT, rng)
    assert (np.abs(found - expected) < tolerance).all()


def test_errors_of_many_records_are_standard_normal_and_uncorrelated() -> None:
    rng = np.random.default_rng(2)
    errors = errors_of(draw(RECORDS, rng), rng)
    for column in errors.T:
        assert_standard_normal(column)
    correlation = np.corrcoef(errors, rowvar=False)[np.triu_indices(3, 1)]
    assert (np.abs(correlation) < 5 / np.sqrt(RECORDS)).all()


def test_no_scale_changes_the_errors() -> None:
    rng = np.random.default_rng(3)
    record, replicates = draw(1, rng)[0], draw(REPLICATES, rng)
    plain = prediction_errors(record, replicates, 0.4, np.random.default_rng(4))
    curved = prediction_errors(np.exp(record), np.exp(replicates), np.exp(0.4), np.random.default_rng(4))
    np.testing.assert_array_equal(plain, curved)


def test_values_below_the_limit_are_handled_by_their_probability() -> None:
    """Half the first and a fifth of the second values are known only to lie below the limit: errors stay normal."""
    rng = np.random.default_rng(5)
    records = draw(RECORDS, rng)
    known = np.where(records < 1.0, -np.inf, records)
    assert np.isneginf(known).mean(axis=0)[0] > 0.4
    errors = errors_of(known, rng, limit=1.0)
    for column in errors.T:
        assert_standard_normal(column)
    share = norm.cdf(1.0, MEAN[0], FACTOR[0, 0])
    censored = np.isneginf(known[:, 0])
    assert errors[censored, 0].max() < ndtri(share) + 0.3  # a share among 400 errs by 0.025, the quantile by 0.07
    assert errors[~censored, 0].min() > ndtri(share) - 0.3


def test_records_that_end_because_of_what_they_show_are_judged_fairly() -> None:
    """The third value is recorded only where the second is low, as scans end with progression."""
    rng = np.random.default_rng(6)
    records = draw(3 * RECORDS, rng)
    seen = records[:, 1] < 0.3
    errors = errors_of(records[seen], rng)[:, 2]
    assert len(errors) > 400
    assert_standard_normal(errors)
    scores = (records[seen, 2] - MEAN[2]) / np.linalg.norm(FACTOR[2])
    assert abs(scores.mean()) > 5 / np.sqrt(len(scores)), "judged alone, the third value would look wrong"


def test_judge_normal_knows_normal_errors_and_others() -> None:
    rng = np.random.default_rng(7)
    normal = rng.normal(size=2000)
    assert judge_normal(normal).joint_p > LEVEL
    assert "no further" in judge_normal(normal).sentence
    assert judge_normal(normal + 0.2).mean_p < 1e-6
    assert "above what is predicted" in judge_normal(normal + 0.2).sentence
    assert judge_normal(1.2 * normal).variance_p < 1e-6
    assert "more scatter" in judge_normal(1.2 * normal).sentence
    skewed = rng.exponential(size=2000) - 1.0
    assert judge_normal(skewed).normality_p < 1e-6
    assert judge_normal(skewed).joint_p == 3 * min(
        judge_normal(skewed).mean_p, judge_normal(skewed).variance_p, judge_normal(skewed).normality_p
    )


def test_judge_normal_p_values_are_those_of_the_tests() -> None:
    """Over 400 samples of true normal errors each p value is uniform: a share of 0.05 below 0.05, error 0.011."""
    rng = np.random.default_rng(8)
    found = [judge_normal(rng.normal(size=60)) for _ in range(400)]
    for name in ("mean_p", "variance_p", "normality_p"):
        assert np.mean([getattr(one, name) < 0.05 for one in found]) == pytest.approx(0.05, abs=5 * 0.011)


@pytest.mark.parametrize("count", [0, 2, SHAPIRO_MOST + 1])
def test_judge_normal_of_very_few_and_very_many(count: int) -> None:
    found = judge_normal(np.random.default_rng(9).normal(size=count))
    assert found.count == count
    assert np.isnan(found.joint_p) == (count < 3)
    assert found.as_dict()["joint_p"] == (None if count < 3 else found.joint_p)
    assert ("too few" in found.sentence) == (count < 3)
