"""The log density against an independent implementation, and its gradient against finite differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import beta, halfnorm, norm

from joint.designs import prior_values
from joint.reference_density import Patient, event_term, read_patients, sizes_term
from joint.small_cohort import PATIENTS, small_cohort, small_tables
from metachron.cohort import Cohort
from metachron.joint import Binding, Covariate, JointModel, Values, compose
from metachron.joint.likelihood import event_log_likelihood
from metachron.joint.population import patient_parameters
from metachron.joint.vector import effect_shapes, median_values, pack, unpack, vector_size

EFFECTS = np.random.default_rng(8).normal(size=(8, 4))
MEAN_AGE = float(np.mean(PATIENTS["age_year"].to_numpy()))


def density_at(model: JointModel, binding: Binding, theta: Mapping[str, Any], effects: np.ndarray) -> float:
    named = {name: jnp.asarray(value, dtype=float) for name, value in theta.items()}
    vector = pack(Values(named, jnp.asarray(effects), jnp.zeros((0, 0))), model, binding.dims)
    return float(model.log_density(vector, binding.design, binding.dims))


def log_prior(model: JointModel, binding: Binding, theta: Mapping[str, Any], effects: np.ndarray) -> float:
    """Return the log prior on the real line: normal or half-normal as stated, with the Jacobian log|d value/d free|."""
    total = norm.logpdf(effects).sum()
    for site in model.sites(binding.dims):
        value, args = np.asarray(theta[site.name]), site.prior.args
        if site.prior.family == "normal":
            total += norm(*args).logpdf(value).sum()
        elif site.prior.family == "half_normal":
            total += (halfnorm(scale=args[0]).logpdf(value) + np.log(value)).sum()
        else:
            r = value[1, 0]
            total += beta(args[0], args[0], -1.0, 2.0).logpdf(r) + np.log1p(-r * r)
    return total


CONSTANT = {
    "log_baseline_mm.mean": 3.9, "log_baseline_mm.sd": 0.6,
    "log_shrinkage_per_year.mean": [0.2, -0.3], "log_shrinkage_per_year.sd": 0.8,
    "log_growth_per_year.mean": [-0.9, -0.4, -0.6, -1.2], "log_growth_per_year.sd": [0.5, 0.9],
    "log_growth_per_year.beta": [0.03], "residual.proportional": 0.18, "death.log_scale_year": 0.5,
    "death.log_shape": 0.25, "death.beta": [-0.4], "death.link[log-growth]": 0.7, "death.link[time-to-growth]": -0.6,
}  # fmt: skip


def constant_model() -> JointModel:
    """Stein-Fojo, proportional scatter, Weibull; growth by study and arm, its spread by arm, with a covariate."""
    model = compose(
        dynamics="stein-fojo", links=["log-growth", "time-to-growth"], covariates=["sex"],
        dynamics_covariates={"growth_per_year": ["age_year"]},
    )  # fmt: skip
    part = model.dynamics
    assert part is not None
    *others, growth = part.parameters
    grown = dataclasses.replace(growth, group="study-arm", spread="arm")
    part = dataclasses.replace(part, parameters=(*others, grown))
    return dataclasses.replace(model, dynamics=part, covariates=(Covariate("sex", reference="male"),))


def constant_term(patient: Patient, effects: np.ndarray) -> float:
    t, arm = CONSTANT, ["A", "B"].index(str(patient.row["arm"]))
    group = ["S1:A", "S1:B", "S2:A", "S2:B"].index(f"{patient.row['study']}:{patient.row['arm']}")
    age = float(str(patient.row["age_year"])) - MEAN_AGE
    b = np.exp(t["log_baseline_mm.mean"] + 0.6 * effects[0])
    s = np.exp(t["log_shrinkage_per_year.mean"][arm] + 0.8 * effects[1])
    g = np.exp(t["log_growth_per_year.mean"][group] + 0.03 * age + t["log_growth_per_year.sd"][arm] * effects[2])

    def size(time: float) -> float:
        return b * (np.exp(-s * time) + np.exp(g * time) - 1.0) if time >= 0 else b * np.exp(g * time)

    turn = min(max(np.log(s / g) / (s + g), 0.0), 5.0)
    predictor = 0.7 * np.log(g / 0.5) - 0.6 * turn - 0.4 * (patient.row["sex"] == "female")
    scale, shape = np.exp(0.5), np.exp(0.25)

    def hazard(time: float) -> float:
        return shape / scale * (time / scale) ** (shape - 1.0) * np.exp(predictor)

    return sizes_term(patient, size, lambda time: 0.18 * size(time), float) + event_term(patient, hazard)


def test_a_model_with_constant_links_agrees_with_numpy() -> None:
    cohort = small_cohort()
    model = constant_model()
    binding = model.bind(cohort)
    effects = EFFECTS[:, :3]
    patients = read_patients(small_tables(), limit_mm=5.0)
    likelihood = sum(constant_term(patient, effects[i]) for i, patient in enumerate(patients))
    expected = likelihood + log_prior(model, binding, CONSTANT, effects)
    assert density_at(model, binding, CONSTANT, effects) == pytest.approx(expected, rel=1e-10, abs=1e-8)


CORRELATION = -0.35
MOVING = {
    "baseline.mean": 3.1, "baseline.sd": 0.9, "slope_per_year.mean": [-1.0, 0.4], "slope_per_year.sd": 1.3,
    "effects.correlation": [[1.0, 0.0], [CORRELATION, np.sqrt(1 - CORRELATION**2)]], "residual.additive": 0.7,
    "death.log_rate_per_year": -0.8, "death.shape_per_year": 0.5, "death.beta": [0.02],
    "death.link[current-value]": 0.25,
}  # fmt: skip


def moving_term(patient: Patient, effects: np.ndarray) -> float:
    """Random slope on the Box-Cox scale with correlated effects; Gompertz hazard, linked to the current value."""
    arm = ["A", "B"].index(str(patient.row["arm"]))
    correlated = CORRELATION * effects[0] + np.sqrt(1 - CORRELATION**2) * effects[1]
    baseline = 3.1 + 0.9 * effects[0]
    slope = MOVING["slope_per_year.mean"][arm] + 1.3 * correlated
    age = float(str(patient.row["age_year"])) - MEAN_AGE

    def hazard(time: float) -> float:
        return np.exp(-0.8 + 0.5 * time + 0.02 * age + 0.25 * (baseline + slope * time))

    def boxcox(size: float) -> float:
        return ((size / 10.0) ** 0.3 - 1.0) / 0.3

    sizes = sizes_term(patient, lambda time: baseline + slope * time, lambda _: 0.7, boxcox)
    return sizes + event_term(patient, hazard)


def test_a_model_with_a_moving_link_agrees_with_numpy() -> None:
    model = compose(
        dynamics="random-slope-boxcox", hazard="gompertz", links=["current-value"], covariates=["age_year"],
        covariance="full",
    )  # fmt: skip
    binding = model.bind(small_cohort())
    effects = EFFECTS[:, :2]
    patients = read_patients(small_tables(), limit_mm=5.0)
    likelihood = sum(moving_term(patient, effects[i]) for i, patient in enumerate(patients))
    expected = likelihood + log_prior(model, binding, MOVING, effects)
    assert density_at(model, binding, MOVING, effects) == pytest.approx(expected, rel=1e-10, abs=1e-8)


ROUND_TRIP = [
    compose(dynamics="gsf", links=["log-growth"], covariance="full", covariates=["sex"]),
    compose(dynamics="claret-bruno", size="lesion", hazard="m-spline", links=["shared-effects"]),
    compose(dynamics=None, hazard="piecewise"),
    compose(dynamics="wang", hazard=None, observation="combined"),
]


@pytest.mark.parametrize("model", ROUND_TRIP, ids=["full covariance", "lesions", "survival", "sizes"])
def test_pack_undoes_unpack(model: JointModel) -> None:
    by_lesion = model.dynamics is not None and model.dynamics.size == "lesion"
    binding = model.bind(small_cohort(by_lesion=by_lesion))
    values = prior_values(model, binding, 2)
    vector = pack(values, model, binding.dims)
    assert vector.shape == (vector_size(model, binding.dims),)
    back, _ = unpack(vector, model, binding.dims)
    assert set(back.theta) == set(values.theta) == {site.name for site in model.sites(binding.dims)}
    for name, value in values.theta.items():
        np.testing.assert_allclose(back.theta[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(back.patient, values.patient)
    np.testing.assert_array_equal(back.lesion, values.lesion)
    np.testing.assert_allclose(pack(back, model, binding.dims), vector, rtol=1e-9, atol=1e-12)
    assert (back.patient.shape, back.lesion.shape) == effect_shapes(model, binding.dims)


@pytest.mark.parametrize("model", ROUND_TRIP[:3], ids=["full covariance", "lesions", "survival"])
def test_gradient_is_the_finite_difference(model: JointModel) -> None:
    """Along three directions; central differences with step 1e-5 err by 1e-10 (step) and 1e-6 (rounding)."""
    by_lesion = model.dynamics is not None and model.dynamics.size == "lesion"
    binding = model.bind(small_cohort(by_lesion=by_lesion))
    rng = np.random.default_rng(1)
    vector = jnp.asarray(rng.uniform(-0.5, 0.5, vector_size(model, binding.dims)))

    def density(x: jnp.ndarray) -> jnp.ndarray:
        return model.log_density(x, binding.design, binding.dims)

    gradient = jax.grad(density)(vector)
    for direction in rng.normal(size=(3, len(vector))):
        difference = (density(vector + 1e-5 * direction) - density(vector - 1e-5 * direction)) / 2e-5
        np.testing.assert_allclose(gradient @ direction, difference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("links", [[], ["log-current-size"]])
def test_an_interval_may_begin_at_day_0(links: list[str]) -> None:
    """P2 dies between day 0 and 260: log[1 - exp(-H)], finite with its gradient for a hazard infinite at day 0."""
    tables = small_tables()
    events = tables["events"].with_columns(
        day_lower=pl.when(pl.col("patient") == "P2").then(0.0).otherwise("day_lower")
    )
    model = compose(dynamics="random-slope-log" if links else None, hazard="weibull", links=links)
    binding = model.bind(Cohort.create("early", {**tables, "events": events}))
    values = median_values(model, binding.dims)
    values.theta["death.log_shape"] = jnp.asarray(np.log(0.5))

    def of_p2(shape: jnp.ndarray) -> jnp.ndarray:
        theta = {**values.theta, "death.log_shape": shape}
        return model.log_likelihood_by_patient(values._replace(theta=theta), binding.design, binding.dims)[1]

    value, slope = jax.value_and_grad(of_p2)(jnp.asarray(np.log(0.5)))
    assert np.isfinite(slope)
    if not links:
        scale = np.exp(float(values.theta["death.log_scale_year"]))
        assert float(value) == pytest.approx(np.log(1 - np.exp(-np.sqrt(260 / 365.25 / scale))), rel=1e-12)


def test_the_density_does_not_know_the_name_of_the_model() -> None:
    model, cohort = compose(hazard=None), small_cohort()
    binding = model.bind(cohort)
    vector = jnp.zeros(vector_size(model, binding.dims))
    renamed = dataclasses.replace(model, name="other")
    assert float(model.log_density(vector, binding.design, binding.dims)) == float(
        renamed.log_density(vector, binding.design, binding.dims)
    )


def test_a_trajectory_that_explodes_gains_nothing_from_a_death() -> None:
    """Growth by exp(40) a year, hazard with the size: the death is certain long before its day, and says so."""
    model, cohort = compose(dynamics="stein-fojo", links=["current-size"]), small_cohort()
    binding = model.bind(cohort)
    theta = dict(median_values(model, binding.dims).theta) | {"death.link[current-size]": jnp.asarray(0.01)}
    mild = jnp.zeros(effect_shapes(model, binding.dims)[0])
    wild = mild.at[:, 2].set(40.0 / theta["log_growth_per_year.sd"])

    def by_patient(effects: jax.Array) -> np.ndarray:
        values = Values(theta, effects, jnp.zeros((0, 0)))
        return np.asarray(event_log_likelihood(model, theta, patient_parameters(model, values, binding.design),
                                               binding.design, binding.dims))  # fmt: skip

    events = binding.design.events
    assert events is not None
    died = np.asarray(events.exact) > 0
    assert died.any()
    assert np.isfinite(by_patient(wild)).all()
    assert (by_patient(wild)[died] < by_patient(mild)[died] - 1e6).all()
