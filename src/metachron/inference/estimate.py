"""The maximum of the marginal likelihood or posterior, with standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.inference.diagnostics import number_or_none
from metachron.inference.follow_up import follow_up_cautions
from metachron.inference.marginal.coordinates import Coordinates, vector_at
from metachron.inference.marginal.density import log_likelihood
from metachron.inference.marginal.expansion import Expansion
from metachron.inference.marginal.optimise import (
    Gradient,
    Optimum,
    climb,
    density_at,
    optimum_at,
    positive,
    scale_at,
)
from metachron.inference.marginal.prepare import Prepared, Report, prepare
from metachron.inference.marginal.references import MOST_ROWS, References, measure
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint import Dims, JointModel
from metachron.joint.names import flat_names
from metachron.joint.sites import CORRELATION
from metachron.joint.vector import population_at, unpack_population

KINDS = ("ml", "map")
CHECKING = 4
REFINING_STEPS = 30
ROUNDS = 4
SETTLED = 0.2
"""Standard deviations by which the maximum may lie off the point about which its nodes were corrected."""
AT_BOUND = -8.0
"""Log of a standard deviation below which it is reported as at its bound, 0."""
DECREMENT_LIMIT = 0.01
ERROR_LIMIT = 0.5
NORMAL_90 = 1.6448536269514722


@dataclass(frozen=True, eq=False)
class Estimate:
    """A maximum of the marginal likelihood (``ml``) or posterior (``map``).

    Parameters
    ----------
    table : parameter, estimate, se, low, high (90 % interval); on the scale of `Fit.summary`.
    log_likelihood : marginal log likelihood at the maximum, and ``log_likelihood_error``, its numerical error within a
        standard error of it (sd).
    parameters, patients : counts that AIC and BIC rest on.
    warnings : parameters at a bound, directions the data say nothing of, follow-up that does not reach a plateau.
    covariance : of the estimates, in the order of the table.
    """

    kind: str
    table: pl.DataFrame
    log_likelihood: float
    log_likelihood_error: float
    parameters: int
    patients: int
    warnings: tuple[str, ...]
    covariance: Float[np.ndarray, "parameter parameter"]

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 parameters - 2 log likelihood."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Bayesian information criterion with the number of patients."""
        return self.parameters * math.log(self.patients) - 2.0 * self.log_likelihood

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate for JSON; NaN is None."""
        rows = self.table.iter_rows(named=True)
        return {
            "estimate": self.kind,
            "parameters": {row.pop("parameter"): {k: number_or_none(v) for k, v in row.items()} for row in rows},
            "log_likelihood": self.log_likelihood,
            "log_likelihood_error": self.log_likelihood_error,
            "aic": self.aic,
            "bic": self.bic,
            "free_parameters": self.parameters,
            "patients": self.patients,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return (
            f"Estimate({self.kind}, {self.patients} patients, {self.parameters} parameters, "
            f"log likelihood {self.log_likelihood:.2f})"
        )

    def _repr_html_(self) -> str:
        head = f"<p><b>{self!r}</b>: AIC {self.aic:.1f}, BIC {self.bic:.1f}</p>"
        return head + "".join(f"<p>{warning}</p>" for warning in self.warnings) + self.table._repr_html_()


def estimate(
    model: JointModel, cohort: Cohort, kind: str = "ml", *, seed: int = 1, report: Report | None = None
) -> Estimate:
    """Return the maximum of the marginal likelihood, patient effects integrated out, or of the posterior.

    Standard errors are those of the observed information at the maximum, carried to the natural scale to first order.
    ``map`` is the mode on the unconstrained scale (log of standard deviations), where the normal approximation is.

    Parameters
    ----------
    kind : ``"ml"`` or ``"map"``.
    report : called with a sentence after every round.

    Raises
    ------
    ModelError
        When the model has no patient effects, or effects that cannot be integrated out.
    ConvergenceError
        When the maximum is not found.
    """
    if kind not in KINDS:
        raise ModelError(f"there is no estimate {kind!r}; known: {', '.join(KINDS)}")
    binding = model.bind(cohort)
    with_prior = kind == "map"
    prepared = prepare(model, binding, with_prior=with_prior, seed=seed, report=report)
    optimum, references = _refine(prepared, with_prior=with_prior, seed=seed)
    vector = optimum.vector
    if not abs(optimum.decrement) < DECREMENT_LIMIT:
        raise ConvergenceError(
            f"the maximum was not found: the log density could still rise by about {optimum.decrement:.3g}; what "
            "usually helps: fewer random parameters, a tighter prior with --estimate map, or sampling (--engine nuts)",
            None,
        )
    prior = float(unpack_population(jnp.asarray(vector), model, binding.dims)[1]) if with_prior else 0.0
    error = float(np.hypot(references.error.value, references.error.spread))
    names = flat_names(model, binding.dims, binding.labels)
    curvature = -optimum.hessian
    natural = partial(_natural, model=model, dims=binding.dims)
    values = natural(jnp.asarray(vector))
    jacobian = jax.jacfwd(natural)(jnp.asarray(vector))
    covariance = np.linalg.inv(positive(curvature))
    slopes = np.stack([np.asarray(jacobian[site])[position] for _, site, position in names])
    covariance = slopes @ covariance @ slopes.T
    rows = []
    for (name, site, position), se in zip(names, np.sqrt(np.diag(covariance)).tolist(), strict=True):
        value = float(np.asarray(values[site])[position])
        rows.append((name, value, se, value - NORMAL_90 * se, value + NORMAL_90 * se))
    frame = pl.DataFrame(rows, schema=["parameter", "estimate", "se", "low", "high"], orient="row")
    return Estimate(
        kind,
        frame,
        optimum.value - prior,
        error,
        len(vector),
        len(binding.labels.patients),
        (*_warnings(frame, curvature, error), *follow_up_cautions(model, binding)),
        covariance,
    )


def _refine(prepared: Prepared, *, with_prior: bool, seed: int) -> tuple[Optimum, References]:
    """Return the maximum on few nodes corrected to many about it, and those many; about a new point where it moves."""
    table = prepared.table(times=CHECKING, seed=seed + 1)
    plain = density_at(prepared.view, table, with_prior=with_prior)
    vector = prepared.optimum.vector
    scale = scale_at(plain, vector, np.full(len(vector), 0.01))
    covariance = np.linalg.inv(positive(-optimum_at(plain, vector, scale).hessian, least=1.0))
    ones = np.ones(len(vector))
    for _ in range(ROUNDS):
        coordinates = Coordinates.about(vector, covariance, prepared.view)
        references = measure(prepared, coordinates, seed=seed, least_rows=MOST_ROWS)
        correction = references.correction(prepared, coordinates, times=CHECKING, seed=seed + 1).at_centre()
        corrected = _corrected(prepared.view, table, correction, coordinates, with_prior=with_prior)
        white = climb(corrected, np.zeros(len(vector)), ones, steps=REFINING_STEPS)
        found = optimum_at(corrected, white, ones)
        vector, slope = (np.asarray(part) for part in coordinates.linearised(white))
        covariance = slope @ np.linalg.inv(positive(-found.hessian)) @ slope.T
        if np.linalg.norm(white) < SETTLED:
            break
    back = np.linalg.inv(slope)
    return Optimum(vector, found.value, back.T @ found.gradient, back.T @ found.hessian @ back), references


def _corrected(
    view: NodeModel, table: NodeTable, correction: Expansion, coordinates: Coordinates, *, with_prior: bool
) -> Gradient:
    """Return the corrected log density, and its gradient, in whitened coordinates."""
    affine = jnp.asarray(coordinates.centre), jnp.asarray(coordinates.scale)

    def evaluate(white: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _slope(jnp.asarray(white), affine, table, correction, view=view, with_prior=with_prior)
        return float(value), np.asarray(gradient)

    return evaluate


@partial(jax.jit, static_argnames=("view", "with_prior"))
def _slope(
    white: Float[Array, " free"],
    affine: tuple[Array, Array],
    table: NodeTable,
    correction: Expansion,
    *,
    view: NodeModel,
    with_prior: bool,
) -> tuple[Array, Array]:
    def density(at: Array) -> Array:
        theta, prior = unpack_population(vector_at(at, *affine, view)[0], view.model, view.dims)
        return log_likelihood(view, theta, table) + correction.at(at) + (prior if with_prior else 0.0)

    return jax.value_and_grad(density)(white)


def _natural(vector: Float[Array, " free"], *, model: JointModel, dims: Dims) -> dict[str, Array]:
    theta = population_at(vector, model, dims)
    if CORRELATION in theta:
        theta[CORRELATION] = theta[CORRELATION] @ theta[CORRELATION].T
    return theta


def _warnings(table: pl.DataFrame, curvature: np.ndarray, error: float) -> tuple[str, ...]:
    found = []
    for name, value in table.select("parameter", "estimate").iter_rows():
        spread = name.split("[")[0].endswith((".sd", ".lesion_sd")) or name.startswith("residual.")
        if spread and value < math.exp(AT_BOUND):
            found.append(f"{name} is at its bound 0: the data show no such variation")
        if name.startswith(CORRELATION) and abs(value) > 0.99:
            found.append(f"{name} is at its bound {math.copysign(1.0, value):.0f}")
    if np.linalg.eigvalsh(curvature)[0] < 1e-3:
        found.append("the likelihood is flat in some direction: the data do not tell all parameters apart")
    if error > ERROR_LIMIT:
        found.append(f"the integrals are inexact: the log likelihood has an error of {error:.2f}")
    return tuple(found)
