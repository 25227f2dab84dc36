"""Markers in models, on simulated trials whose truth is known: ratios of growth, and what the horseshoe shrinks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benefit.sized_trials import SLOPE, STEIN_FOJO, sized_trial
from metachron.base import Prior
from metachron.benefit import Missing, assess_growth
from metachron.cohort import Cohort
from metachron.inference import fit
from metachron.inference.criticism import find_unidentified
from metachron.joint import Covariate, JointModel, VisitPlan, compose, horseshoe_prior, patients_in_arms

SIGNAL = (0.5, -0.5)
NULL_COLUMNS = 10


@pytest.mark.slow
def test_growth_rates_by_marker_are_recovered():
    """8 minutes on a busy machine. x multiplies growth by exp(0.4) for each unit in the control arm and by exp(-0.2)
    under treatment, and leaves shrinkage; with 120 patients each 99 % interval holds the truth, and x is predictive of
    growth alone."""
    cohort = sized_trial(
        "stein-fojo", STEIN_FOJO, {"growth": ["x", "arm:x"]}, {"log_growth_per_year.beta": [0.4, -0.6]}, per_arm=60,
        seed=21,
    )  # fmt: skip
    found = assess_growth(cohort, ["x"], control="old", randomised=True, law="stein-fojo", level=0.01)
    by_parameter = {one.endpoint: one for one in found.assessments}
    growth, shrinkage = by_parameter["growth_per_year"], by_parameter["shrinkage_per_year"]
    for one, prognostic, predictive in ((growth, 0.4, -0.6), (shrinkage, 0.0, 0.0)):
        for test, truth in ((one.prognostic, prognostic), (one.predictive, predictive)):
            row = test.effects.row(0, named=True)
            assert row["lower"] < np.exp(truth) < row["upper"]
    assert growth.conclusion == "both"
    assert shrinkage.conclusion == "not shown"
    # Wald and likelihood ratio are two computations of the same question, alike in large samples
    for one in (growth, shrinkage):
        wald = (np.log(one.predictive.effects["effect"][0]) / one.predictive.effects["standard_error"][0]) ** 2
        assert one.predictive.likelihood_ratio == pytest.approx(wald, rel=0.25, abs=0.5)


@pytest.mark.slow
def test_imputing_keeps_the_effect_that_is_hidden_at_random():
    """5 minutes on a busy machine. A third of x is hidden at random: the imputed interaction is within 2.5 of its
    standard errors of the truth, the share of missing information lies between 0 and a half, and nobody is left out."""
    cohort = sized_trial(
        "random-slope-log", SLOPE, {"growth": ["x", "arm:x"]}, {"slope_per_year.beta": [0.3, -0.6]}, per_arm=60,
        seed=22, observation="additive",
    )  # fmt: skip
    hidden = pl.when(pl.int_range(120) % 3 == 0).then(None).otherwise("x").alias("x")
    lacking = cohort.with_rows({"patients": cohort.patients.with_columns(hidden)})
    found = assess_growth(
        lacking, ["x"], control="old", randomised=True, law="random-slope-log", observation="additive",
        parameters=["growth"], missing=Missing("imputation", imputations=5, seed=1),
    )  # fmt: skip
    (one,) = found.assessments
    row = one.predictive.effects.row(0, named=True)
    assert abs(row["coefficient"] + 0.6) < 2.5 * row["standard_error"]
    assert 0.0 < one.predictive.missing_information < 0.5
    assert len(one.imputed) == 40
    assert one.left_out.is_empty()
    assert np.isnan(one.predictive.likelihood_ratio)


def _twelve_markers() -> Cohort:
    """Return 100 patients with 12 markers, of which the first two move growth."""
    names = [f"m{index:02d}" for index in range(len(SIGNAL) + NULL_COLUMNS)]
    generator = np.random.default_rng(23)
    patients = patients_in_arms({"new": 50, "old": 50})
    patients = patients.with_columns(pl.Series(name, generator.normal(size=100)) for name in names)
    beta = np.concatenate([SIGNAL, np.zeros(NULL_COLUMNS)])
    truth = {**SLOPE, "slope_per_year.beta": beta}
    plan = VisitPlan(visit_day=(-7.0, *(56.0 * visit for visit in range(1, 7))), cutoff_day=1000.0)
    return _model(Prior("normal", (0.0, 1.0)), names).simulate(truth, patients, plan, seed=24)


def _model(prior: Prior, names: list[str]) -> JointModel:
    model = compose(
        dynamics="random-slope-log", observation="additive", hazard=None, dynamics_covariates={"slope_per_year": names}
    )
    assert model.dynamics is not None
    parameters = tuple(replace(p, beta_prior=prior) if p.covariates else p for p in model.dynamics.parameters)
    codings = tuple(Covariate(name, centre=0.0) for name in names)
    return replace(model, dynamics=replace(model.dynamics, parameters=parameters), covariates=codings)


@pytest.mark.slow
def test_the_horseshoe_shrinks_what_has_no_effect_and_leaves_what_has():
    """2 minutes. Two of twelve markers have an effect: the horseshoe converges, takes the others
    nearer to 0 than a normal prior does, with a standard deviation smaller on average by a tenth at least, and keeps at
    least 80 % of the two effects that the normal prior finds."""
    cohort = _twelve_markers()
    names = [name for name in cohort.patients.columns if name.startswith("m")]
    shrinking = horseshoe_prior(expected=2, columns=len(names), patients=100, spread=0.5)
    options = {"engine": "nuts", "chains": 2, "warmup": 600, "draws": 600, "seed": 25, "target_acceptance": 0.95}
    found, spread = [], []
    for prior in (shrinking, Prior("normal", (0.0, 1.0))):
        draws = fit(_model(prior, names), cohort, **options)  # type: ignore[arg-type]
        beta = draws.posterior["slope_per_year.beta"].to_numpy().reshape(-1, len(names))
        found.append(beta.mean(axis=0))
        spread.append(beta.std(axis=0))
        asked = [name for one in find_unidentified(draws) for name in one.parameters]
        assert not any(part in name for name in asked for part in ("_global", "_local", "_slab"))
    null = slice(len(SIGNAL), None)
    assert np.mean(np.abs(found[0][null])) < 0.8 * np.mean(np.abs(found[1][null]))
    assert np.mean(spread[0][null]) < 0.9 * np.mean(spread[1][null])
    assert (np.abs(found[0][: len(SIGNAL)]) > 0.8 * np.abs(found[1][: len(SIGNAL)])).all()
