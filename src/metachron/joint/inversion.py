"""When an expected number of events is reached: simulation from the integral of the likelihood itself."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_BISECTIONS = 60


def time_reached(
    expected: Callable[[Float[Array, " patient"]], Float[Array, " patient"]],
    start: Float[Array, " patient"],
    longest: Float[Array, " patient"],
    target: Float[Array, " patient"],
) -> Float[Array, " patient"]:
    """Return the times at which ``expected``, which rises from 0 at ``start``, reaches ``target``; inf beyond
    ``longest``.

    Bisection on the integral of the likelihood, so that simulation and likelihood cannot differ.
    """

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        below = expected(middle) < target
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, (start, longest))
    return jnp.where((longest > start) & (expected(longest) >= target), 0.5 * (low + high), jnp.inf)
