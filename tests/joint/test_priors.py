"""Priors: against scipy.stats, and as densities on the real line, where they must integrate to 1."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from metachron.base import ModelError, Prior
from metachron.joint.priors import (
    check_correlation_prior,
    check_prior,
    draw_prior,
    is_positive,
    log_prior,
    prior_median,
    to_real_line,
)

FAMILIES = {
    Prior("normal", (1.0, 2.5)): stats.norm(1.0, 2.5),
    Prior("half_normal", (0.7,)): stats.halfnorm(scale=0.7),
    Prior("log_normal", (0.3, 0.8)): stats.lognorm(s=0.8, scale=np.exp(0.3)),
    Prior("exponential", (1.7,)): stats.expon(scale=1 / 1.7),
    Prior("student_t", (4.0, -0.5, 1.5)): stats.t(4.0, -0.5, 1.5),
    Prior("half_student_t", (3.0, 2.0)): stats.t(3.0, 0.0, 2.0),
    Prior("half_cauchy", (0.6,)): stats.halfcauchy(scale=0.6),
    Prior("inverse_gamma", (2.0, 3.0)): stats.invgamma(2.0, scale=3.0),
}
"""A half t is twice the t above 0."""


@pytest.fixture(params=list(FAMILIES), ids=lambda prior: prior.family)
def prior(request: pytest.FixtureRequest) -> Prior:
    return request.param


def on_real_line(prior: Prior):
    """Return the log density of the free value, as `unpack` adds it up."""
    bijector = to_real_line(prior)

    @jax.jit
    def log_density(x: jnp.ndarray) -> jnp.ndarray:
        value = bijector(x)
        return log_prior(prior, value) + jnp.sum(bijector.log_abs_det_jacobian(x, value))

    return log_density


def test_log_density_is_that_of_scipy(prior: Prior) -> None:
    values = np.array([0.01, 0.4, 1.0, 3.0, 9.0])
    factor = np.log(2.0) if prior.family == "half_student_t" else 0.0
    expected = FAMILIES[prior].logpdf(values) + factor
    found = [log_prior(prior, jnp.asarray(value)) for value in values]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(log_prior(prior, jnp.asarray(values)), expected.sum(), rtol=1e-10)


def test_density_on_the_real_line_integrates_to_one(prior: Prior) -> None:
    log_density = on_real_line(prior)
    points = [-3.0, 0.0, 3.0]
    low, high = (-60.0, 12.0) if is_positive(prior) else (-3e3, 3e3)
    total, _ = quad(lambda x: float(jnp.exp(log_density(jnp.asarray(x)))), low, high, points=points, limit=400)
    assert total == pytest.approx(1.0, abs=2e-7 if "student" in prior.family else 1e-9)


def test_median_splits_the_prior_in_half(prior: Prior) -> None:
    median = np.asarray(prior_median(prior, (2, 3)))
    assert median.shape == (2, 3)
    frozen = FAMILIES[prior]
    below = 2 * frozen.cdf(median) - 1 if prior.family == "half_student_t" else frozen.cdf(median)
    np.testing.assert_allclose(below, 0.5, atol=1e-6)


def test_draws_follow_the_prior(prior: Prior) -> None:
    draws = np.asarray(draw_prior(prior, (2000,), jax.random.key(3)))
    signs = np.where(np.arange(2000) % 2, 1.0, -1.0) if prior.family == "half_student_t" else 1.0
    assert stats.kstest(draws * signs, FAMILIES[prior].cdf).pvalue > 1e-3
    assert (draws > 0).all() or not is_positive(prior)


@pytest.mark.parametrize("concentration", [1.0, 2.0, 5.0])
def test_correlation_of_two_effects_is_a_stretched_beta(concentration: float) -> None:
    """(r + 1)/2 ~ Beta(concentration, concentration): Lewandowski 2009, doi:10.1016/j.jmva.2009.04.008."""
    prior = Prior("lkj", (concentration,))
    for r in (-0.9, 0.0, 0.3):
        factor = jnp.asarray([[1.0, 0.0], [r, np.sqrt(1 - r * r)]])
        expected = stats.beta(concentration, concentration, -1.0, 2.0).logpdf(r)
        np.testing.assert_allclose(log_prior(prior, factor), expected, rtol=1e-10)
    log_density = on_real_line(prior)
    total, _ = quad(lambda x: float(jnp.exp(log_density(jnp.asarray([x])))), -25.0, 25.0, points=[0.0])
    assert total == pytest.approx(1.0, abs=1e-8)


def test_correlation_of_three_effects_integrates_to_one_on_the_real_line() -> None:
    """Trapezium rule with step 0.5 on a smooth density: its error is 7e-5, and that of a wrong Jacobian of order 1."""
    grid = np.arange(-20, 21) * 0.5
    points = jnp.asarray(list(itertools.product(grid, repeat=3)))
    density = jnp.exp(jax.vmap(on_real_line(Prior("lkj", (2.0,))))(points))
    assert float(density.sum()) * 0.5**3 == pytest.approx(1.0, abs=2e-4)


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (Prior("cauchy", (0.0, 1.0)), "no prior family 'cauchy'; known: normal"),
        (Prior("normal", (0.0,)), "prior normal takes 2 numbers"),
        (Prior("half_normal", (0.0,)), "scale of prior half_normal must be above 0"),
        (Prior("normal", (0.0, -1.0)), "scale of prior normal must be above 0; found -1.0"),
        (Prior("normal", (float("nan"), 1.0)), "finite"),
        (Prior("normal", (0.0, float("inf"))), "finite"),
        (Prior("student_t", (0.0, 0.0, 1.0)), "degrees of freedom"),
        (Prior("half_student_t", (-3.0, 1.0)), "degrees of freedom"),
        (Prior("lkj", (2.0,)), "lkj is a prior of correlation matrices"),
        (Prior("inverse_gamma", (0.0, 1.0)), "shape of prior inverse_gamma must be above 0"),
        (Prior("horseshoe", (0.1, 4.0, 1.0)), "coefficients of covariates"),
    ],
    ids=str,
)
def test_impossible_priors_are_refused(prior: Prior, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        check_prior(prior, "log_growth_per_year.mean")
    assert str(caught.value).startswith("log_growth_per_year.mean: ")


@pytest.mark.parametrize(
    ("family", "args"), [("lkj", (0.0,)), ("lkj", (2.0, 2.0)), ("lkj", (float("nan"),)), ("normal", (0.0, 1.0))]
)
def test_impossible_priors_of_a_correlation_are_refused(family: str, args: tuple[float, ...]) -> None:
    with pytest.raises(ModelError, match=r"effects\.correlation: .* takes the prior lkj with one positive number"):
        check_correlation_prior(Prior(family, args), "effects.correlation")


def test_one_number_for_many_values() -> None:
    """A block of values is a product of the prior's densities, not of one value repeated."""
    prior = Prior("normal", (0.0, 1.0))
    draws = np.asarray(draw_prior(prior, (3, 2), jax.random.key(0)))
    assert len(np.unique(draws)) == 6
    np.testing.assert_allclose(log_prior(prior, jnp.asarray(draws)), stats.norm.logpdf(draws).sum(), rtol=1e-12)
