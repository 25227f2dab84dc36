"""What a trajectory derives from any law: rates, nadir, time to growth, change, area."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from metachron.base import ModelError
from metachron.dynamics import LAWS, Trajectory


def properties(trajectory: Trajectory, time_year) -> dict[str, jax.Array]:
    """Everything that a link may ask for, elementwise."""
    return {
        "rate": trajectory.rate_mm_per_year(time_year),
        "location_rate": trajectory.location_rate_per_year(time_year),
        "relative_change": trajectory.relative_change(time_year),
        "area": trajectory.area_mm_year(time_year),
        "nadir": trajectory.nadir_mm(jnp.abs(time_year)),
        "capped_time_to_growth": jnp.minimum(trajectory.time_to_growth_year(), 5.0),
        "progression": jnp.minimum(trajectory.progression_year(jnp.abs(time_year)), 20.0),
    }


def without_overflow(trajectory: Trajectory, time_year) -> Trajectory:
    """The patients whose size has a 64-bit value, squared: a Gompertz tumour above its capacity explodes backwards."""
    kept = (np.asarray(trajectory.size_mm(time_year)) < 1e150).all(axis=1)
    assert kept.mean() > 0.8
    return Trajectory(trajectory.law, {name: value[kept] for name, value in trajectory.psi.items()})


def test_every_property_and_its_gradient_are_finite_over_the_prior(draw, times_year):
    @jax.jit
    def values_and_gradients(trajectory, time_year):
        values, back = jax.vjp(properties, trajectory, time_year)
        return values, back(jax.tree.map(jnp.ones_like, values))

    times = jnp.append(times_year, 0.0)
    trajectory = without_overflow(draw(500), times)
    values, gradients = values_and_gradients(trajectory, times)
    assert not [name for name, value in values.items() if not np.isfinite(value).all()]
    for gradient in jax.tree.leaves(gradients):
        assert np.isfinite(gradient).all()


def test_rates_are_finite_differences(draw, times_year):
    """Step 1e-5 and 1e-6 of the size at hand: truncation and rounding of the central difference."""
    trajectory, step = without_overflow(draw(200), times_year), 1e-5
    for rate, value in (
        (trajectory.rate_mm_per_year, trajectory.size_mm),
        (trajectory.location_rate_per_year, trajectory.location),
    ):
        difference = (value(times_year + step) - value(times_year - step)) / (2 * step)
        scale = 1.0 + np.abs(value(times_year)) + np.abs(difference)
        assert (np.abs(rate(times_year) - difference) <= 1e-6 * scale).all()


def test_size_falls_until_time_to_growth_and_rises_after_it(draw):
    trajectory = draw(500, effect_sd=1.0)
    turn = np.asarray(trajectory.time_to_growth_year())
    assert (turn >= 0).all()
    shares = np.array([0.0, 0.1, 0.5, 0.9, 0.99])
    before = np.minimum(turn, 30.0) * shares
    rate = np.asarray(trajectory.location_rate_per_year(before))
    scale = 1e-9 * (1.0 + np.abs(np.asarray(trajectory.location_rate_per_year(0.0))))
    assert np.where(turn > 0, rate <= scale, True).all()
    after = np.where(np.isfinite(turn), turn, 0.0) + np.array([0.001, 0.1, 1.0, 10.0])
    rate = np.asarray(trajectory.location_rate_per_year(after))
    assert np.where(np.isfinite(turn), rate >= -scale, True).all()


@pytest.mark.parametrize("name", ["stein-fojo", "gsf", "claret-bruno", "wang"])
def test_rate_is_zero_where_growth_begins(name):
    """On a fine grid no size is below the nadir, and the rate at an inner minimum is zero to rounding."""
    law = LAWS[name]
    rng = np.random.default_rng(3)
    psi = {spec.name: rng.normal(*spec.prior.args, (300, 1)) for spec in law.parameters}
    trajectory = Trajectory(law, psi)
    turn = np.asarray(trajectory.time_to_growth_year())
    inner = (turn > 0) & (turn < 30)
    assert 0.2 < inner.mean() < 0.95
    rate = np.asarray(trajectory.location_rate_per_year(turn))
    start = np.abs(np.asarray(trajectory.location_rate_per_year(0.0)))
    assert (np.abs(rate) <= 1e-12 * (1 + start))[inner].all()
    grid = trajectory.size_mm(np.linspace(0.0, 30.0, 3001))
    nadir = np.asarray(trajectory.nadir_mm(30.0))
    assert (grid >= nadir * (1 - 1e-12)).all()
    assert (grid.min(axis=1, keepdims=True) <= nadir * 1.01)[turn < 30].mean() > 0.9


def test_relative_change_is_the_ratio_of_sizes(draw, times_year):
    trajectory = draw(100)
    size, baseline = trajectory.size_mm(times_year), trajectory.size_mm(0.0)
    positive = np.asarray(baseline)[:, 0] > 0
    np.testing.assert_allclose(
        trajectory.relative_change(times_year)[positive], (size / baseline - 1.0)[positive], rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("time_year", [0.2, 2.0, 15.0])
def test_area_is_the_integral_of_size(draw, time_year):
    """A reference of 80 graded panels of 12 nodes, over the prior widened by patient effects of sd 1.5."""
    trajectory = draw(1000, effect_sd=1.5)
    edges = np.geomspace(1e-6, 0.5, 40)
    edges = np.concatenate([[0.0], edges, 1.0 - edges[-2::-1], [1.0]])
    x, w = np.polynomial.legendre.leggauss(12)
    width = np.diff(edges)[:, None] / 2.0
    nodes, weights = (edges[:-1, None] + width * (x + 1.0)).ravel(), (width * w).ravel()
    with np.errstate(over="ignore"):
        exact = time_year * (np.asarray(trajectory.size_mm(time_year * nodes)) @ weights)
    rates = [np.abs(trajectory.location_rate_per_year(t))[:, 0] for t in (0.0, time_year)]
    known = np.isfinite(exact) & (exact != 0) & (np.maximum(*rates) * time_year < 5000)
    assert known.mean() > 0.95
    tolerance = 2e-3 if trajectory.law.name == "random-slope-boxcox" else 1e-6
    area = np.asarray(trajectory.area_mm_year(time_year))[:, 0]
    np.testing.assert_allclose(area[known], exact[known], rtol=tolerance)


def test_area_agrees_with_an_adaptive_integrator(law):
    psi = {spec.name: jnp.asarray(spec.prior.args[0]) for spec in law.parameters}
    trajectory = Trajectory(law, psi)
    size = jax.jit(trajectory.size_mm)
    for time_year in (-1.0, 0.3, 3.0):
        exact, _ = quad(lambda t: float(size(t)), 0.0, time_year, epsabs=0.0, epsrel=1e-11)
        assert float(trajectory.area_mm_year(time_year)) == pytest.approx(exact, rel=1e-9)


def test_derivative_of_the_area_is_the_size(draw):
    """The fixed nodes differentiate to the quadrature of a derivative, whose error is the area's times the rates."""
    trajectory = draw(200)
    times = jnp.asarray([0.1, 1.0, 5.0])
    total = jax.grad(lambda t: trajectory.area_mm_year(t).sum())
    slopes = np.asarray(jax.vmap(lambda t: total(t))(times))
    np.testing.assert_allclose(slopes, np.asarray(trajectory.size_mm(times)).sum(axis=0), rtol=1e-5)


def test_works_under_vmap_and_jit(draw, times_year):
    trajectory = draw(4)
    rows = jax.jit(jax.vmap(lambda one: one.rate_mm_per_year(jnp.asarray(times_year))))(trajectory)
    np.testing.assert_allclose(rows, trajectory.rate_mm_per_year(times_year), rtol=1e-12)
    progression = jax.jit(lambda trajectory: trajectory.progression_year(5.0))(trajectory)
    np.testing.assert_allclose(progression, trajectory.progression_year(5.0), rtol=1e-12)


def test_whole_numbers_are_times_too(draw):
    trajectory = draw(3)
    np.testing.assert_array_equal(
        trajectory.rate_mm_per_year(np.array([1, 2])), trajectory.rate_mm_per_year([1.0, 2.0])
    )
    np.testing.assert_array_equal(trajectory.area_mm_year(2), trajectory.area_mm_year(2.0))


@pytest.mark.parametrize("horizon_year", [-1.0, np.inf, np.nan])
def test_a_horizon_must_be_finite(draw, horizon_year):
    for method in (draw(2).nadir_mm, draw(2).progression_year):
        with pytest.raises(ModelError, match="a horizon must be finite"):
            method(horizon_year)
