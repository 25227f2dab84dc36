"""Effects of the organs that lesions are in: what they add, their prior, and where there are none."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.joint import Binding, JointModel, VisitPlan, compose, patients_in_arms, simulate
from metachron.joint.defaults import exchange_size
from metachron.joint.population import patient_parameters
from metachron.joint.vector import (
    Values,
    draw_prior_values,
    effect_shapes,
    median_values,
    pack_population,
    unpack_population,
)

ORGANS = ("liver", "lung", "lymph_node")
PLAN = VisitPlan(visit_day=(0.0, 60.0, 120.0, 240.0), cutoff_day=300.0)
PATIENTS = patients_in_arms({"control": 4, "new": 4})
TRUTH = {
    "log_baseline_mm.mean": 3.2, "log_baseline_mm.sd": 0.3, "log_baseline_mm.lesion_sd": 0.4,
    "log_shrinkage_per_year.mean": [0.3, 0.8], "log_shrinkage_per_year.sd": 0.3,
    "log_shrinkage_per_year.lesion_sd": 0.2, "log_growth_per_year.mean": [-0.4, -1.0],
    "log_growth_per_year.sd": 0.4, "log_growth_per_year.lesion_sd": 0.3, "residual.proportional": 0.1,
}  # fmt: skip
SPREAD = {f"log_{what}.organ_sd": 0.5 for what in ("baseline_mm", "shrinkage_per_year", "growth_per_year")}
EFFECT = {
    "log_baseline_mm.organ": {"liver": 0.3, "lung": 0.0, "lymph_node": -0.3},
    "log_shrinkage_per_year.organ": {"liver": -0.5, "lung": 0.2, "lymph_node": 0.1},
    "log_growth_per_year.organ": {"liver": 0.6, "lung": 0.0, "lymph_node": -0.4},
}


def lesions(organs: tuple[str, ...] = ORGANS) -> pl.DataFrame:
    rows = [(patient, f"L{k}", organ, "target") for patient in PATIENTS["patient"] for k, organ in enumerate(organs)]
    return pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")


def lesion_model(**changes: object) -> JointModel:
    model = compose(size="lesion", hazard=None)
    assert model.dynamics is not None
    parameters = tuple(replace(p, **changes) for p in model.dynamics.parameters)  # type: ignore[arg-type]
    return replace(model, dynamics=replace(model.dynamics, parameters=parameters))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(lesion_model(), {**TRUTH, **SPREAD, **EFFECT}, PATIENTS, PLAN, seed=1, lesions=lesions())


def names_of(model: JointModel, binding: Binding) -> set[str]:
    return {site.name for site in model.sites(binding.dims)}


def test_a_lesion_has_the_effect_of_its_organ(cohort: Cohort) -> None:
    model = lesion_model()
    binding = model.bind(cohort)
    assert binding.labels.organs == ORGANS
    values = median_values(model, binding.dims)
    plain = patient_parameters(model, values, binding.design)
    moved = {**values.theta, "log_growth_per_year.organ": jnp.asarray([0.6, 0.0, -0.4])}
    found = patient_parameters(model, values._replace(theta=moved), binding.design)
    assert found.series is not None
    assert plain.series is not None
    count = len(binding.labels.series)
    added = np.asarray(found.series["growth_per_year"] - plain.series["growth_per_year"])[:count]
    organ = [ORGANS[int(lesion[1:])] for _, lesion in binding.labels.series if lesion]
    np.testing.assert_allclose(added, [{"liver": 0.6, "lung": 0.0, "lymph_node": -0.4}[name] for name in organ])
    np.testing.assert_allclose(found.psi["growth_per_year"], plain.psi["growth_per_year"])


def test_effects_by_arm_are_those_of_the_arm(cohort: Cohort) -> None:
    model = lesion_model(organ="arm")
    binding = model.bind(cohort)
    values = median_values(model, binding.dims)
    effect = jnp.asarray([[0.6, 0.0, -0.4], [1.0, 2.0, 3.0]])
    moved = values._replace(theta={**values.theta, "log_shrinkage_per_year.organ": effect})
    found, plain = (patient_parameters(model, v, binding.design).series for v in (moved, values))
    assert found is not None
    assert plain is not None
    added = np.asarray(found["shrinkage_per_year"] - plain["shrinkage_per_year"])[: len(binding.labels.series)]
    np.testing.assert_allclose(added, [0.6, 0.0, -0.4] * 4 + [1.0, 2.0, 3.0] * 4)


def test_the_prior_is_normal_with_a_spread_of_its_own(cohort: Cohort) -> None:
    """Of the effects divided by the spread: a normal density of the effects, and the Jacobian of the division."""
    model = lesion_model()
    binding = model.bind(cohort)
    theta = draw_prior_values(model, binding.dims, jax.random.key(3)).theta
    vector = pack_population(theta, model, binding.dims)
    back, density = unpack_population(vector, model, binding.dims)
    for name, value in theta.items():
        np.testing.assert_allclose(back[name], value, rtol=1e-12)
    name = "log_growth_per_year"
    other = {**theta, f"{name}.organ": theta[f"{name}.organ"] + 0.2}
    _, moved = unpack_population(pack_population(other, model, binding.dims), model, binding.dims)
    spread = float(theta[f"{name}.organ_sd"])
    expected = [norm(0.0, spread).logpdf(np.asarray(t[f"{name}.organ"])).sum() for t in (theta, other)]
    assert float(moved - density) == pytest.approx(expected[1] - expected[0], rel=1e-9)


@pytest.mark.parametrize("organs", [("liver",), ()], ids=["one organ", "not asked for"])
def test_there_are_none_in_one_organ_or_where_none_are_asked_for(organs: tuple[str, ...]) -> None:
    model = lesion_model() if organs else lesion_model(organ="none")
    cohort = simulate(lesion_model(organ="none"), TRUTH, PATIENTS, PLAN, seed=1, lesions=lesions(organs or ORGANS))
    binding = model.bind(cohort)
    assert not {name for name in names_of(model, binding) if "organ" in name}
    values = median_values(model, binding.dims)
    assert np.isfinite(model.log_density(jnp.concatenate([
        pack_population(values.theta, model, binding.dims), *(jnp.ravel(v) for v in (values.patient, values.lesion))
    ]), binding.design, binding.dims))  # fmt: skip


def test_an_organ_that_the_fit_has_not_seen_is_told(cohort: Cohort) -> None:
    labels = lesion_model().bind(cohort).labels
    other = simulate(
        lesion_model(organ="none"), TRUTH, PATIENTS, PLAN, seed=2, lesions=lesions(("liver", "brain", "bone"))
    )
    with pytest.raises(ModelError, match=r"organ bone, brain is unknown to the fit, which has liver, lung, lymph_node"):
        lesion_model().bind(other, labels)


def test_organ_effects_need_single_lesions() -> None:
    model = compose(hazard=None)
    assert model.dynamics is not None
    with pytest.raises(ModelError, match="organ effects need sizes lesion by lesion"):
        replace(model.dynamics, parameters=tuple(replace(p, organ="all") for p in model.dynamics.parameters)).check()


def test_the_model_file_keeps_them() -> None:
    model = lesion_model(organ="arm")
    assert JointModel.from_toml(model.to_toml()) == model


def test_one_lesion_per_patient_without_effects_of_lesions_is_the_model_of_the_sum() -> None:
    """One lesion each in different organs, none of its effects in the model: the same density to rounding."""
    alone = lesions(("liver",)).with_columns(organ=pl.Series(["liver", "lung"] * 4))
    single = lesion_model(lesion=False, organ="none")
    theta = {name: value for name, value in TRUTH.items() if not name.endswith("lesion_sd")}
    cohort = simulate(single, theta, PATIENTS, PLAN, seed=4, lesions=alone)
    no_lesion = pl.lit(None, dtype=pl.String)
    summed = cohort.with_rows({"measurements": cohort.tables["measurements"].with_columns(lesion=no_lesion)})
    model = compose(hazard=None)
    one, other = single.bind(cohort), model.bind(summed)
    patient, _ = effect_shapes(model, other.dims)
    effects = jax.random.normal(jax.random.key(1), patient)
    population = draw_prior_values(model, other.dims, jax.random.key(2)).theta
    vector = jnp.concatenate([pack_population(population, model, other.dims), jnp.ravel(effects)])
    densities = [m.log_density(vector, b.design, b.dims) for m, b in ((single, one), (model, other))]
    assert float(densities[0]) == pytest.approx(float(densities[1]), rel=1e-12)
    assert Values(population, effects, jnp.zeros((0, 0))).patient.shape == patient


def test_sizes_can_be_exchanged_and_the_same_size_changes_nothing() -> None:
    """From the command line, a model of the sum becomes the default one of lesions, and back."""
    summed, single = compose(hazard=None).dynamics, compose(hazard=None, size="lesion").dynamics
    assert summed is not None
    assert single is not None
    assert exchange_size(summed, "lesion") == single
    assert exchange_size(single, "sum") == summed
    own = lesion_model(organ="arm", lesion=False).dynamics
    assert own is not None
    assert exchange_size(own, "lesion") == own
