"""The time at which a cumulative hazard reaches a value: what a simulator of event times needs."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.hazards.hazard import Hazard, Psi

_EARLIEST_YEAR = 1e-30
_LATEST_YEAR = 1e4
_HALVINGS = 64
"""The bracket spans 78 units of log time; halved 64 times it is below rounding."""


def inverse_cumulative(
    hazard: Hazard, target: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
) -> Float[Array, "..."]:
    """Return the time in years at which a baseline cumulative hazard reaches ``target``.

    With ``target = -log(U)``, U uniform on (0, 1), the result is a random time to the event. See
    `invert_cumulative`.
    """
    return invert_cumulative(lambda time_year: hazard.cumulative(time_year, psi, knots_year), target)


def invert_cumulative(
    cumulative: Callable[[Float[Array, "..."]], Float[Array, "..."]], target: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return the time in years at which a non-decreasing function of time, 0 at 0, reaches ``target``.

    Bisection in log time, for all targets at once; the result has the shape of ``target`` broadcast against the
    function's value. It is 0 for a target up to 0, infinite where 10,000 years do not reach the target (a share of
    patients never has the event), and NaN for a NaN target. It has no gradient.
    """
    target = jnp.asarray(target, dtype=float)
    whole = jnp.broadcast_shapes(target.shape, jax.eval_shape(cumulative, target).shape)
    low, high = jnp.full(whole, jnp.log(_EARLIEST_YEAR)), jnp.full(whole, jnp.log(_LATEST_YEAR))

    def halve(
        _: int, bracket: tuple[Float[Array, "..."], Float[Array, "..."]]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        low, high = bracket
        middle = 0.5 * (low + high)
        short = cumulative(jnp.exp(middle)) < target
        return jnp.where(short, middle, low), jnp.where(short, high, middle)

    reachable = cumulative(jnp.full(whole, _LATEST_YEAR)) >= target
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (low, high))
    time_year = jnp.where(reachable, jnp.exp(0.5 * (low + high)), jnp.inf)
    return jax.lax.stop_gradient(jnp.where(jnp.isnan(target), jnp.nan, jnp.where(target > 0.0, time_year, 0.0)))
