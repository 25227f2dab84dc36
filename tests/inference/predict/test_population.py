"""Survival of arms and hazard ratios against brute force and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.predict import hazard_ratio_over_time, standardised_survival, survival_by_arm
from metachron.inference.predict.hazard_grid import cumulative_on_grid, grid_to
from metachron.inference.predict.population_survival import drawn_parameters
from metachron.inference.predict.subjects import gather, with_arm
from metachron.joint import JointModel, compose
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.vector import draw_prior_values

TIMES = np.asarray([0.25, 1.0, 2.0])
QUADRATURE = 0.004
"""Error of an average over 256 evenly spread points; seen below 0.003."""


def weibull(risk: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return survival (draw, time) under the baseline of the truth and a relative risk per draw."""
    return np.exp(-risk[:, None] * (time / math.exp(0.3)) ** math.exp(0.2))


def drawn_risk(arm: str, count: int = 400_000) -> np.ndarray:
    """Return relative risks of patients drawn from an arm's population of growth rates."""
    mean = {"control": -0.2, "new": -0.9}[arm]
    return np.exp(0.8 * (np.random.default_rng(1).normal(mean, 0.6, count) - math.log(0.5)))


@pytest.mark.parametrize("arm", ["control", "new"])
@pytest.mark.parametrize("predict", [survival_by_arm, standardised_survival])
def test_marginal_survival_is_the_average_over_the_population(
    exact: Fit, arm: str, predict: Callable[..., pl.DataFrame]
) -> None:
    """Without covariates, an arm's own patients and all patients moved to it have the same expected survival."""
    found = predict(exact, TIMES).filter(pl.col("arm") == arm)["survival_q50"].to_numpy()
    assert found == pytest.approx(weibull(drawn_risk(arm), TIMES).mean(axis=0), abs=QUADRATURE)


def test_marginal_hazard_ratio_is_that_of_the_surviving_populations(exact: Fit) -> None:
    ratios = hazard_ratio_over_time(exact, TIMES, "control")
    marginal = ratios.filter(kind="marginal")["hazard_ratio_q50"].to_numpy()
    hazards = []
    for arm in ("new", "control"):
        risk = drawn_risk(arm)
        survival = weibull(risk, TIMES)
        hazards.append((risk[:, None] * survival).mean(axis=0) / survival.mean(axis=0))
    assert marginal == pytest.approx(hazards[0] / hazards[1], rel=0.02)
    assert np.all(np.diff(marginal) > 0), "the fast growers of the worse arm die first, so the ratio moves towards 1"
    conditional = ratios.filter(kind="conditional")["hazard_ratio_q50"].to_numpy()
    assert conditional == pytest.approx(np.full(3, math.exp(0.8 * (-0.9 + 0.2))), rel=1e-9)
    assert ratios["arm"].unique().to_list() == ["new"]


def test_reference_turns_the_ratio_round(exact: Fit) -> None:
    one, other = (hazard_ratio_over_time(exact, TIMES, arm)["hazard_ratio_q50"].to_numpy() for arm in exact.labels.arms)
    assert one * other == pytest.approx(np.ones(6), rel=1e-9)


@pytest.fixture(scope="module")
def survival_only(build: Callable[..., Fit], cohort: Cohort) -> Fit:
    theta = {"death.log_scale_year": 0.3, "death.log_shape": 0.2, "death.beta": np.asarray([-0.5, 0.04])}
    model = compose(dynamics=None, hazard="weibull", covariates=["arm", "age_year"])
    return build(model, cohort, theta, draws=40, jitter=0.2)


def test_without_links_a_covariate_arm_has_a_constant_conditional_ratio(survival_only: Fit) -> None:
    ratios = hazard_ratio_over_time(survival_only, TIMES, "control").filter(kind="conditional")
    beta = survival_only.posterior["death.beta"].to_numpy()[0, :, 0]
    for column, level in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95)):
        expected = np.quantile(np.exp(beta), level)
        assert ratios[f"hazard_ratio_{column}"].to_numpy() == pytest.approx(np.full(3, expected), rel=1e-9)


def test_without_other_covariates_the_marginal_ratio_is_the_same(build: Callable[..., Fit], cohort: Cohort) -> None:
    theta = {"death.log_scale_year": 0.3, "death.log_shape": 0.2, "death.beta": np.asarray([-0.5])}
    fit = build(compose(dynamics=None, hazard="weibull", covariates=["arm"]), cohort, theta)
    assert hazard_ratio_over_time(fit, TIMES, "control")["hazard_ratio_q50"].to_numpy() == pytest.approx(
        np.full(6, math.exp(-0.5)), rel=1e-9
    )


def test_standardisation_keeps_covariates_and_changes_the_arm(build: Callable[..., Fit], cohort: Cohort) -> None:
    theta = {"death.log_scale_year": 0.3, "death.log_shape": 0.2, "death.beta": np.asarray([-0.5, 0.04])}
    fit = build(compose(dynamics=None, hazard="weibull", covariates=["arm", "age_year"]), cohort, theta)
    age = cohort.patients["age_year"].to_numpy()
    risk = np.exp(0.04 * (age - age.mean()))
    mine = {arm: (cohort.patients["arm"] == arm).to_numpy() for arm in fit.labels.arms}
    everyone, own = standardised_survival(fit, TIMES), survival_by_arm(fit, TIMES)
    for arm, effect in (("control", 1.0), ("new", math.exp(-0.5))):
        expected = weibull(effect * risk, TIMES).mean(axis=0)
        assert everyone.filter(arm=arm)["survival_q50"].to_numpy() == pytest.approx(expected, rel=1e-9)
        expected = weibull(effect * risk[mine[arm]], TIMES).mean(axis=0)
        assert own.filter(arm=arm)["survival_q50"].to_numpy() == pytest.approx(expected, rel=1e-9)


def test_the_arm_set_changes_dynamics_and_covariate_alike(
    build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]
) -> None:
    model = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"], covariates=["arm"])
    fit = build(model, cohort, {**truth, "death.beta": np.asarray([0.3])})
    ratio = hazard_ratio_over_time(fit, TIMES, "control").filter(kind="conditional")["hazard_ratio_q50"]
    assert ratio.to_numpy() == pytest.approx(np.full(3, math.exp(0.8 * (-0.9 + 0.2) + 0.3)), rel=1e-9)
    moved = with_arm(fit, "new")
    assert set(np.asarray(moved.arm)) == {1}
    assert np.asarray(moved.columns["hazard"]).tolist() == [[1.0]] * len(fit.labels.patients)


def test_a_study_without_the_arm_cannot_be_moved_to_it(
    build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]
) -> None:
    text = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"]).to_toml()
    model = JointModel.from_toml(text.replace('group = "arm"', 'group = "study-arm"'))
    tables = {**cohort.tables, "patients": cohort.patients.with_columns(study=pl.col("arm") + " study")}
    apart = Cohort.create("two studies", tables, limit_mm=cohort.limit_mm)
    theta = {name: list(v.values()) if isinstance(v, dict) else v for name, v in truth.items()}
    with pytest.raises(ModelError, match="nobody was in new study:control"):
        standardised_survival(build(model, apart, theta), TIMES)
    by_arm = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])
    assert standardised_survival(build(by_arm, apart, truth), TIMES).height == 6


def test_no_hazard_no_second_arm_no_impossible_time(lesion_fit: Fit, exact: Fit) -> None:
    with pytest.raises(ModelError, match="no hazard"):
        survival_by_arm(lesion_fit, TIMES)
    with pytest.raises(ModelError, match="one of them as reference"):
        hazard_ratio_over_time(exact, TIMES, "placebo")
    with pytest.raises(ModelError, match="above 0"):
        hazard_ratio_over_time(exact, [0.0, 1.0])
    with pytest.raises(ModelError, match="from 0 on"):
        survival_by_arm(exact, [-1.0])


@pytest.mark.parametrize(
    ("link", "hazard"), [("log-current-size", "weibull"), ("slope", "piecewise"), ("relative-change", "weibull")]
)
def test_grid_agrees_with_the_likelihoods_own_integral(link: str, hazard: str, cohort: Cohort) -> None:
    """Over draws from the prior; where hardly anybody survives, a relative error no longer matters."""
    model = compose(dynamics="stein-fojo", hazard=hazard, links=[link])
    binding = model.bind(cohort)
    design = gather(binding.design, np.arange(len(cohort.patient_ids)))
    times = np.asarray([0.0, 0.1, 0.9, 3.0])
    grid = grid_to(times, design)
    for seed in range(2):
        values = draw_prior_values(model, binding.dims, jax.random.key(seed))
        parameters = drawn_parameters(model, values.theta, values.patient[: len(design.arm)], design)
        state = patient_state(model, parameters)
        found = np.exp(-np.asarray(cumulative_on_grid(model, values.theta, state, design, grid)))
        for index, time in enumerate(times):
            ends = jnp.zeros(len(design.arm)), jnp.full(len(design.arm), time)
            expected = np.exp(-np.asarray(cumulative_hazard(model, values.theta, state, design, *ends)))
            np.testing.assert_allclose(found[:, index], expected, atol=2e-5)
