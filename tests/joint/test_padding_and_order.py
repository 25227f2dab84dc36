"""What must not matter to a density: padding, and the order of patients and rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from joint.designs import prior_values, real_values, with_padding_effects, without_padding
from joint.small_cohort import small_cohort, small_tables
from metachron.cohort import Cohort
from metachron.joint import JointModel, Values, compose
from metachron.joint.likelihood import log_likelihood
from metachron.joint.vector import pack

MODELS = {
    "constant link": compose(dynamics="gsf", hazard="weibull", links=["log-growth"], covariates=["sex"]),
    "moving link": compose(dynamics="stein-fojo", hazard="gompertz", links=["log-current-size"], covariance="full"),
    "knots": compose(dynamics="wang", hazard="piecewise", links=["relative-change"]),
    "size in mm": compose(dynamics="random-slope-log", hazard="exponential", links=["current-size"]),
    "lesions": compose(dynamics="claret-bruno", hazard="gamma", links=["time-to-growth"], size="lesion"),
    "survival": compose(dynamics=None, hazard="log-normal", covariates=["age_year"]),
    "sizes": compose(dynamics="random-slope-boxcox", hazard=None),
}


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest) -> JointModel:
    return MODELS[request.param]


@pytest.fixture
def cohort(model: JointModel) -> Cohort:
    return small_cohort(by_lesion=model.dynamics is not None and model.dynamics.size == "lesion")


def test_padding_adds_nothing(model: JointModel, cohort: Cohort) -> None:
    """The same terms in other array lengths: only the order of summation differs."""
    padded, bare = model.bind(cohort), without_padding(model.bind(cohort))
    assert padded.dims.patients > bare.dims.patients == 7
    for seed in range(3):
        values = prior_values(model, padded, seed)
        expected = log_likelihood(model, real_values(values, padded), bare.design, bare.dims)
        found = log_likelihood(model, values, padded.design, padded.dims)
        assert np.isfinite(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        each = model.log_likelihood_by_patient(values, padded.design, padded.dims)
        np.testing.assert_allclose(np.sum(each[:7]), expected, rtol=1e-12)
        np.testing.assert_array_equal(each[7:], 0.0)


def test_effects_of_padding_change_nothing(model: JointModel, cohort: Cohort) -> None:
    """A padding patient may wander anywhere in its prior; 12 sd away its hazard overflows under most laws."""
    binding = model.bind(cohort)
    values = prior_values(model, binding, 0)
    if values.patient.size == 0:
        pytest.skip("a model of survival alone has no patient effects")
    far = with_padding_effects(values, binding, 12.0)
    assert float(jnp.abs(far.patient - values.patient).max()) > 1.0

    def likelihood(value: Values) -> jnp.ndarray:
        return log_likelihood(model, value, binding.design, binding.dims)

    expected, gradient = jax.value_and_grad(likelihood)(values)
    found, far_gradient = jax.value_and_grad(likelihood)(far)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(far_gradient.patient[:7], gradient.patient[:7], rtol=1e-9)
    np.testing.assert_array_equal(far_gradient.patient[7:], 0.0)
    np.testing.assert_array_equal(far_gradient.lesion[len(binding.labels.series) :], 0.0)


def test_order_of_rows_changes_nothing(model: JointModel, cohort: Cohort) -> None:
    binding = model.bind(cohort)
    by_lesion = cohort.lesions.height > 0
    tables = {
        name: frame if name == "patients" else frame.reverse()
        for name, frame in small_tables(by_lesion=by_lesion).items()
    }
    other = model.bind(Cohort.create("reversed", tables))
    vector = pack(prior_values(model, binding, 4), model, binding.dims)
    assert other.dims == binding.dims
    np.testing.assert_array_equal(
        model.log_density(vector, other.design, other.dims), model.log_density(vector, binding.design, binding.dims)
    )


def test_order_of_patients_changes_nothing(model: JointModel, cohort: Cohort) -> None:
    """With every patient's effects carried along, the density of the permuted cohort is the same sum."""
    by_lesion = cohort.lesions.height > 0
    tables = small_tables(by_lesion=by_lesion)
    other = model.bind(Cohort.create("permuted", {**tables, "patients": tables["patients"][[4, 2, 6, 0, 1, 5, 3]]}))
    binding = model.bind(cohort)
    values = prior_values(model, binding, 5)
    moved = Values(
        values.theta,
        _carried(values.patient, binding.labels.patients, other.labels.patients),
        _carried(values.lesion, binding.labels.series, other.labels.series),
    )
    np.testing.assert_allclose(
        model.log_density(pack(moved, model, other.dims), other.design, other.dims),
        model.log_density(pack(values, model, binding.dims), binding.design, binding.dims),
        rtol=1e-12,
    )


def _carried(effects: jnp.ndarray, before: tuple[object, ...], after: tuple[object, ...]) -> jnp.ndarray:
    if effects.size == 0:
        return effects
    index = [before.index(one) for one in after] + list(range(len(before), len(effects)))
    return effects[jnp.asarray(index)]
