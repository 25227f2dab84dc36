"""Priors: from their description as data to log densities, draws and maps to the real line.

NumPyro, which has the densities, is imported where one is asked for: a forecast maps draws and asks for none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, Float
from scipy.special import gammaincinv, stdtrit

from metachron.base import ModelError, Prior

if TYPE_CHECKING:
    from numpyro.distributions import Distribution

_FAMILIES = {
    "normal": (2, "Normal"),
    "half_normal": (1, "HalfNormal"),
    "log_normal": (2, "LogNormal"),
    "exponential": (1, "Exponential"),
    "student_t": (3, "StudentT"),
    "half_student_t": (2, "StudentT"),
    "inverse_gamma": (2, "InverseGamma"),
    "half_cauchy": (1, "HalfCauchy"),
}
"""How many numbers a family takes, and its name in NumPyro; half_student_t is folded at 0."""
_POSITIVE = {"half_normal", "log_normal", "exponential", "half_student_t", "inverse_gamma", "half_cauchy"}


def is_positive(prior: Prior) -> bool:
    """Return whether the prior is one of positive values."""
    return prior.family in _POSITIVE


def check_prior(prior: Prior, what: str) -> None:
    """Raise `ModelError` unless the prior has a known family, as many numbers as it takes, and positive scales."""
    if not all(math.isfinite(value) for value in prior.args):
        raise ModelError(f"{what}: the numbers of prior {prior.family} must be finite; found {list(prior.args)}")
    if prior.family == "lkj":
        raise ModelError(f"{what}: lkj is a prior of correlation matrices; take one of {', '.join(_FAMILIES)}")
    if prior.family == "horseshoe":
        raise ModelError(f"{what}: horseshoe is a prior of coefficients of covariates (beta_prior) alone")
    if prior.family not in _FAMILIES:
        raise ModelError(f"{what}: there is no prior family {prior.family!r}; known: {', '.join(_FAMILIES)}")
    count, _ = _FAMILIES[prior.family]
    if len(prior.args) != count:
        raise ModelError(f"{what}: prior {prior.family} takes {count} numbers; found {list(prior.args)}")
    if prior.args[-1] <= 0:
        raise ModelError(f"{what}: the scale of prior {prior.family} must be above 0; found {prior.args[-1]}")
    if prior.family == "inverse_gamma" and prior.args[0] <= 0:
        raise ModelError(f"{what}: the shape of prior inverse_gamma must be above 0; found {prior.args[0]}")
    if "student" in prior.family and prior.args[0] <= 0:
        raise ModelError(f"{what}: prior {prior.family} needs degrees of freedom above 0; found {prior.args[0]}")


def check_correlation_prior(prior: Prior, what: str) -> None:
    """Raise `ModelError` unless the prior is ``lkj`` with a positive concentration."""
    if prior.family != "lkj" or len(prior.args) != 1 or not 0 < prior.args[0] < math.inf:
        raise ModelError(
            f"{what}: a correlation matrix takes the prior lkj with one positive number, the concentration; found "
            f"{prior.family} {list(prior.args)}"
        )


def distribution(prior: Prior, shape: tuple[int, ...]) -> Distribution:
    """Return the prior as a distribution over arrays of ``shape``; for ``lkj`` over Cholesky factors (k, k)."""
    from numpyro import distributions as dist

    if prior.family == "lkj":
        return dist.LKJCholesky(shape[-1], concentration=prior.args[0])
    return _one(prior).expand(shape).to_event(len(shape))


def _one(prior: Prior) -> Distribution:
    from numpyro import distributions as dist

    if prior.family == "half_student_t":
        return dist.FoldedDistribution(dist.StudentT(prior.args[0], 0.0, prior.args[1]))
    return getattr(dist, _FAMILIES[prior.family][1])(*prior.args)


class Bijector(Protocol):
    """A map from the real line to the values of a prior."""

    def __call__(self, x: Array) -> Array:
        """Return the values."""
        ...

    def inv(self, y: Array) -> Array:
        """Return where values come from."""
        ...

    def log_abs_det_jacobian(self, x: Array, y: Array) -> Array:
        """Return the log of the absolute derivative."""
        ...


class _Identity:
    def __call__(self, x: Array) -> Array:
        return x

    def inv(self, y: Array) -> Array:
        return y

    def log_abs_det_jacobian(self, x: Array, y: Array) -> Array:
        return jnp.zeros_like(x)


class _Exponential:
    def __call__(self, x: Array) -> Array:
        return jnp.exp(x)

    def inv(self, y: Array) -> Array:
        return jnp.log(y)

    def log_abs_det_jacobian(self, x: Array, y: Array) -> Array:
        return x


class _HalfCauchy:
    """From the real line to a half-Cauchy variable: a standard normal one becomes it, at the same quantile.

    Both tails are then those of a normal distribution. The log of a half-Cauchy variable has exponential ones, in which
    steps of a sampler are too large where the density bends.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, x: Array) -> Array:
        lower = jnp.log(jnp.tan(0.5 * jnp.pi * ndtr(-jnp.abs(x))))
        return self.scale * jnp.exp(jnp.where(x < 0, lower, -lower))

    def inv(self, y: Array) -> Array:
        ratio = y / self.scale
        level = ndtri(2.0 / jnp.pi * jnp.arctan(jnp.minimum(ratio, 1.0 / ratio)))
        return jnp.where(ratio < 1, level, -level)

    def log_abs_det_jacobian(self, x: Array, y: Array) -> Array:
        slope = jnp.log(0.5 * jnp.pi * self.scale) + jnp.log1p(jnp.square(y / self.scale))
        return slope - 0.5 * jnp.square(x) - 0.5 * jnp.log(2.0 * jnp.pi)


def to_real_line(prior: Prior) -> Bijector:
    """Return the map from the real line to the values of the prior."""
    if prior.family == "lkj":
        from numpyro.distributions import biject_to, constraints

        found: Bijector = biject_to(constraints.corr_cholesky)
        return found
    if prior.family == "half_cauchy":
        return _HalfCauchy(prior.args[0])
    return _Exponential() if is_positive(prior) else _Identity()


def log_prior(prior: Prior, value: Float[Array, "..."]) -> Float[Array, ""]:
    """Return the log prior density of an array, summed over its elements."""
    return jnp.sum(distribution(prior, value.shape).log_prob(value))


def prior_median(prior: Prior, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Return the prior median of each element (the identity for a correlation's Cholesky factor)."""
    if prior.family == "lkj":
        return jnp.eye(shape[-1])
    if prior.family == "student_t":
        return jnp.full(shape, prior.args[1])
    if prior.family == "half_student_t":
        return jnp.full(shape, prior.args[1] * stdtrit(prior.args[0], 0.75))
    if prior.family == "inverse_gamma":
        return jnp.full(shape, prior.args[1] / gammaincinv(prior.args[0], 0.5))
    return jnp.full(shape, _one(prior).icdf(0.5))


def draw_prior(prior: Prior, shape: tuple[int, ...], key: Array) -> Float[Array, "..."]:
    """Return one draw from the prior."""
    return distribution(prior, shape).sample(key)
