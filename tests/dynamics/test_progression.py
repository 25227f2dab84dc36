"""Progression against a search on a fine grid, and its derivative against a finite difference."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.dynamics import LAWS, Trajectory

HORIZON_YEAR = 6.0


def test_progression_is_the_first_grid_time_past_both_limits(draw):
    trajectory = draw(300)
    grid = np.linspace(0.0, HORIZON_YEAR, 12_001)
    size = np.asarray(trajectory.size_mm(grid))
    lowest = np.minimum.accumulate(size, axis=1)
    past = (size >= 1.2 * lowest) & (size >= lowest + 5.0)
    expected = np.where(past.any(axis=1), grid[past.argmax(axis=1)], np.inf)
    found = np.asarray(trajectory.progression_year(HORIZON_YEAR))[:, 0]
    assert 0.1 < np.isfinite(found).mean() < 1.0
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    known = np.isfinite(found)
    late = expected[known] - found[known]
    assert (late >= -1e-9).all()
    assert (late <= grid[1] + 1e-9).all()


def test_size_at_progression_is_the_threshold(draw):
    trajectory = draw(300)
    time = trajectory.progression_year(HORIZON_YEAR)
    known = np.isfinite(time)
    nadir = trajectory.nadir_mm(HORIZON_YEAR)
    threshold = np.maximum(1.2 * nadir, nadir + 5.0)
    rounding = 1e-12 * (1.0 + np.abs(trajectory.rate_mm_per_year(np.where(known, time, 0.0))))
    gap = np.abs(trajectory.size_mm(np.where(known, time, 0.0)) - threshold)
    assert (gap <= rounding + 1e-12 * np.abs(threshold))[known].all()


@pytest.mark.parametrize("name", ["stein-fojo", "gsf", "claret-bruno", "wang", "gompertz", "random-slope-log"])
def test_derivative_is_the_finite_difference(name):
    law = LAWS[name]
    natural = {"shrinkage_per_year": 1.2, "slope_per_year": 0.5, "capacity_mm": 900.0, "kill_per_year": 0.2}
    psi = {spec.name: jnp.asarray(spec.prior.args[0]) for spec in law.parameters}
    psi |= {key: law.psi(**{**law.natural(psi), key: value})[key] for key, value in natural.items() if key in psi}

    @jax.jit
    def progression(psi):
        return Trajectory(law, psi).progression_year(20.0)

    gradient = jax.grad(progression)(psi)
    assert np.isfinite(progression(psi))
    for key in psi:
        up, down = (progression({**psi, key: psi[key] + step}) for step in (1e-5, -1e-5))
        assert float(gradient[key]) == pytest.approx(float((up - down) / 2e-5), rel=1e-6, abs=1e-8)


def test_no_progression_has_a_zero_gradient():
    law = LAWS["stein-fojo"]
    psi = law.psi(baseline_mm=60.0, shrinkage_per_year=1.0, growth_per_year=1e-4)
    time, gradient = jax.value_and_grad(lambda psi: Trajectory(law, psi).progression_year(5.0))(psi)
    assert time == jnp.inf
    assert all(float(value) == 0.0 for value in gradient.values())


def test_small_nadir_needs_5_mm_and_large_nadir_20_percent():
    law = LAWS["random-slope-log"]
    for baseline_mm, threshold_mm in ((10.0, 15.0), (25.0, 30.0), (100.0, 120.0)):
        trajectory = Trajectory(law, law.psi(baseline=np.log(baseline_mm), slope_per_year=1.0))
        expected = np.log(threshold_mm / baseline_mm)
        assert float(trajectory.progression_year(5.0)) == pytest.approx(expected, rel=1e-13)
        assert float(trajectory.progression_year(0.99 * expected)) == np.inf
