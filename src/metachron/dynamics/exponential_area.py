"""The integral of exp(rate t), exact where the rate or the time is 0."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

_SERIES_BELOW = 1e-4


def exponential_area(rate_per_year: Float[Array, "..."], time_year: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the integral of exp(rate u) for u from 0 to t, in years: expm1(rate t) / rate.

    By its series where \\|rate t\\| is below 1e-4 (error below 1e-13), so that value and gradient stay finite at 0.
    """
    exponent = rate_per_year * time_year
    small = jnp.abs(exponent) < _SERIES_BELOW
    known = jnp.where(small, 1.0, exponent)
    series = 1.0 + exponent / 2.0 * (1.0 + exponent / 3.0 * (1.0 + exponent / 4.0))
    return time_year * jnp.where(small, series, jnp.expm1(known) / known)
