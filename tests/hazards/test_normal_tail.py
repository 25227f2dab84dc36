"""The upper tail of the normal distribution against scipy, in both tails and at the seams."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_ndtr, ndtr

from metachron.hazards.normal_tail import normal_cumulative_hazard

Z = np.concatenate([np.linspace(-37.0, 37.0, 400), [-8.0, 0.0, 8.0, np.nextafter(8.0, 9.0), 80.0, 1e4]])


def test_value_is_exact_relative_to_its_size() -> None:
    """One rounding of z moves the density by z^2 x 1e-16, 2e-13 at z = 37."""
    got = jax.jit(normal_cumulative_hazard)(jnp.asarray(Z))
    expected = np.where(Z < 0.0, -np.log1p(-ndtr(np.minimum(Z, 0.0))), -log_ndtr(-np.maximum(Z, 0.0)))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_derivative_is_the_inverse_of_mills_ratio() -> None:
    got = jax.jit(jax.vmap(jax.grad(normal_cumulative_hazard)))(jnp.asarray(Z))
    expected = np.exp(-0.5 * Z**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(-Z))
    np.testing.assert_allclose(got, expected, rtol=1e-8)
    assert float(got[-1]) > 0.0
