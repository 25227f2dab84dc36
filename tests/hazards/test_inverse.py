"""Times at which a cumulative hazard reaches a value."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from metachron.hazards import Gompertz, Hazard, Weibull, inverse_cumulative, invert_cumulative


def test_inverse_returns_the_time_of_the_cumulative_hazard(hazard: Hazard, knots_year, draw_psi) -> None:
    """Back within 1e-12 of the time, plus what one rounding of the target moves it where the hazard is low."""
    psi = draw_psi(hazard, 20, seed=21)
    times = jnp.asarray([1e-4, 0.03, 0.7, 2.0, 12.0])

    @jax.jit
    def there_and_back(single):
        target = hazard.cumulative(times, single, knots_year)
        back = inverse_cumulative(hazard, target, single, knots_year)
        return target, hazard.log_hazard(times, single, knots_year), back

    target, log_hazard, back = jax.vmap(there_and_back)(psi)
    allowed = 1e-12 * times + 4e-16 * target / jnp.exp(log_hazard)
    usable = (target > 1e-280) & (allowed < 1e-3 * times)
    assert usable.mean() > 0.8
    assert jnp.all(jnp.abs(back - times)[usable] <= 10 * allowed[usable])


def test_uniform_draws_give_times_with_the_right_survival() -> None:
    """Deterministic: the times of evenly spaced survival probabilities have those survival probabilities."""
    psi = {"scale_year": jnp.log(1.3), "shape": jnp.log(0.6)}
    survival = jnp.linspace(0.001, 0.999, 999)
    times = inverse_cumulative(Weibull(), -jnp.log(survival), psi, jnp.zeros(0))
    np.testing.assert_allclose(times, 1.3 * (-np.log(survival)) ** (1 / 0.6), rtol=1e-13)


def test_targets_at_the_ends() -> None:
    psi = {"rate_per_year": jnp.log(0.6), "shape_per_year": jnp.asarray(-1.5)}
    got = inverse_cumulative(Gompertz(), jnp.asarray([-1.0, 0.0, 0.39, 0.41, jnp.inf, jnp.nan]), psi, jnp.zeros(0))
    np.testing.assert_allclose(got, [0.0, 0.0, -np.log1p(-0.975) / 1.5, np.inf, np.inf, np.nan], rtol=1e-12)


def test_any_cumulative_hazard_broadcasts_against_targets() -> None:
    rate = jnp.asarray([0.5, 2.0])[:, None]
    got = invert_cumulative(lambda time_year: rate * time_year**2, jnp.asarray([0.02, 0.5, 8.0]))
    np.testing.assert_allclose(got, np.sqrt(np.asarray([0.02, 0.5, 8.0]) / rate), rtol=1e-14)
