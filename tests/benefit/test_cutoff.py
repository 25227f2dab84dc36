"""Cut-off search: scores against likelihood ratios, the null distribution, and what a cut-off found is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import Marker, compare_arms, search_cutoff
from metachron.benefit.cutoff import balanced_folds
from metachron.benefit.fitting import fit_terms
from metachron.benefit.interaction_process import candidate_cuts, interaction_process, linear_spline
from statistical.marker_trials import marker_trial

OPTIONS = {"endpoint": "os", "control": "old", "randomised": True, "seed": 4}


@pytest.mark.parametrize("endpoint", ["os", "response"])
@pytest.mark.parametrize("strata", [[], ["site"]])
def test_scores_are_nearly_likelihood_ratios_of_the_whole_model(endpoint, strata):
    """The score at the null and the likelihood ratio agree to first order: within 0.1 where both are below 2."""
    comparison = compare_arms(small_trial(2, 400), endpoint=endpoint, control="old", strata=strata, adjust=["yes"])
    values = comparison.patients["number"].to_numpy()
    cuts = np.quantile(values, [0.2, 0.5, 0.8])
    found = interaction_process(comparison, values, cuts)
    for cut, statistic in zip(cuts, found.statistic, strict=True):
        step = (values >= cut).astype(float)
        columns = np.column_stack(
            [comparison.treated, linear_spline(values), step, comparison.treated * step],
        )
        terms = tuple(f"term{index}" for index in range(columns.shape[1]))
        fit = fit_terms(comparison, columns, terms, tested=terms[-1:])
        signed = math.copysign(math.sqrt(fit.likelihood_ratio), fit.coefficients[-1])
        assert statistic == pytest.approx(signed, abs=0.1)
    np.testing.assert_allclose((found.parts**2).sum(axis=0), 1.0)


def test_one_candidate_needs_no_correction():
    """Then the largest score is a normal number: p values agree within five Monte Carlo standard errors.

    The resamples are wider by the square root of d / (d - 6): arm, four columns of the spline, and the step.
    """
    comparison = compare_arms(small_trial(2, 400), endpoint="os", control="old")
    values = comparison.patients["number"].to_numpy()
    found = interaction_process(comparison, values, np.asarray([np.median(values)]))
    events = comparison.event.sum()
    assert found.inflation == pytest.approx(math.sqrt(events / (events - 6.0)))
    plain = math.erfc(abs(found.statistic[0]) / found.inflation / math.sqrt(2.0))
    corrected = found.corrected_p(resamples=20_000, seed=1)
    assert corrected == pytest.approx(plain, abs=5.0 * math.sqrt(plain * (1.0 - plain) / 20_000) + 1e-4)


def test_candidates_leave_enough_on_both_sides():
    values = np.repeat(np.arange(10.0), 10)
    np.testing.assert_array_equal(candidate_cuts(values, 0.2), np.arange(2.0, 9.0))
    assert not len(candidate_cuts(np.zeros(5), 0.1))
    many = candidate_cuts(np.arange(2000.0), 0.1)
    assert (len(many), many[0], many[-1]) == (500, 200.0, 1800.0)


def test_a_spline_has_no_redundant_columns():
    two = linear_spline(np.repeat([0.0, 1.0], 20))
    assert two.shape == (40, 1)
    many = linear_spline(np.random.default_rng(1).normal(size=200))
    assert many.shape == (200, 4)
    assert np.linalg.cond(many) < 1e3


def test_a_planted_cut_off_is_found_and_survives_correction_and_cross_validation():
    """400 patients, hazard ratio 0.3 at or above 0.5 and 1.1 below it."""
    log = np.log([1.1, 0.3])
    cohort = marker_trial(
        np.random.default_rng(6), 400, lambda g, n: g.normal(size=n), lambda x, a: a * log[(x >= 0.5).astype(int)]
    )
    found = search_cutoff(cohort, Marker("marker"), **OPTIONS)
    assert found.cutoff == pytest.approx(0.5, abs=0.25)
    assert found.corrected_p < 0.01
    assert found.naive_effects["effect"][0] > 0.8 > 0.5 > found.naive_effects["effect"][1]
    held = found.validated_effects["effect"]
    assert held[0] > 0.8 > 0.6 > held[1]
    assert len(found.fold_cutoffs) == 5
    again = search_cutoff(cohort, Marker("marker"), **OPTIONS)
    assert (again.corrected_p, again.fold_cutoffs) == (found.corrected_p, found.fold_cutoffs)


def test_without_an_interaction_the_search_looks_better_than_it_is():
    cohort = small_trial(9, 300)
    found = search_cutoff(cohort, Marker("number", transform="log1p"), **OPTIONS, resamples=500, folds=0)
    assert found.corrected_p > found.candidates["naive_p"].min()
    assert found.validated_effects.is_empty()
    same = search_cutoff(cohort, Marker("number"), **OPTIONS, resamples=500, folds=0)
    np.testing.assert_array_equal(found.candidates["cut"], same.candidates["cut"])


def test_folds_are_balanced():
    comparison = compare_arms(small_trial(), endpoint="os", control="old")
    fold = balanced_folds(comparison, 5, np.random.default_rng(1))
    for arm in (0.0, 1.0):
        for event in (False, True):
            counts = np.bincount(fold[(comparison.treated == arm) & (comparison.event == event)], minlength=5)
            assert counts.max() - counts.min() <= 1


def test_refusals():
    cohort = small_trial()
    with pytest.raises(ModelError, match="not randomised"):
        search_cutoff(cohort, Marker("number"), **OPTIONS | {"randomised": False})
    with pytest.raises(ModelError, match="not continuous"):
        search_cutoff(cohort, Marker("kind"), **OPTIONS)
    with pytest.raises(ModelError, match="10 events, on both sides"):
        search_cutoff(cohort, Marker("number"), **OPTIONS, smallest_share=0.6)
