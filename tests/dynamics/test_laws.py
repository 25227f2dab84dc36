"""Conformance of every registered law: what the joint model and the samplers rely on."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.base import ModelError, Transform
from metachron.dynamics import LAWS, RandomSlope, SteinFojo, Trajectory, provides

FAR = 150.0
"""Rates from 1e-65 to 1e65 per year: far beyond every prior, inside double precision."""


def value_and_gradients(trajectory: Trajectory, time_year: np.ndarray):
    """Location, its derivative in time, and its derivative in every parameter, elementwise."""
    shape = np.broadcast_shapes(time_year.shape, *(value.shape for value in trajectory.psi.values()))
    psi = {name: jnp.broadcast_to(value, shape) for name, value in trajectory.psi.items()}
    time = jnp.broadcast_to(time_year, shape)

    def total(time, psi):
        location = trajectory.law.location(time, psi)
        return location.sum(), location

    (_, location), gradient = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))(time, psi)
    return np.asarray(location), np.asarray(gradient[0]), {name: np.asarray(g) for name, g in gradient[1].items()}


def test_value_and_gradient_are_finite_over_the_prior(draw, times_year):
    times = np.concatenate([times_year, [0.0, 1e-300, -1e-300]])
    location, in_time, in_psi = value_and_gradients(draw(2000, effect_sd=1.5), times)
    for array in (location, in_time, *in_psi.values()):
        assert np.isfinite(array).all()


def test_value_and_gradient_are_finite_far_beyond_the_prior(law, times_year):
    corners = np.stack(np.meshgrid(*[[-FAR, -20.0, 0.0, 20.0, FAR]] * len(law.parameters)), -1)
    psi = {spec.name: jnp.asarray(corners[..., k].reshape(-1, 1)) for k, spec in enumerate(law.parameters)}
    location, in_time, in_psi = value_and_gradients(Trajectory(law, psi), np.concatenate([times_year, [0.0]]))
    for array in (location, in_time, *in_psi.values()):
        assert np.isfinite(array).all()


def test_gradient_is_the_finite_difference(draw, times_year):
    """Step 1e-5: truncation and rounding of the central difference are each below 1e-6 of the derivative here."""
    trajectory, step = draw(200), 1e-5
    _, in_time, in_psi = value_and_gradients(trajectory, times_year)
    slope = (trajectory.location(times_year + step) - trajectory.location(times_year - step)) / (2 * step)
    np.testing.assert_allclose(in_time, slope, rtol=2e-6, atol=2e-6)
    for name, gradient in in_psi.items():
        up, down = (
            trajectory.law.location(times_year, {**trajectory.psi, name: trajectory.psi[name] + sign * step})
            for sign in (1, -1)
        )
        np.testing.assert_allclose(gradient, (up - down) / (2 * step), rtol=2e-6, atol=2e-6)


def test_day_0_is_the_baseline_and_the_law_is_continuous_there(law, draw):
    trajectory = draw(500)
    first = law.parameters[0]
    baseline = law.natural(trajectory.psi)[first.name]
    at_day_0 = trajectory.location(0.0) if first.name == "baseline" else trajectory.size_mm(0.0)
    np.testing.assert_allclose(at_day_0, baseline, rtol=1e-14)
    rates = [np.abs(trajectory.location_rate_per_year(t)) for t in (-1e-9, 0.0)]
    for time_year in (-1e-9, 1e-9):
        jump = np.abs(trajectory.location(time_year) - trajectory.location(0.0))
        assert (jump <= 2e-9 * (1e-3 + rates[0] + rates[1])).all()


def test_broadcasting_and_padding_change_nothing(draw, times_year):
    trajectory = draw(20)
    table = np.asarray(trajectory.location(times_year))
    for i in (0, 7, 19):
        one = Trajectory(trajectory.law, {name: value[i, 0] for name, value in trajectory.psi.items()})
        np.testing.assert_allclose(one.location(times_year), table[i], rtol=1e-14)
        np.testing.assert_allclose([one.location(t) for t in times_year], table[i], rtol=1e-14)
    padded = Trajectory(trajectory.law, {n: jnp.pad(v, ((0, 12), (0, 0))) for n, v in trajectory.psi.items()})
    np.testing.assert_allclose(padded.location(np.pad(times_year, (0, 6)))[:20, : times_year.size], table, rtol=1e-14)


def test_other_values_and_an_equal_law_compile_nothing_again(law, draw, times_year):
    traces = []

    @jax.jit
    def location(trajectory, time_year):
        traces.append(trajectory.law.name)
        return trajectory.location(time_year)

    trajectory = draw(5)
    first = location(trajectory, times_year)
    twin = type(law)(**{name: getattr(law, name) for name in law.__dataclass_fields__})
    second = location(Trajectory(twin, {n: v + 0.1 for n, v in trajectory.psi.items()}), times_year + 0.1)
    assert traces == [law.name]
    assert not np.allclose(first, second)


def test_natural_values_come_back(law):
    natural = {spec.name: 0.3 for spec in law.parameters}
    back = law.natural(law.psi(**natural))
    assert {name: float(value) for name, value in back.items()} == pytest.approx(natural, rel=1e-15)


def test_every_law_is_described(law):
    assert LAWS[law.name] is law
    assert "doi:" in law.source
    assert law.equation
    assert len({spec.name for spec in law.parameters}) == len(law.parameters)
    for spec in law.parameters:
        assert spec.unit
        assert spec.meaning
        assert spec.prior.family == "normal"
        assert spec.prior.reason
        assert spec.source
        assert spec.name.endswith(("_mm", "_per_year", "resistant_fraction", "baseline"))


def test_one_name_has_one_transform_and_unit_in_every_law():
    """Gompertz growth has a meaning of its own, which its capabilities say; name, transform and unit are common."""
    seen: dict[str, tuple[Transform, str]] = {}
    for law in LAWS.values():
        for spec in law.parameters if not isinstance(law, RandomSlope) else ():
            assert seen.setdefault(spec.name, (spec.transform, spec.unit)) == (spec.transform, spec.unit)


def test_capabilities_are_those_documented():
    common = {"location", "size", "rate", "area"}
    extra = {name: provides(law) - common for name, law in LAWS.items()}
    assert extra == {
        "random-slope": set(),
        "random-slope-log": {"positive_size"},
        "random-slope-boxcox": set(),
        "stein-fojo": {"positive_size", "growth", "shrinkage", "time_to_growth"},
        "gsf": {"positive_size", "growth", "shrinkage", "time_to_growth", "resistant_fraction"},
        "claret-bruno": {"positive_size", "growth", "time_to_growth"},
        "wang": {"positive_size", "shrinkage", "time_to_growth"},
        "gompertz": {"positive_size"},
    }
    assert all(common <= provides(law) for law in LAWS.values())


def test_constants_of_the_trajectory_follow_the_capabilities(law, draw):
    trajectory = draw(3)
    constants = {
        "growth": (trajectory.log_growth, lambda natural: np.log(natural["growth_per_year"])),
        "shrinkage": (trajectory.log_shrinkage, lambda natural: np.log(natural["shrinkage_per_year"])),
        "resistant_fraction": (trajectory.resistant_fraction, lambda natural: natural["resistant_fraction"]),
    }
    for capability, (method, expected) in constants.items():
        if capability in provides(law):
            np.testing.assert_allclose(method(), expected(law.natural(trajectory.psi)), rtol=1e-12)
        else:
            with pytest.raises(ModelError, match=f"{law.name} does not provide {capability}"):
                method()


def test_wrong_parameter_values_are_refused():
    law = SteinFojo()
    with pytest.raises(ModelError, match="needs values of baseline_mm, shrinkage_per_year, growth_per_year"):
        law.psi(baseline_mm=60.0)
    with pytest.raises(ModelError, match="growth_per_year of the law stein-fojo has no log: -1"):
        law.psi(baseline_mm=60.0, shrinkage_per_year=1.0, growth_per_year=-1.0)
    with pytest.raises(ModelError, match="no working scale called 'cube'"):
        RandomSlope("cube")
    with pytest.raises(ModelError, match="did you mean 'wang'"):
        LAWS["wag"]


def test_growth_of_zero_is_a_durable_response():
    law = SteinFojo()
    flat = Trajectory(law, law.psi(baseline_mm=60.0, shrinkage_per_year=0.8, growth_per_year=0.0))
    assert float(flat.size_mm(3.0)) == pytest.approx(60.0 * math.exp(-2.4), rel=1e-12)
    assert float(flat.time_to_growth_year()) == math.inf
