"""Centred coordinates of patient effects: the same posterior, and a run that was stopped among them goes on."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.cohort import Cohort
from metachron.inference import ChainProgress, fit, joint_engine
from metachron.inference.centring import CentredDensity, Centring, learn_centring, standardised
from metachron.inference.checkpoint import Checkpoint
from metachron.inference.settings import NutsSettings
from metachron.joint import JointModel, compose
from metachron.joint.demo_trial import demo_model, two_arm_trial
from metachron.joint.population import fixed_part
from metachron.joint.sites import median_values, pack, population_size, unpack

SETTINGS = {"engine": "nuts", "chains": 2, "warmup": 200, "draws": 50, "seed": 7, "check": False}


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return two_arm_trial(patients_per_arm=6)


@pytest.fixture
def small_pilot(monkeypatch: pytest.MonkeyPatch) -> int:
    """A pilot of three chunks; returns its steps."""
    monkeypatch.setattr(joint_engine, "PILOT", NutsSettings(warmup=50, draws=25))
    return 75


def _full() -> JointModel:
    return compose(dynamics="gsf", hazard="weibull", covariance="full")


def _point(model: JointModel, cohort: Cohort) -> tuple[CentredDensity, Centring, jax.Array]:
    binding = model.bind(cohort)
    start = pack(median_values(model, binding.dims), model, binding.dims)
    vector = start + 0.3 * jax.random.normal(jax.random.key(1), start.shape)
    plain = standardised(model, binding.dims, binding.design)
    share = jax.random.uniform(jax.random.key(2), plain.share.shape)
    return CentredDensity(model, binding.dims), plain._replace(share=share, origin=plain.origin + 0.5), vector


@pytest.mark.parametrize("model", [demo_model(), _full()], ids=["independent", "full covariance"])
def test_coordinates_go_there_and_back_with_the_determinant_of_their_derivative(
    model: JointModel, cohort: Cohort
) -> None:
    density, centring, vector = _point(model, cohort)
    there = density.centre(vector, centring)
    back, jacobian = density.standardise(there, centring)
    assert np.allclose(back, vector, atol=1e-12)
    derivative = jax.jacfwd(lambda x: density.standardise(x, centring)[0])(there)
    assert float(jacobian) == pytest.approx(np.linalg.slogdet(np.asarray(derivative)).logabsdet, abs=1e-9)
    expected = model.log_density(vector, centring.design, density.dims) + jacobian
    assert float(density(there, centring)) == pytest.approx(float(expected), rel=1e-12)


def test_a_centred_coordinate_is_the_parameter_and_a_standardised_one_the_effect(cohort: Cohort) -> None:
    model = demo_model()
    density, centring, vector = _point(model, cohort)
    first = population_size(model, density.dims)
    whole = centring._replace(share=jnp.ones_like(centring.share))
    values, _ = unpack(vector, model, density.dims)
    assert model.dynamics is not None
    baseline = model.dynamics.random[0]
    parameter = (
        fixed_part(baseline, values.theta, centring.design)
        + values.theta[f"{baseline.label}.sd"] * (values.patient[:, 0])
    )
    coordinates = density.centre(vector, whole)[first:].reshape(values.patient.shape)
    assert np.allclose(coordinates[:, 0], parameter - centring.origin[0])
    none = centring._replace(share=jnp.zeros_like(centring.share))
    assert np.array_equal(density.centre(vector, none), vector)


def test_what_the_data_know_is_centred_and_padding_is_not() -> None:
    """Draws whose first effect hardly varies within a patient, the second as much as its prior."""
    model = demo_model()
    binding = model.bind(two_arm_trial(patients_per_arm=17))
    first = population_size(model, binding.dims)
    patients, count = binding.dims.patients, 3
    draws = np.random.default_rng(3).normal(size=(4000, first + patients * count))
    draws[:, :first] *= 0.1
    draws[:, first::count] *= 0.3
    found = learn_centring(jnp.asarray(draws), binding.design, model=model, dims=binding.dims)
    real = np.asarray(binding.design.patient_weight) > 0
    share = np.asarray(found.share)
    assert 0 < real.sum() < patients
    assert np.allclose(share[0, real], 0.91, atol=0.02)
    assert np.all(share[1, real] < 0.15)
    assert np.all(share[:, ~real] == 0)


def test_steps_are_counted_within_the_whole(cohort: Cohort, small_pilot: int) -> None:
    steps: list[ChainProgress] = []
    found = fit(demo_model(), cohort, progress=steps.append, **SETTINGS)
    one = [step for step in steps if step.chain == 0]
    assert [step.done for step in one] == list(range(25, 251, 25))
    assert {step.total for step in one} == {250}
    assert [step.warming_up for step in one] == [True] * 8 + [False] * 2
    assert found.provenance["gradients_sampling"] == int(found.sample_stats["n_steps"].sum())
    assert small_pilot < 200


def test_log_density_is_that_of_the_draws(cohort: Cohort, small_pilot: int) -> None:
    model = demo_model()
    binding = model.bind(cohort)
    settings = NutsSettings(chains=1, warmup=2 * small_pilot, draws=25)
    drawn = joint_engine.sample_joint(model, binding, settings)
    density = [model.log_density(jnp.asarray(row), binding.design, binding.dims) for row in drawn.positions[0, ::12]]
    assert np.allclose(drawn.statistics.lp[0, ::12], density)


@pytest.mark.parametrize("calls", [4, 9])
@pytest.mark.usefixtures("small_pilot")
def test_a_run_stopped_in_the_pilot_or_after_it_goes_on_to_the_same_draws(
    calls: int, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpoint, "due", lambda self, name: True)
    whole = fit(demo_model(), cohort, **SETTINGS)
    seen: list[ChainProgress] = []

    def die(step: ChainProgress) -> None:
        seen.append(step)
        if len(seen) == calls:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fit(demo_model(), cohort, checkpoint=tmp_path / "run", progress=die, **SETTINGS)
    rest: list[ChainProgress] = []
    resumed = fit(demo_model(), cohort, checkpoint=tmp_path / "run", progress=rest.append, **SETTINGS)
    assert len(rest) < 20, "chunks that were done are not done again"
    assert resumed.posterior.equals(whole.posterior)
