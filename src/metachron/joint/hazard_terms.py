"""Log hazard and cumulative hazard of patients under covariates and links, in closed form or by quadrature."""

from __future__ import annotations

from itertools import pairwise

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import DAYS_PER_YEAR
from metachron.base.quadrature import power_rule
from metachron.dynamics import Trajectory
from metachron.joint.design import Design
from metachron.joint.links import PatientState
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta

POWER = 5.0
"""Of the substitution u = x^power. With 32 nodes the relative error over the default priors of Stein-Fojo, gsf and
Claret-Bruno with a Weibull baseline is below 1e-6 for 9 draws of 10 and below 2e-4 for 99 of 100; higher powers miss
growth towards the end of follow-up, lower ones a hazard that is infinite at day 0."""


def hazard_psi(model: ModelParts, theta: Theta) -> dict[str, Float[Array, "..."]]:
    """Return the parameters of the baseline hazard, keyed by parameter name."""
    part = model.hazard
    assert part is not None
    return {spec.name: theta[f"{part.event}.{spec.label}"] for spec in part.hazard.parameters}


def patient_state(model: ModelParts, parameters: PatientParameters | None) -> PatientState | None:
    """Return what links look at, one row per patient."""
    if parameters is None or model.dynamics is None:
        return None
    psi = {name: value[:, None] for name, value in parameters.psi.items()}
    effects = {name: value[:, None] for name, value in parameters.effects.items()}
    return PatientState(Trajectory(model.dynamics.law, psi), effects)


def linear_predictor(
    model: ModelParts,
    theta: Theta,
    state: PatientState | None,
    design: Design,
    time_year: Float[Array, "patient node"],
    *,
    constant: bool,
) -> Float[Array, "patient node"]:
    """Return the covariates and constant links (``constant``), or the links that move with time."""
    part = model.hazard
    assert part is not None
    total = jnp.zeros((design.arm.shape[0], 1))
    if constant and "hazard" in design.columns:
        total = total + (design.columns["hazard"] @ theta[f"{part.event}.beta"])[:, None]
    for term in part.links:
        if term.link.constant is constant:
            assert state is not None
            names = term.link.coefficients(tuple(state.effects))
            for name, value in zip(names, term.link.values(state, time_year), strict=True):
                total = total + theta[f"{part.event}.link[{name}]"] * value
    return total


def log_hazard(
    model: ModelParts, theta: Theta, state: PatientState | None, design: Design, time_year: Float[Array, "patient node"]
) -> Float[Array, "patient node"]:
    """Return the log hazard of every patient at times of shape (patient, node)."""
    part = model.hazard
    assert part is not None
    base = part.hazard.log_hazard(time_year, hazard_psi(model, theta), design.knots_year)
    fixed = linear_predictor(model, theta, state, design, time_year, constant=True)
    return base + fixed + linear_predictor(model, theta, state, design, time_year, constant=False)


def cumulative_hazard(
    model: ModelParts,
    theta: Theta,
    state: PatientState | None,
    design: Design,
    start_year: Float[Array, " patient"],
    stop_year: Float[Array, " patient"],
) -> Float[Array, " patient"]:
    """Return the integral of each patient's hazard from start to stop (per patient, in years).

    In closed form where no link moves with time. Otherwise by Gauss-Legendre in x with u = start + width x^power on
    every stretch between knots of the baseline hazard; the substitution takes up the singularity of a hazard that is
    infinite at 0.
    """
    part = model.hazard
    assert part is not None
    fixed = linear_predictor(model, theta, state, design, start_year[:, None], constant=True)[:, 0]
    psi = hazard_psi(model, theta)
    if not part.time_varying:
        between = [part.hazard.cumulative(time, psi, design.knots_year) for time in (stop_year, start_year)]
        return jnp.exp(fixed) * (between[0] - between[1])
    total = jnp.zeros_like(start_year)
    somewhere = after_day_0(stop_year)[:, None]
    edges = [start_year, *_inner_edges(design, start_year, stop_year), stop_year]
    nodes, weights = power_rule(part.nodes, POWER)
    for left, right in pairwise(edges):
        width = (right - left)[:, None]
        time = jnp.where(width > 0, left[:, None] + width * nodes, somewhere)
        base = part.hazard.log_hazard(time, psi, design.knots_year)
        moving = linear_predictor(model, theta, state, design, time, constant=False)
        total = total + jnp.sum(width * weights * jnp.exp(base + fixed[:, None] + moving), axis=1)
    return total


def after_day_0(time_year: Float[Array, " patient"]) -> Float[Array, " patient"]:
    """Return the times, and day 1 in place of day 0: where a term without weight is computed, it must be finite."""
    return jnp.where(time_year > 0, time_year, 1.0 / DAYS_PER_YEAR)


def _inner_edges(
    design: Design, start_year: Float[Array, " patient"], stop_year: Float[Array, " patient"]
) -> list[Float[Array, " patient"]]:
    return [jnp.clip(design.knots_year[k], start_year, stop_year) for k in range(design.knots_year.shape[0])]
