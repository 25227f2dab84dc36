"""What every baseline hazard must satisfy, over draws from its prior and times from 1e-4 to 30 years."""

from __future__ import annotations

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from metachron.base import Transform
from metachron.hazards import HAZARDS, Hazard, Psi

TIMES = jnp.asarray(np.geomspace(1e-4, 30.0, 60))


def one(psi: Psi, draw: int) -> Psi:
    return {name: value[draw] for name, value in psi.items()}


def over_draws(function, psi: Psi, *args):
    return jax.jit(jax.vmap(lambda single: function(single, *args)))(psi)


def test_registry_names_and_parameters(hazard: Hazard) -> None:
    assert HAZARDS[hazard.name] is type(hazard)
    assert hash(hazard) == hash(dataclasses.replace(hazard))
    names = [spec.name for spec in hazard.parameters]
    assert len(names) == len(set(names))
    for spec in hazard.parameters:
        assert spec.prior.reason
        assert spec.unit
        assert spec.meaning
        assert spec.transform in (Transform.LOG, Transform.IDENTITY)


def test_values_and_gradients_are_finite_over_the_prior(hazard: Hazard, knots_year, draw_psi) -> None:
    """64 draws, and each parameter in turn four prior sds from the centre; the derivative by time is the hazard."""
    psi = draw_psi(hazard, 64)
    centre = {name: jnp.median(value, axis=0) for name, value in psi.items()}
    extremes = [centre]
    for spec in hazard.parameters:
        for sign in (-4.0, 4.0):
            value = abs(sign) * spec.prior.args[-1] if spec.prior.family == "half_normal" else (
                spec.prior.args[0] + sign * spec.prior.args[1]
            )  # fmt: skip
            extremes.append({**centre, spec.name: jnp.full_like(centre[spec.name], value)})
    psi = {name: jnp.concatenate([psi[name], jnp.stack([e[name] for e in extremes])]) for name in psi}
    value, slope = {}, {}
    for function, times in ((hazard.log_hazard, TIMES), (hazard.cumulative, jnp.concatenate([jnp.zeros(1), TIMES]))):
        value_and_gradient = jax.value_and_grad(lambda p, t, f=function: f(t, p, knots_year), argnums=(0, 1))
        each = jax.jit(jax.vmap(jax.vmap(value_and_gradient, in_axes=(None, 0)), in_axes=(0, None)))
        value[function], (by_psi, slope[function]) = each(psi, times)
        everything = (value[function], by_psi, slope[function])
        assert jax.tree.all(jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), everything))
    assert jnp.all(value[hazard.cumulative][:, 0] == 0.0), "the cumulative hazard at day 0"
    hazards = jnp.exp(value[hazard.log_hazard])
    np.testing.assert_allclose(slope[hazard.cumulative][:, 1:], hazards, rtol=1e-8, atol=1e-200)


def test_cumulative_is_the_integral_from_delayed_entry(hazard: Hazard, knots_year, draw_psi) -> None:
    """Integrated in log time, where no hazard is singular; quad is asked for 1e-10, 1e-8 allows for knots."""
    psi = draw_psi(hazard, 8, seed=2)
    rate = jax.jit(lambda log_t, p: jnp.exp(hazard.log_hazard(jnp.exp(log_t), p, knots_year) + log_t))
    knots = np.log(np.asarray(knots_year))
    cumulative = jax.jit(hazard.cumulative)
    for draw in range(8):
        single = one(psi, draw)
        for entry, exit_ in ((1e-6, 0.05), (0.3, 0.31), (0.05, 6.0), (6.0, 25.0)):
            ends = np.log([entry, exit_])
            inner = knots[(knots > ends[0]) & (knots < ends[1])]
            edges = np.concatenate([ends[:1], inner, ends[1:]])
            pieces = [
                quad(lambda v, p=single: float(rate(v, p)), a, b, epsabs=0.0, epsrel=1e-10, limit=200)[0]
                for a, b in itertools.pairwise(edges)
            ]
            at_exit, at_entry = cumulative(jnp.asarray([exit_, entry]), single, knots_year)
            rounding = 4e-15 * float(at_exit)
            np.testing.assert_allclose(float(at_exit - at_entry), sum(pieces), rtol=1e-8, atol=rounding + 1e-250)


def test_finite_difference_of_cumulative_is_the_hazard(hazard: Hazard, knots_year, draw_psi) -> None:
    """Central difference with a relative step of 1e-4 in time: error about 1e-8 (step) and 1e-11 (rounding)."""
    psi, step = draw_psi(hazard, 40, seed=4), 1e-4
    near_knot = jnp.any(jnp.abs(TIMES[:, None] / knots_year - 1.0) < 2 * step, axis=1)
    times = TIMES[~near_knot]
    both = jnp.stack([times * (1 - step), times * (1 + step)])
    low, high = jnp.moveaxis(over_draws(lambda p: hazard.cumulative(both, p, knots_year), psi), 1, 0)
    hazards = over_draws(lambda p: jnp.exp(hazard.log_hazard(times, p, knots_year)), psi)
    ordinary = (high > 1e-100) & (high - low > 1e-6 * high)
    assert ordinary.mean() > 0.5
    difference = (high - low) / (2 * step * times)
    np.testing.assert_allclose(jnp.where(ordinary, difference / hazards, 1.0), 1.0, rtol=1e-4)


def test_gradients_by_parameters_against_finite_differences(hazard: Hazard, knots_year, draw_psi) -> None:
    """A random direction in parameter space; central differences with step 1e-5 err by 1e-10 and rounding."""
    psi, direction = draw_psi(hazard, 20, seed=5), draw_psi(hazard, 20, seed=6)
    times = jnp.asarray([0.02, 0.4, 1.3, 3.0, 9.0])
    for function in (hazard.log_hazard, lambda t, p, k: jnp.log(hazard.cumulative(t, p, k))):

        def along(size: float, p: Psi, d: Psi, f=function):
            return f(times, {name: p[name] + size * d[name] for name in p}, knots_year)  # fmt: skip

        at = jax.jit(jax.vmap(along, in_axes=(None, 0, 0)))
        low, high = at(-1e-5, psi, direction), at(1e-5, psi, direction)
        forward = jax.jvp(lambda s, a=at: a(s, psi, direction), (0.0,), (1.0,))[1]
        usable = jnp.isfinite(low) & (jnp.abs(low) < 600.0)
        assert usable.mean() > 0.8
        difference = (high - low) / 2e-5
        error = jnp.abs(forward - difference) / (1.0 + jnp.abs(difference))
        assert jnp.max(jnp.where(usable, error, 0.0)) < 1e-5


def test_draws_broadcast_against_times(hazard: Hazard, knots_year, draw_psi) -> None:
    psi = draw_psi(hazard, 5, seed=7)
    spread = {name: jnp.expand_dims(value, 1) for name, value in psi.items()}
    for function in (jax.jit(hazard.log_hazard), jax.jit(hazard.cumulative)):
        together = function(TIMES, spread, knots_year)
        assert together.shape == (5, len(TIMES))
        np.testing.assert_allclose(together[3], function(TIMES, one(psi, 3), knots_year), rtol=1e-12)


def test_knots_are_data(hazard: Hazard, knots_year, draw_psi) -> None:
    """Another cohort, with other knots and the same number of patients, compiles nothing; the knots have an effect."""
    traced = []

    @jax.jit
    def both(times, psi, knots):
        traced.append(1)
        return hazard.log_hazard(times, psi, knots), hazard.cumulative(times, psi, knots)

    psi = one(draw_psi(hazard, 2, seed=8), 0)
    first, second = both(TIMES, psi, knots_year), both(TIMES + 0.1, psi, 1.7 * knots_year)
    assert len(traced) == 1
    assert hazard.knot_count == len(knots_year)
    assert all(jnp.all(jnp.isfinite(value)) for value in (*first, *second))
    moved = both(TIMES, psi, 1.7 * knots_year)
    assert bool(jnp.any(moved[0] != first[0])) == (hazard.knot_count > 0)


def test_second_derivatives_are_finite(hazard: Hazard, knots_year, draw_psi) -> None:
    """What a Laplace approximation needs."""
    psi = one(draw_psi(hazard, 1, seed=9), 0)

    def log_likelihood(p: Psi) -> jnp.ndarray:
        times = jnp.asarray([0.0, 0.3, 2.0])
        return jnp.sum(hazard.log_hazard(times[1:], p, knots_year)) - jnp.sum(hazard.cumulative(times, p, knots_year))

    hessian = jax.jit(jax.hessian(log_likelihood))(psi)
    assert jax.tree.all(jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), hessian))


@pytest.mark.parametrize("name", list(HAZARDS))
def test_source_and_equation_are_stated(name: str) -> None:
    assert "doi:" in HAZARDS[name].source
    assert HAZARDS[name].equation.startswith("h0(t) =")
