"""Quadrature rules against integrals in closed form, with the error that each docstring states."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gamma, gammainc

from metachron.base import ModelError
from metachron.base.quadrature import gauss_legendre, power_rule, two_ended_rule

SHAPES = np.geomspace(0.3, 5.0, 200)


def weibull_error(rule, shape: float) -> float:
    """Relative error of the cumulative hazard at 1 of a Weibull hazard with scale 1, whose true value is 1."""
    nodes, weights = rule
    return abs(weights @ (shape * nodes ** (shape - 1.0)) - 1.0)


@pytest.mark.parametrize("count", [1, 2, 5, 20, 32])
def test_gauss_legendre_is_exact_to_its_degree(count):
    nodes, weights = gauss_legendre(count)
    for degree in range(2 * count):
        assert weights @ nodes**degree == pytest.approx(1.0 / (degree + 1), rel=1e-13)


@pytest.mark.parametrize(("shape", "error"), [(0.5, 2.1e-2), (0.7, 3.4e-3), (1.3, 5.2e-5)])
def test_plain_rule_of_20_nodes_errs_as_known_on_weibull_hazards(shape, error):
    assert weibull_error(gauss_legendre(20), shape) == pytest.approx(error, rel=0.03)


def test_power_rule_holds_over_weibull_shapes():
    assert max(weibull_error(power_rule(), shape) for shape in SHAPES) < 2e-8
    assert max(weibull_error(power_rule(20), shape) for shape in SHAPES) < 1e-6
    assert max(weibull_error(gauss_legendre(32), shape) for shape in SHAPES) > 1e-2


@pytest.mark.parametrize("rate", [-20.0, -5.0, -1.0, 1.0, 5.0, 20.0])
def test_power_rule_holds_with_a_link_that_moves_with_time(rate):
    nodes, weights = power_rule()
    for shape in SHAPES[::10]:
        value = weights @ (shape * nodes ** (shape - 1.0) * np.exp(rate * nodes))
        assert value == pytest.approx(weibull_with_exponential(shape, rate), rel=1e-6)


def weibull_with_exponential(shape: float, rate: float) -> float:
    """Integral of k u^(k-1) exp(v u) on [0, 1]: incomplete gamma for v < 0, a power series for v > 0."""
    if rate < 0:
        return shape * gamma(shape) * gammainc(shape, -rate) * (-rate) ** -shape
    order = np.arange(150)
    log_term = order * np.log(rate) - np.cumsum(np.log(np.maximum(order, 1)))
    return float(np.sum(np.exp(log_term) * shape / (shape + order)))


def test_two_ended_rule_resolves_decay_and_growth_at_the_ends():
    nodes, weights = two_ended_rule()
    for limit, tolerance in ((10.0, 2e-9), (3000.0, 2e-7), (10_000.0, 2e-6)):
        for rate in np.geomspace(0.01, limit, 60):
            exact = -np.expm1(-rate) / rate
            assert weights @ np.exp(-rate * nodes) == pytest.approx(exact, rel=tolerance)
            assert weights @ np.exp(-rate * (1.0 - nodes)) == pytest.approx(exact, rel=tolerance)
    plain_nodes, plain_weights = gauss_legendre(32)
    assert abs(plain_weights @ np.exp(-3000.0 * plain_nodes) * 3000.0 - 1.0) > 0.5


@pytest.mark.parametrize("rule", [gauss_legendre(7), power_rule(), two_ended_rule()])
def test_rules_are_ordered_positive_and_shared_read_only(rule):
    nodes, weights = rule
    assert (np.diff(nodes) > 0).all()
    assert nodes[0] > 0
    assert nodes[-1] <= 1
    assert (weights > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        nodes[0] = 0.5


@pytest.mark.parametrize(
    "make",
    [lambda: gauss_legendre(0), lambda: power_rule(8, 0.5), lambda: power_rule(-1), lambda: two_ended_rule(8, 0.0)],
)
def test_impossible_rules_are_refused(make):
    with pytest.raises(ModelError, match="found"):
        make()
