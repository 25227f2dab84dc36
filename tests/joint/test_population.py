"""From population to patient and lesion: group means, spreads, covariates and correlated effects."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from metachron.joint import JointModel, Values, compose
from metachron.joint.bind import bind_patients
from metachron.joint.population import patient_effects, patient_parameters, row_parameters

PATIENTS = pl.DataFrame(
    {
        "patient": list("abcd"),
        "study": ["S", "S", "T", "T"],
        "arm": ["x", "y", "x", "x"],
        "age": [50.0, 60.0, 70.0, 80.0],
    }
)
SPREADS = {"log_baseline_mm.sd": 0.5, "log_shrinkage_per_year.sd": 1.2, "log_growth_per_year.sd": 0.8}
MEANS = {
    "log_baseline_mm.mean": 4.0, "log_shrinkage_per_year.mean": [0.1, 0.2], "log_growth_per_year.mean": [-1.0, -2.0],
}  # fmt: skip


def with_growth(model: JointModel, **changes) -> JointModel:
    """Return the model with changes to the population of growth, the last parameter of Stein-Fojo."""
    part = model.dynamics
    assert part is not None
    *others, growth = part.parameters
    changed = dataclasses.replace(part, parameters=(*others, dataclasses.replace(growth, **changes)))
    return dataclasses.replace(model, dynamics=changed)


def parts(model: JointModel, owners: tuple[int, ...] = (0, 1, 2, 3)) -> tuple[JointModel, object]:
    binding = bind_patients(model, PATIENTS, np.ones(4), np.asarray(owners))
    assert model.dynamics is not None
    return model, binding.design


def values(theta: dict, patient: np.ndarray, lesion: np.ndarray | None = None) -> Values:
    lesion = np.zeros((0, 0)) if lesion is None else lesion
    return Values({k: jnp.asarray(v, dtype=float) for k, v in theta.items()}, jnp.asarray(patient), jnp.asarray(lesion))


def test_full_covariance_effects_have_the_stated_covariance() -> None:
    """Standardised effects whose moment matrix is the identity give the covariance itself: no sampling error."""
    correlation = np.array([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    model, design = parts(compose(covariance="full", hazard=None))
    unit = np.vstack([np.eye(3), np.zeros((1, 3))])
    theta = {**SPREADS, "effects.correlation": np.linalg.cholesky(correlation)}
    effects = np.stack(list(patient_effects(model, values(theta, unit), design).values()), axis=1)
    spread = np.array([0.5, 1.2, 0.8])
    np.testing.assert_allclose(effects.T @ effects, correlation * np.outer(spread, spread), rtol=1e-12)


def test_independent_effects_are_scaled_alone() -> None:
    model, design = parts(compose(hazard=None))
    standard = np.random.default_rng(0).normal(size=(4, 3))
    effects = patient_effects(model, values(SPREADS, standard), design)
    assert list(effects) == ["log_baseline_mm", "log_shrinkage_per_year", "log_growth_per_year"]
    np.testing.assert_allclose(np.stack(list(effects.values()), 1), standard * [0.5, 1.2, 0.8], rtol=1e-14)


@pytest.mark.parametrize(
    ("group", "mean", "expected"),
    [
        ("all", -1.5, [-1.5, -1.5, -1.5, -1.5]),
        ("arm", [-1.0, -2.0], [-1.0, -2.0, -1.0, -1.0]),
        ("study-arm", [-1.0, -2.0, -3.0], [-1.0, -2.0, -3.0, -3.0]),
    ],
)
def test_means_and_spreads_follow_their_groups(group: str, mean: object, expected: list[float]) -> None:
    model = with_growth(compose(hazard=None), group=group, spread=group)
    model, design = parts(model)
    theta = {**MEANS, **SPREADS, "log_growth_per_year.mean": mean, "log_growth_per_year.sd": np.abs(mean)}
    ones = np.ones((4, 3))
    growth = patient_parameters(model, values(theta, ones), design).psi["growth_per_year"]
    np.testing.assert_allclose(growth, np.asarray(expected) + np.abs(expected), rtol=1e-14)


def test_covariates_move_the_mean() -> None:
    model = compose(hazard=None, dynamics_covariates={"growth_per_year": ["age"]})
    model, design = parts(model)
    theta = {**MEANS, **SPREADS, "log_growth_per_year.beta": [0.02]}
    psi = patient_parameters(model, values(theta, np.zeros((4, 3))), design).psi
    np.testing.assert_allclose(
        psi["growth_per_year"], np.array([-1.0, -2.0, -1.0, -1.0]) + 0.02 * np.array([-15, -5, 5, 15]), rtol=1e-13
    )
    np.testing.assert_allclose(psi["baseline_mm"], 4.0)


def test_a_parameter_without_patient_effects_is_the_same_for_all() -> None:
    model = with_growth(compose(hazard=None), random=False, group="all")
    model, design = parts(model)
    theta = {**MEANS, **SPREADS, "log_growth_per_year.mean": -1.5}
    parameters = patient_parameters(model, values(theta, np.ones((4, 2))), design)
    np.testing.assert_allclose(parameters.psi["growth_per_year"], -1.5)
    assert "log_growth_per_year" not in parameters.effects
    assert "log_growth_per_year.sd" not in {site.name for site in model.sites(bind_dims(model))}


def bind_dims(model: JointModel):
    return bind_patients(model, PATIENTS, np.ones(4), np.arange(4)).dims


def test_lesions_of_a_patient_share_its_effect_and_have_their_own() -> None:
    """Series 0 and 1 belong to patient a, 2 to c; growth has no lesion effect here."""
    model = with_growth(compose(size="lesion", hazard=None), lesion=False)
    model, design = parts(model, owners=(0, 0, 2))
    theta = {**MEANS, **SPREADS, "log_baseline_mm.lesion_sd": 0.3, "log_shrinkage_per_year.lesion_sd": 0.4}
    patient = np.random.default_rng(1).normal(size=(4, 3))
    lesion = np.random.default_rng(2).normal(size=(3, 2))
    parameters = patient_parameters(model, values(theta, patient, lesion), design)
    assert parameters.series is not None
    owner = patient[[0, 0, 2]]
    np.testing.assert_allclose(parameters.series["baseline_mm"], 4.0 + 0.5 * owner[:, 0] + 0.3 * lesion[:, 0])
    np.testing.assert_allclose(parameters.series["shrinkage_per_year"], 0.1 + 1.2 * owner[:, 1] + 0.4 * lesion[:, 1])
    np.testing.assert_allclose(parameters.series["growth_per_year"], -1.0 + 0.8 * owner[:, 2])
    np.testing.assert_allclose(parameters.psi["baseline_mm"], 4.0 + 0.5 * patient[:, 0])
    rows = row_parameters(model.dynamics, parameters, jnp.asarray([2, 0]), jnp.asarray([2, 1]))
    np.testing.assert_allclose(rows["baseline_mm"], parameters.series["baseline_mm"][jnp.asarray([2, 1])])
