"""How often markers are called predictive when they are not, and when they are: trials whose truth is known.

Of 400 trials at the 5 % level, 9 to 31 may err: 20 expected, give or take 2.6 binomial standard errors (4.36).
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from metachron.benefit import Marker, Missing, assess_marker, interaction_power, screen_markers, search_cutoff
from statistical.marker_trials import ACCRUAL_YEAR, FOLLOW_UP_YEAR, marker_trial

TRIALS = 400
LOWEST, HIGHEST = 9, 31


def _yes_no(prevalence: float):
    return lambda generator, count: (generator.random(count) < prevalence).astype(float)


def _found(seed: int, patients: int, draw_marker, log_hazard) -> tuple[int, int]:
    """Return in how many trials the marker is called predictive, and prognostic."""
    predictive = prognostic = 0
    for trial in np.random.SeedSequence(seed).spawn(TRIALS):
        cohort = marker_trial(np.random.default_rng(trial), patients, draw_marker, log_hazard)
        found = assess_marker(cohort, "marker", endpoint="os", control="old", randomised=True)
        predictive += found.conclusion in ("predictive", "both")
        prognostic += found.conclusion in ("prognostic", "both")
    return predictive, prognostic


@pytest.mark.slow
@pytest.mark.parametrize("draw", [_yes_no(0.4), lambda g, n: g.normal(size=n)], ids=["binary", "continuous"])
def test_a_prognostic_marker_is_called_predictive_as_often_as_the_level_says(draw) -> None:
    """400 trials of 300 patients, hazard ratio 2 per step of the marker, 0.7 of the treatment: 1 minute each."""
    predictive, prognostic = _found(20250711, 300, draw, lambda x, a: math.log(0.7) * (1.0 + a) + math.log(2.0) * x)
    print(f"called predictive in {predictive}, prognostic in {prognostic} of {TRIALS} trials")
    assert LOWEST <= predictive <= HIGHEST
    assert prognostic > 0.9 * TRIALS


@pytest.mark.slow
def test_a_marker_without_effect_is_called_prognostic_as_often_as_the_level_says() -> None:
    """400 trials of 300 patients: 1 minute."""
    predictive, prognostic = _found(20250712, 300, _yes_no(0.4), lambda x, a: math.log(0.7) * (1.0 + a) + 0.0 * x)
    print(f"called predictive in {predictive}, prognostic in {prognostic} of {TRIALS} trials")
    assert LOWEST <= predictive <= HIGHEST
    assert LOWEST <= prognostic <= HIGHEST


@pytest.mark.slow
def test_a_predictive_marker_is_found_with_the_power_of_the_closed_form() -> None:
    """400 trials of 600 patients, hazard ratio 0.9 without and 0.5 with the marker: 2 minutes.

    The count is binomial; 2.6 standard errors of it are allowed, as above. The closed form is that of exponential
    models: a Cox model could lose power against it, by less than that.
    """
    rates = {0.0: (0.8, 0.8 * 0.9), 1.0: (0.8, 0.8 * 0.5)}
    hazards = [rate for marker in (0.0, 1.0) for rate in rates[marker]]
    design = {"prevalence": 0.4, "hazards_per_year": hazards}
    expected = interaction_power(600, accrual_year=ACCRUAL_YEAR, follow_up_year=FOLLOW_UP_YEAR, **design).power
    cells = np.log([rates[0.0], rates[1.0]])
    predictive, _ = _found(20250713, 600, _yes_no(0.4), lambda x, a: cells[x.astype(int), a.astype(int)])
    print(f"power {expected:.4f} expected, {predictive / TRIALS:.4f} found")
    assert abs(predictive / TRIALS - expected) <= 2.6 * math.sqrt(expected * (1.0 - expected) / TRIALS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "effect"),
    [
        (20250714, lambda x: 0.0 * x),
        (20250715, lambda x: 0.7 * x),
        (20250716, lambda x: 1.2 * (x > 0.3)),
    ],
    ids=["no effect", "prognostic along a line", "prognostic by a step"],
)
def test_the_corrected_cut_off_search_errs_as_often_as_the_level_says(seed, effect) -> None:
    """400 trials of 300 patients, the marker prognostic or not, never predictive: 2 minutes each.

    The naive p value of the cut-off found errs far more often, which is why it needs correction. Each trial has
    multipliers of its own: shared ones would share the error of 500 resamples, which is 1 % at the level of 5 %.
    """
    corrected = naive = 0
    for index, trial in enumerate(np.random.SeedSequence(seed).spawn(TRIALS)):
        cohort = marker_trial(
            np.random.default_rng(trial),
            300,
            lambda generator, count: generator.normal(size=count),
            lambda x, a: math.log(0.7) * (1.0 + a) + effect(x),
        )
        found = search_cutoff(
            cohort, Marker("marker"), endpoint="os", control="old", randomised=True, seed=index, resamples=500, folds=0
        )
        corrected += found.corrected_p <= 0.05
        naive += found.naive_p <= 0.05
    print(f"corrected p value at most 0.05 in {corrected}, naive in {naive} of {TRIALS} trials")
    assert LOWEST <= corrected <= HIGHEST
    assert naive > 2 * HIGHEST


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["continuous", "binary"])
def test_imputed_markers_have_intervals_that_hold_the_truth(kind) -> None:
    """300 trials of 400 patients, the marker more often missing after an event (missing at random): 4 minutes each.

    Missing in 40 % of those with and 10 % of those without an event, so that complete cases are a biased sample. 95 %
    intervals should hold the true interaction (log 0.6) and, in the control arm, the true effect of the marker (log
    1.5) in 285 of 300 trials; 2.6 binomial standard errors (3.8) are allowed below.
    """
    truth = {"predictive": math.log(0.6), "prognostic": math.log(1.5)}
    held = dict.fromkeys(truth, 0)
    for trial in np.random.SeedSequence(20250717).spawn(300):
        generator = np.random.default_rng(trial)
        cohort = marker_trial(
            generator,
            400,
            _yes_no(0.4) if kind == "binary" else lambda g, n: g.normal(size=n),
            lambda x, a: truth["prognostic"] * x + truth["predictive"] * a * x - 0.2 * a,
        )
        died = cohort.patients["patient"].is_in(cohort.events["patient"].implode()).to_numpy()
        missing = generator.random(400) < np.where(died, 0.4, 0.1)
        marker = pl.when(pl.Series(missing)).then(None).otherwise(pl.col("marker"))
        cohort = cohort.with_rows({"patients": cohort.patients.with_columns(marker=marker)})
        spec = Marker("marker", kind="categorical" if kind == "binary" else "continuous")
        found = assess_marker(
            cohort, spec, endpoint="os", control="old", randomised=True, missing=Missing("imputation", 10, seed=1)
        )
        for question, true in truth.items():
            effect = getattr(found, question).effects.row(0, named=True)
            held[question] += effect["lower"] <= math.exp(true) <= effect["upper"]
    print(f"{kind}: intervals hold the truth in {held} of 300 trials")
    assert min(held.values()) >= 275


@pytest.mark.slow
def test_screening_rarely_finds_any_predictive_marker_where_some_are_prognostic() -> None:
    """200 trials of 300 patients with five correlated markers, two of them prognostic, none predictive: 3 minutes.

    Any family-wise p value of at most 0.05 is an error; 10 of 200 are expected, and 2 to 18 allowed (2.6 binomial
    standard errors). The permutations take all markers to be without any effect, which two are not.
    """
    wrong = 0
    for index, trial in enumerate(np.random.SeedSequence(20250718).spawn(200)):
        generator = np.random.default_rng(trial)
        shared = generator.normal(size=300)
        markers = {f"m{k}": 0.6 * shared + 0.8 * generator.normal(size=300) for k in range(5)}
        told = 0.6 * markers["m0"] - 0.5 * markers["m1"]
        cohort = marker_trial(generator, 300, lambda g, n, told=told: told, lambda x, a: x - 0.3 * a)
        cohort = cohort.with_rows({"patients": cohort.patients.with_columns(**markers)})
        found = screen_markers(
            cohort, list(markers), endpoint="os", control="old", randomised=True, seed=index, permutations=99
        ).table
        wrong += found["predictive_fwer"].min() <= 0.05
    print(f"some marker is called predictive in {wrong} of 200 trials")
    assert 2 <= wrong <= 18
