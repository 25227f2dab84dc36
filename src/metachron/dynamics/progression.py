"""The time at which a growing size reaches a threshold, and the threshold of progression in RECIST 1.1."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

RELATIVE_INCREASE = 0.2
ABSOLUTE_INCREASE_MM = 5.0
"""Progression of target lesions in RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026, section 4.3.1."""

_HALVINGS = 60
"""Enough for the last bit of a 64-bit time: 2^-52 of the horizon, and some more near day 0."""


def progression_threshold_mm(nadir_mm: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the size in mm that is both 20 % and 5 mm above the nadir."""
    return jnp.maximum((1.0 + RELATIVE_INCREASE) * nadir_mm, nadir_mm + ABSOLUTE_INCREASE_MM)


def first_crossing_year(
    size_mm: Callable[[Float[Array, "..."]], Float[Array, "..."]],
    threshold_mm: Float[Array, "..."],
    *,
    start_year: Float[Array, "..."],
    horizon_year: Float[Array, "..."],
) -> Float[Array, "..."]:
    """Return the first time from ``start_year`` to ``horizon_year`` at which the size is at least the threshold.

    inf when it is not reached by the horizon. The size must not fall between start and horizon, and must lie below the
    threshold at the start; bisection then finds the time to the last bit, and its derivative is that of the implicit
    equation size(t) = threshold. Under a derivative, start and horizon count as constants.
    """
    reached = size_mm(horizon_year) >= threshold_mm
    low, high, level = (stop_gradient(x) for x in jnp.broadcast_arrays(start_year, horizon_year, threshold_mm))

    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = 0.5 * (low + high)
        above = size_mm(middle) >= level
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    _, time_year = stop_gradient(jax.lax.fori_loop(0, _HALVINGS, halve, (low, high)))
    excess, rate = jax.jvp(lambda t: size_mm(t) - threshold_mm, (time_year,), (jnp.ones_like(time_year),))
    implicit = (excess - stop_gradient(excess)) / stop_gradient(jnp.where(reached & (rate > 0), rate, 1.0))
    return jnp.where(reached, time_year - implicit, jnp.inf)
