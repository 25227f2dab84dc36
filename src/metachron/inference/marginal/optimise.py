"""The maximum of the marginal likelihood or posterior, and the curvature there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from metachron.inference.marginal.density import value_and_gradient
from metachron.inference.marginal.table import NodeModel, NodeTable

DIFFERENCE = 1e-4
"""Step of the central differences of gradients, in units of the scale of each parameter: error about 1e-8."""

Gradient = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Optimum:
    """A maximum: the unconstrained vector, the log density there, its gradient and its Hessian."""

    vector: Float[np.ndarray, " free"]
    value: float
    gradient: Float[np.ndarray, " free"]
    hessian: Float[np.ndarray, "free free"]

    @property
    def decrement(self) -> float:
        """Half the squared Newton step: how far the log density is below its maximum, to second order."""
        return float(0.5 * self.gradient @ np.linalg.solve(positive(-self.hessian), self.gradient))


def density_at(view: NodeModel, table: NodeTable, *, with_prior: bool) -> Gradient:
    """Return the function that gives the log density and its gradient at a vector, as NumPy sees them."""

    def evaluate(vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = value_and_gradient(jnp.asarray(vector), table, view=view, with_prior=with_prior)
        return float(value), np.asarray(gradient)

    return evaluate


def hessian_at(evaluate: Gradient, vector: np.ndarray, scale: np.ndarray) -> Float[np.ndarray, "free free"]:
    """Return the Hessian by central differences of the exact gradient: no second derivative is compiled."""
    rows = []
    for k, size in enumerate(DIFFERENCE * scale):
        step = np.zeros(len(vector))
        step[k] = size
        rows.append((evaluate(vector + step)[1] - evaluate(vector - step)[1]) / (2.0 * size))
    hessian = np.stack(rows)
    return 0.5 * (hessian + hessian.T)


def scale_at(evaluate: Gradient, vector: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return for each parameter the distance over which the log density bends by about one half, at most 1."""
    curvature = np.abs(np.diag(hessian_at(evaluate, vector, scale)))
    return 1.0 / np.sqrt(np.clip(curvature, 1.0, 1e12))


def climb(evaluate: Gradient, vector: np.ndarray, scale: np.ndarray, *, steps: int) -> np.ndarray:
    """Return the vector after up to ``steps`` trust-region Newton steps (Moré 1983) towards the maximum.

    The region is a ball in units of ``scale``.
    """

    def negative(at: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(at * scale)
        known = np.isfinite(value) and np.isfinite(gradient).all()
        return (-value, -gradient * scale) if known else (np.inf, np.zeros_like(at))

    found = minimize(
        negative,
        vector / scale,
        jac=True,
        hess=lambda at: -hessian_at(evaluate, at * scale, scale) * np.outer(scale, scale),
        method="trust-exact",
        options={"maxiter": steps, "initial_trust_radius": 3.0, "max_trust_radius": 30.0, "gtol": 1e-4},
    )
    return np.asarray(found.x) * scale


def optimum_at(evaluate: Gradient, vector: np.ndarray, scale: np.ndarray) -> Optimum:
    """Return value, gradient and Hessian at a vector."""
    value, gradient = evaluate(vector)
    return Optimum(vector, value, gradient, hessian_at(evaluate, vector, scale))


def positive(matrix: Float[np.ndarray, "free free"], least: float = 1e-3) -> Float[np.ndarray, "free free"]:
    """Return a symmetric matrix with its eigenvalues raised to ``least``: for directions the data say nothing of."""
    values, axes = np.linalg.eigh(matrix)
    return (axes * np.maximum(values, least)) @ axes.T
