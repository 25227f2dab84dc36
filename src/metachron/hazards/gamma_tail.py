"""The upper tail of the gamma distribution on the log scale, with derivatives with respect to its shape."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Int

_TERMS = 48
_SPLIT = 1.5
"""With 48 terms, and the series below x = shape + 1.5 and the fraction above, -log Q errs by less than 3e-12
relatively for shapes from 0.02 to 30, against 40-digit arithmetic; 2e-7 at shape 60."""
_UNROLLED = 8
"""Terms per pass of the compiled loop: as fast as all 48 in a row, and compiled in a fraction of the time."""


@jax.custom_jvp
def gamma_cumulative_hazard(shape: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return -log Q(shape, x), Q the regularised upper incomplete gamma function, for x > 0.

    Below shape + 1.5 it is -log(1 - P) with P by its power series, so that small values keep their relative
    accuracy; above, log Q is taken apart into logarithms and Legendre's continued fraction, so that nothing
    underflows. Source: DLMF 8.7.1 and 8.9.2.
    """
    return _cumulative(shape, x)


def log_gamma_density(shape: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the log density of a gamma variable of unit scale, times x: shape log x - x - log Gamma(shape)."""
    return shape * jnp.log(x) - x - gammaln(shape)


def _cumulative(shape: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    split = shape + _SPLIT
    series, fraction = _series_and_fraction(shape, jnp.minimum(x, split), jnp.maximum(x, split))
    log_density = log_gamma_density(shape, x)
    below = x < split
    log_lower = jnp.where(below, log_density + jnp.log(series), -1.0)
    return jnp.where(below, -jnp.log1p(-jnp.exp(log_lower)), jnp.log(fraction) - log_density)


def _series_and_fraction(
    shape: Float[Array, "..."], low: Float[Array, "..."], high: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Return the power series at ``low`` and the continued fraction at ``high``, summed from the last term on.

    P(shape, low) = density(low) x series, Q(shape, high) = density(high) / fraction, the density as in
    `log_gamma_density`.
    """
    shifted = high - shape

    def step(
        done: Int[Array, ""], totals: tuple[Float[Array, "..."], Float[Array, "..."]]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        term = 1.0 * (_TERMS - done)
        series, fraction = totals
        return 1.0 + series * (low / (shape + term)), shifted + (2.0 * term - 1.0) - term * (term - shape) / fraction

    start = (jnp.ones_like(low), shifted + (2.0 * _TERMS + 1.0))
    series, fraction = jax.lax.fori_loop(0, _TERMS, step, start, unroll=_UNROLLED)
    return series / shape, fraction


@gamma_cumulative_hazard.defjvp
def _derivative(
    primals: tuple[Float[Array, "..."], Float[Array, "..."]], tangents: tuple[Float[Array, "..."], Float[Array, "..."]]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Both partial derivatives in one forward pass, so that a gradient stores nothing of the 48 terms."""
    shape, x = primals
    value, by_shape = jax.jvp(lambda a: _cumulative(a, x), (shape,), (jnp.ones_like(shape),))
    by_x = jnp.exp(log_gamma_density(shape, x) + value) / x
    return value, by_shape * tangents[0] + by_x * tangents[1]
