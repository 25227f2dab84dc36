"""Effects of single lesions integrated out within those of their patient, against closed forms on straight lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from inference.line_trial import PLAN
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import estimate, fit
from metachron.inference.marginal.by_patient import integrate_patients
from metachron.inference.marginal.suitable import why_not
from metachron.joint import Binding, JointModel, compose, patients_in_arms
from metachron.joint.sites import list_sites
from metachron.joint.vector import pack_population

ORGANS = ("bone", "liver", "lung")
NAMES = ("baseline", "slope_per_year")
TRUTH: dict[str, Any] = {
    "baseline.mean": 4.0, "baseline.sd": 0.4, "baseline.lesion_sd": 0.3, "baseline.organ_sd": 0.3,
    "baseline.organ": dict(zip(ORGANS, (0.2, -0.3, 0.1), strict=True)), "slope_per_year.mean": -0.3,
    "slope_per_year.sd": 0.5, "slope_per_year.lesion_sd": 0.25, "slope_per_year.organ_sd": 0.3,
    "slope_per_year.organ": dict(zip(ORGANS, (-0.3, 0.2, 0.1), strict=True)), "residual.additive": 0.15,
}  # fmt: skip
PATIENTS = 12
Bound = tuple[JointModel, Cohort, Binding]


def _trial(most: int, **changes: float) -> tuple[JointModel, Cohort]:
    """Return a model of lines and a trial of patients with one to ``most`` lesions."""
    rng = np.random.default_rng(3)
    people = patients_in_arms({"a": PATIENTS})
    rows = [
        (patient, f"L{k}", ORGANS[rng.integers(3)], "target")
        for patient in people["patient"]
        for k in range(rng.integers(1, most + 1))
    ]
    lesions = pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")
    model = compose(dynamics="random-slope-log", hazard=None, size="lesion").replace(observation="additive")
    return model, model.simulate(TRUTH | changes, people, PLAN, seed=4, lesions=lesions)


def _without_organs(model: JointModel) -> JointModel:
    assert model.dynamics is not None
    parameters = tuple(replace(parameter, organ="none") for parameter in model.dynamics.parameters)
    return replace(model, dynamics=replace(model.dynamics, parameters=parameters))


def _vector(model: JointModel, binding: Binding, theta: dict[str, Any]) -> np.ndarray:
    found = {}
    for site in list_sites(model, binding.dims):
        value = theta[site.name]
        value = [value[organ] for organ in binding.labels.organs] if isinstance(value, dict) else value
        found[site.name] = np.broadcast_to(np.asarray(value, dtype=float), site.shape)
    return np.array(pack_population(found, model, binding.dims))


def _data(binding: Binding, patient: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return years, log sizes, lesions and organs of a patient's measurements."""
    rows = binding.design.measured
    assert rows is not None
    assert not np.asarray(binding.design.censored.weight).any()
    own = (np.asarray(rows.weight) > 0) & (np.asarray(rows.patient) == patient)
    year, value, series = (np.asarray(part)[own] for part in (rows.time_year, rows.value, rows.series))
    return year, value, series, np.asarray(binding.design.series_organ)[series]


def _mean(theta: dict[str, Any], year: np.ndarray, organ: np.ndarray, organs: Sequence[str]) -> np.ndarray:
    level, slope = (
        theta[f"{name}.mean"] + np.array([theta[f"{name}.organ"][o] for o in organs])[organ] for name in NAMES
    )
    return level + slope * year


def _exact(binding: Binding, theta: dict[str, Any], organs: Sequence[str] = ORGANS) -> np.ndarray:
    """Return the log likelihood of each patient: that of a normal distribution."""
    found = []
    for patient in range(len(binding.labels.patients)):
        year, value, series, organ = _data(binding, patient)
        same = series[:, None] == series[None]
        variance = theta["residual.additive"] ** 2 * np.eye(len(year))
        for name, power in zip(NAMES, (np.ones_like(year), year), strict=True):
            variance += np.outer(power, power) * (theta[f"{name}.sd"] ** 2 + same * theta[f"{name}.lesion_sd"] ** 2)
        left = value - _mean(theta, year, organ, organs)
        quadratic = left @ np.linalg.solve(variance, left)
        found.append(-0.5 * (quadratic + np.linalg.slogdet(2 * np.pi * variance)[1]))
    return np.array(found)


def _effects(binding: Binding, theta: dict[str, Any], patient: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a patient's lesions, and mean and sd of the effects of the patient and of each lesion in turn."""
    year, value, series, organ = _data(binding, patient)
    lesions = np.unique(series)
    own = np.stack([np.ones_like(year), year], axis=1)
    design = np.concatenate([own, *[own * (series == lesion)[:, None] for lesion in lesions]], axis=1)
    spread = [theta[f"{n}.sd"] for n in NAMES] + [theta[f"{n}.lesion_sd"] for n in NAMES] * len(lesions)
    noise = theta["residual.additive"] ** 2
    covariance = np.linalg.inv(design.T @ design / noise + np.diag(1.0 / np.square(spread)))
    mean = covariance @ design.T @ (value - _mean(theta, year, organ, ORGANS)) / noise
    return lesions, mean, np.sqrt(np.diag(covariance))


@pytest.fixture(scope="module")
def lines() -> Bound:
    model, cohort = _trial(most=7)
    return model, cohort, model.bind(cohort)


def test_likelihood_and_effects_are_the_closed_form(lines: Bound) -> None:
    """Errors of log likelihoods were up to 0.003; moments of 400 draws lie within 4 standard errors."""
    model, _, binding = lines
    other = TRUTH | {"slope_per_year.mean": -0.1, "baseline.lesion_sd": 0.25, "residual.additive": 0.16}
    vectors = np.stack([_vector(model, binding, theta) for theta in (TRUTH, other)])
    integrals = integrate_patients(model, binding, vectors, seed=1)
    found = integrals(vectors, nodes=1).log_likelihood
    for each, theta in zip(found, (TRUTH, other), strict=True):
        assert each == pytest.approx(_exact(binding, theta), abs=0.02)
    draws = integrals(np.repeat(vectors[:1], 400, axis=0), nodes=1, effects=True)
    assert draws.effects is not None
    assert draws.lesions is not None
    off, ratio = [], []
    for patient in range(PATIENTS):
        lesions, mean, sd = _effects(binding, TRUTH, patient)
        got = np.concatenate([draws.effects[:, patient], draws.lesions[:, lesions].reshape(400, -1)], axis=1)
        off += list((got.mean(axis=0) - mean) / sd * np.sqrt(400))
        ratio += list(got.std(axis=0) / sd)
    assert np.abs(off).max() < 4.0
    assert np.sqrt(np.mean(np.square(off))) < 1.3
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.02)


def test_one_lesion_below_the_limit_is_a_sum() -> None:
    """With one lesion per patient the variances of both levels add up, censored sizes included."""
    model, cohort = _trial(most=1, **{"baseline.mean": 2.2, "slope_per_year.mean": -1.5})
    binding = model.bind(cohort)
    assert np.asarray(binding.design.censored.weight).sum() > 5
    none = {f"{name}.organ": dict.fromkeys(ORGANS, 0.0) for name in NAMES}
    theta = TRUTH | none | {"baseline.mean": 2.2, "slope_per_year.mean": -1.5}
    sums = compose(dynamics="random-slope-log", hazard=None).replace(observation="additive")
    as_sums = cohort.with_rows({"measurements": cohort.measurements.with_columns(lesion=pl.lit(None, pl.String))})
    both = {f"{name}.sd": np.hypot(theta[f"{name}.sd"], theta[f"{name}.lesion_sd"]) for name in NAMES}
    values = []
    for own, bound, at in ((model, binding, theta), (sums, sums.bind(as_sums), theta | both)):
        vector = _vector(own, bound, at)[None]
        values.append(integrate_patients(own, bound, vector, seed=1)(vector, nodes=1).log_likelihood[0])
    assert values[0] == pytest.approx(values[1], abs=0.02)


def test_maximum_likelihood_is_that_of_the_closed_form() -> None:
    """Without effects of organs: with them and 12 patients, organs and their spread are hardly known."""
    model, cohort = _trial(most=7)
    model = _without_organs(model)
    found = estimate(model, cohort)
    at = dict(found.table.select("parameter", "estimate").iter_rows())
    se = dict(found.table.select("parameter", "se").iter_rows())
    names = list(at)
    binding = model.bind(cohort)
    binding = replace(
        binding, design=binding.design._replace(series_organ=jnp.zeros_like(binding.design.series_patient))
    )

    def exact(values: np.ndarray) -> float:
        theta = {name.removesuffix("[a]"): value for name, value in zip(names, values, strict=True)}
        return float(_exact(binding, theta | {f"{name}.organ": {"": 0.0} for name in NAMES}, ("",)).sum())

    spread = np.array([name.endswith("sd") or name.startswith("residual") for name in names])
    start = np.array(
        [np.log(value) if is_spread else value for value, is_spread in zip(at.values(), spread, strict=True)]
    )
    best = minimize(lambda x: -exact(np.where(spread, np.exp(x), x)), start, method="BFGS")
    values = np.where(spread, np.exp(best.x), best.x)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=0.05)
    for name, value in zip(names, values, strict=True):
        assert abs(value - at[name]) < 0.1 * se[name], name


def test_what_does_not_factorise_is_said() -> None:
    assert why_not(compose(size="lesion", links=["log-growth"])) is None
    assert "looks at all lesions" in str(why_not(compose(size="lesion", links=["lesion-sum"])))
    combined = compose(size="lesion", hazard=None).replace(observation="combined")
    assert "more than one parameter" in str(why_not(combined))
    with pytest.raises(ModelError, match="not independent"):
        fit(compose(size="lesion", links=["lesion-sum"]), _trial(most=2)[1], engine="marginal")


@pytest.mark.slow
def test_both_engines_draw_the_same_posterior() -> None:
    """Lines of single lesions in three organs, death linked to the patient's effects. About a minute.

    Means within 0.25 posterior standard deviations, standard deviations within 20 %: 400 effective draws of either
    engine leave 0.07 and 5 %.
    """
    rng = np.random.default_rng(8)
    people = patients_in_arms({"a": 40})
    rows = [
        (patient, f"L{k}", ORGANS[rng.integers(3)], "target")
        for patient in people["patient"]
        for k in range(rng.integers(2, 6))
    ]
    lesions = pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")
    model = compose(dynamics="random-slope-log", hazard="weibull", links=["shared-effects"], size="lesion")
    model = model.replace(observation="additive")
    death = {
        "death.log_scale_year": 0.0, "death.log_shape": 0.2, "death.link[effect:baseline]": 0.8,
        "death.link[effect:slope_per_year]": 0.8,
    }  # fmt: skip
    cohort = model.simulate(TRUTH | death, people, PLAN, seed=9, lesions=lesions)
    found = [
        fit(model, cohort, engine=engine, chains=2, draws=800, seed=3, check=False) for engine in ("marginal", "nuts")
    ]
    assert found[0].provenance["integrals"]["word"] != "use NUTS", found[0].provenance["integrals"]["sentence"]
    assert set(found[0].posterior.data_vars) == set(found[1].posterior.data_vars)
    both = found[0].summary().join(found[1].summary(), on="parameter", suffix="_nuts")
    for row in both.iter_rows(named=True):
        assert abs(row["mean"] - row["mean_nuts"]) < 0.25 * row["sd_nuts"], row
        assert row["sd"] == pytest.approx(row["sd_nuts"], rel=0.2), row
    one, other = (fit.posterior["slope_per_year.lesion_effect"] for fit in found)
    away = (one.mean(("chain", "draw")) - other.mean(("chain", "draw"))) / other.std(("chain", "draw"))
    assert float(np.abs(away).max()) < 0.4
