"""Quadrature rules on [0, 1] as NumPy nodes and weights: integral of f over [a, b] ~ (b - a) sum w f(a + (b - a) u)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import roots_jacobi

from metachron.base.errors import ModelError

Rule = tuple[Float[np.ndarray, " node"], Float[np.ndarray, " node"]]
"""Nodes and weights, read-only and cached."""


@lru_cache
def gauss_legendre(count: int) -> Rule:
    """Return the Gauss-Legendre rule of ``count`` nodes on [0, 1], exact for polynomials of degree 2 count - 1.

    Raises
    ------
    ModelError : ``count`` is below 1.
    """
    if count < 1:
        raise ModelError(f"a quadrature rule needs at least 1 node; found {count}")
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return _frozen((nodes + 1.0) / 2.0, weights / 2.0)


@lru_cache
def gauss_radau(count: int) -> Rule:
    """Return the Gauss-Radau rule of ``count`` nodes on [0, 1] with a node at 1, exact for degree 2 count - 2.

    Raises
    ------
    ModelError : ``count`` is below 2.
    """
    if count < 2:
        raise ModelError(f"a Gauss-Radau rule needs at least 2 nodes; found {count}")
    inner, weights = roots_jacobi(count - 1, 1.0, 0.0)
    nodes = np.append((inner + 1.0) / 2.0, 1.0)
    return _frozen(nodes, np.append(weights / (1.0 - inner), 2.0 / count**2) / 2.0)


@lru_cache
def power_rule(count: int = 32, power: float = 8.0) -> Rule:
    """Return the rule of the substitution u = x^power: for integrands like u^(k - 1) at the lower end.

    The last node is the end of the interval itself (Gauss-Radau), so that a hazard cannot rise at the very end without
    counting in its integral.

    With the default 32 nodes and power 8 the cumulative hazard of a Weibull baseline with shape 0.3 to 5 has a
    relative error below 2e-8, and below 1e-6 when the hazard is multiplied by exp(v u) with v from -20 to 20.
    Higher powers need more nodes for the smooth part, lower ones leave more of the singularity. The integrand must
    be smooth inside the interval: split it at the knots of a piecewise hazard and at day 0.

    Raises
    ------
    ModelError : ``count`` or ``power`` is below 1.
    """
    if power < 1:
        raise ModelError(f"the power of a substitution must be at least 1; found {power}")
    x, weights = gauss_radau(count)
    return _frozen(x**power, weights * power * x ** (power - 1.0))


@lru_cache
def two_ended_rule(count: int = 32, steepness: float = 6.0) -> Rule:
    """Return a rule whose nodes crowd at both ends: for a fast decay at the start, fast growth at the end, or both.

    The substitution is the logistic function on [-steepness, steepness], brought to [0, 1]. With the defaults the
    integral of exp(-v u) has a relative error below 2e-7 for v from 0 to 3000 and 2e-6 to 10,000 (plain
    Gauss-Legendre of 32 nodes: 0.8 at 3000).

    Raises
    ------
    ModelError : ``count`` is below 1 or ``steepness`` is not above 0.
    """
    if not steepness > 0:
        raise ModelError(f"the steepness of a substitution must be above 0; found {steepness}")
    x, weights = gauss_legendre(count)
    logistic = 1.0 / (1.0 + np.exp(-steepness * (2.0 * x - 1.0)))
    lowest = 1.0 / (1.0 + np.exp(steepness))
    span = 1.0 - 2.0 * lowest
    return _frozen((logistic - lowest) / span, weights * 2.0 * steepness * logistic * (1.0 - logistic) / span)


def _frozen(nodes: np.ndarray, weights: np.ndarray) -> Rule:
    """Return both arrays made read-only, since a cached rule is shared."""
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights
