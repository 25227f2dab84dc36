"""The origin of time: cumulative hazards that are 0 at day 0 and keep their gradients finite there."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float


def from_origin(
    time_year: Float[Array, "..."], cumulative: Callable[[Float[Array, "..."]], Float[Array, "..."]]
) -> Float[Array, "..."]:
    """Return ``cumulative(time_year)`` where time is positive, and 0 with zero gradient elsewhere.

    The formula is evaluated at one year in place of times up to 0, where a logarithm of time would put NaN into
    gradients even though its value is not used.
    """
    positive = jnp.asarray(time_year) > 0.0
    return jnp.where(positive, cumulative(jnp.where(positive, time_year, 1.0)), 0.0)
