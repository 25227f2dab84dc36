"""B-splines between day 0 and a boundary, with knots as data."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.hazards.knots import interval_indicators


def clamped_knots(knots_year: Float[Array, " knot"], degree: int) -> Float[Array, " clamped"]:
    """Return interior knots with day 0 before and the boundary (the last knot) after, each ``degree + 1`` times."""
    return jnp.concatenate([jnp.zeros(degree + 1), knots_year[:-1], jnp.repeat(knots_year[-1:], degree + 1)])


def b_spline_basis(
    time_year: Float[Array, "..."], knots_year: Float[Array, " knot"], degree: int
) -> list[Float[Array, "..."]]:
    """Return the ``knots + degree`` B-splines of a degree at times from 0 to the boundary; they add up to 1.

    Basis functions come as a list of arrays rather than as an axis, so that XLA fuses the whole recursion into one
    pass over the times. Functions that are 0 everywhere within an interval are left out of the recursion.
    Source: de Boor 1972, doi:10.1016/0021-9045(72)90080-9.
    """
    clamped = clamped_knots(knots_year, degree)
    inside = interval_indicators(time_year, knots_year[:-1])
    basis = {degree + k: here.astype(clamped.dtype) for k, here in enumerate(inside)}
    for order in range(1, degree + 1):
        span = clamped[order:] - clamped[:-order]
        slope = jnp.where(span > 0.0, 1.0 / jnp.where(span > 0.0, span, 1.0), 0.0)
        rising = {i: (time_year - clamped[i]) * slope[i] for i in basis}
        below = {i: rising[i] * basis[i] for i in basis}
        above = {i - 1: (1.0 - rising[i]) * basis[i] for i in basis}
        both = sorted(below.keys() | above.keys())
        basis = {i: jnp.asarray(below.get(i, 0.0) + above.get(i, 0.0)) for i in both}
    return list(basis.values())
