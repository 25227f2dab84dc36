"""Observation laws against scipy.stats on the scale of the recorded value, far into the tail of censoring too."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from joint.combinations import supports_observation
from metachron.base import ModelError
from metachron.dynamics import LAWS
from metachron.joint import OBSERVATIONS

SIZES = np.array([3.0, 12.0, 40.0, 155.0])
RESIDUAL = {"additive": 0.4, "additive_mm": 6.0, "proportional": 0.15, "log_sd": 0.2}
PAIRS = [(law, name) for law in ("stein-fojo", "random-slope", "random-slope-boxcox") for name in OBSERVATIONS]
SUPPORTED = [pair for pair in PAIRS if supports_observation(*pair)]


def recorded(name: str, law: str, size_mm: np.ndarray) -> stats.rv_continuous:
    """Return the distribution of the recorded value in SciPy's words, and say on which scale it lives."""
    scale = LAWS[law].scale
    sd_mm = {
        "additive-mm": RESIDUAL["additive_mm"],
        "proportional": RESIDUAL["proportional"] * size_mm,
        "combined": np.hypot(RESIDUAL["additive_mm"], RESIDUAL["proportional"] * size_mm),
    }
    if name == "additive":
        return stats.norm(np.asarray(scale.from_mm(jnp.asarray(size_mm))), RESIDUAL["additive"])
    if name == "log-normal":
        return stats.norm(np.log(size_mm), RESIDUAL["log_sd"])
    return stats.norm(size_mm, sd_mm[name])


@pytest.mark.parametrize(("law_name", "name"), SUPPORTED)
def test_log_density_is_that_of_scipy(law_name: str, name: str) -> None:
    law, observation = LAWS[law_name], OBSERVATIONS[name]()
    scale = observation.value_scale(law)
    location = law.scale.from_mm(jnp.asarray(SIZES))
    residual = {spec.name: RESIDUAL[spec.name] for spec in observation.parameters}
    for factor in (0.5, 0.9, 1.3):
        value = scale.from_mm(jnp.asarray(factor * SIZES))
        expected = recorded(name, law_name, SIZES).logpdf(np.asarray(value))
        np.testing.assert_allclose(observation.log_density(value, location, law, residual), expected, rtol=1e-12)
        below = recorded(name, law_name, SIZES).logcdf(np.asarray(value))
        np.testing.assert_allclose(observation.log_below(value, location, law, residual), below, rtol=1e-10)


def test_log_normal_density_is_one_per_log_mm() -> None:
    """Per mm it is scipy.stats.lognorm; the Jacobian of the value scale stands between them."""
    law, observation = LAWS["gsf"], OBSERVATIONS["log-normal"]()
    value = jnp.log(jnp.asarray(1.2 * SIZES))
    found = observation.log_density(value, jnp.log(jnp.asarray(SIZES)), law, {"log_sd": 0.2})
    per_mm = stats.lognorm(s=0.2, scale=SIZES).logpdf(1.2 * SIZES)
    jacobian = observation.value_scale(law).log_jacobian(jnp.asarray(1.2 * SIZES))
    np.testing.assert_allclose(found + jacobian, per_mm, rtol=1e-12)


@pytest.mark.parametrize("z", [8.0, 0.0, -5.0, -37.0, -40.0, -1e3, -1e6, -1e9])
def test_censored_part_and_its_gradient_are_exact_far_in_the_tail(z: float) -> None:
    """From z = -38 on the distribution function underflows; its log is about -z^2/2, its slope the Mills ratio."""
    law, observation = LAWS["random-slope"], OBSERVATIONS["additive-mm"]()
    limit, sigma = 5.0, 2.0

    def below(mean: jnp.ndarray) -> jnp.ndarray:
        return observation.log_below(jnp.asarray(limit), mean, law, {"additive_mm": sigma})

    found, slope = jax.value_and_grad(below)(jnp.asarray(limit - sigma * z))
    np.testing.assert_allclose(found, stats.norm.logcdf(z), rtol=1e-12)
    ratio = np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z)) if z > -100 else -z - 1.0 / z
    np.testing.assert_allclose(slope, -ratio / sigma, rtol=1e-8)


def test_below_and_above_add_up_to_one() -> None:
    """The normal law is symmetric: P(value < limit) at mean m and at the mirrored mean add up to 1."""
    law, observation = LAWS["random-slope"], OBSERVATIONS["additive-mm"]()
    mean = jnp.linspace(-20.0, 30.0, 41)
    one, other = (observation.log_below(jnp.asarray(5.0), m, law, {"additive_mm": 6.0}) for m in (mean, 10.0 - mean))
    np.testing.assert_allclose(jnp.exp(one) + jnp.exp(other), 1.0, rtol=1e-14)


@pytest.mark.parametrize("law_name", [name for name, law in LAWS.items() if not law.scale.positive])
@pytest.mark.parametrize("name", [name for name, law in OBSERVATIONS.items() if law.needs_positive_size])
def test_laws_that_reach_zero_refuse_relative_scatter(law_name: str, name: str) -> None:
    with pytest.raises(ModelError, match=rf"observation law '{name}' needs sizes above 0 mm.*'{law_name}'"):
        OBSERVATIONS[name]().check(LAWS[law_name])


def test_every_observation_law_is_described() -> None:
    for name, kind in OBSERVATIONS.items():
        law = kind()
        assert law.name == name
        assert "~ N(" in law.equation
        for spec in law.parameters:
            assert spec.unit
            assert spec.meaning
            assert spec.prior.reason
