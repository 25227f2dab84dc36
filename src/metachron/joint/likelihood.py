"""The log likelihood: sizes with left-censoring, and events with delayed entry, right and interval censoring."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.joint.design import Design, Dims, Rows
from metachron.joint.hazard_terms import (
    LinkValues,
    after_day_0,
    cumulative_hazard,
    link_values,
    log_hazard,
    patient_state,
    quadrature,
)
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters, patient_parameters, row_parameters
from metachron.joint.sites import Theta, Values


def size_rows(
    model: ModelParts, theta: Theta, parameters: PatientParameters, rows: Rows, *, censored: bool
) -> Float[Array, " row"]:
    """Return the log density of each recorded size, or the log probability of each one below the limit."""
    part = model.dynamics
    assert part is not None
    psi = row_parameters(part, parameters, rows.patient, rows.series)
    location = part.law.location(rows.time_year, psi)
    residual = {name: theta[f"residual.{name}"] for name, _ in part.residual_priors}
    law = part.observation
    value = (law.log_below if censored else law.log_density)(rows.value, location, part.law, residual)
    return rows.weight * value


class MovingLinks(NamedTuple):
    """Values of the links that move with time, wherever an event's likelihood looks at them."""

    event: LinkValues
    survived: LinkValues
    between: LinkValues


def moving_links(
    model: ModelParts, parameters: PatientParameters | None, design: Design, dims: Dims
) -> MovingLinks | None:
    """Return the values that `event_terms` needs of links that move with time; None where there are none."""
    events = design.events
    if model.hazard is None or not model.hazard.time_varying:
        return None
    assert events is not None
    state = patient_state(model, parameters)

    def values(start_year: Array, stop_year: Array) -> LinkValues:
        return link_values(model, state, quadrature(model, design, start_year, stop_year)[0], constant=False)

    return MovingLinks(
        link_values(model, state, after_day_0(events.lower_year)[:, None], constant=False),
        values(events.entry_year, events.lower_year),
        values(events.lower_year, events.upper_year) if dims.interval else (),
    )


def event_terms(
    model: ModelParts,
    theta: Theta,
    parameters: PatientParameters | None,
    design: Design,
    dims: Dims,
    moving: MovingLinks | None = None,
) -> Float[Array, " patient"]:
    """Return each patient's log likelihood of the event given survival to entry.

    Exact: log h(t) - H(entry, t); right-censored: -H(entry, t); interval (l, u]: log[exp(-H(entry, l)) -
    exp(-H(entry, u))]. A patient without follow-up contributes 0. ``moving`` : from `moving_links`, where known.
    """
    events = design.events
    assert events is not None
    if moving is None:
        moving = moving_links(model, parameters, design, dims) or MovingLinks((), (), ())
    state = patient_state(model, parameters)
    time = after_day_0(events.lower_year)[:, None]
    survived = cumulative_hazard(model, theta, state, design, events.entry_year, events.lower_year, moving.survived)
    total = events.exact * log_hazard(model, theta, state, design, time, moving.event)[:, 0] - survived
    if dims.interval:
        between = cumulative_hazard(model, theta, state, design, events.lower_year, events.upper_year, moving.between)
        inside = jnp.where(events.interval > 0, between, 1.0)
        total = total + events.interval * jnp.log(-jnp.expm1(-inside))
    return events.known * total


def log_likelihood_by_patient(
    model: ModelParts, values: Values, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return the log likelihood of each patient's sizes and event, given population parameters and effects."""
    parameters = patient_parameters(model.dynamics, values, design) if model.dynamics else None
    total = jnp.zeros(dims.patients)
    if parameters is not None:
        for rows, censored in ((design.measured, False), (design.censored, True)):
            assert rows is not None
            terms = size_rows(model, values.theta, parameters, rows, censored=censored)
            total = total + jax.ops.segment_sum(
                terms, rows.patient, num_segments=dims.patients, indices_are_sorted=False
            )
    if model.hazard is not None:
        total = total + event_terms(model, values.theta, parameters, design, dims)
    return total


def log_likelihood(model: ModelParts, values: Values, design: Design, dims: Dims) -> Float[Array, ""]:
    """Return the log likelihood of all patients: the same terms, summed without sorting them by patient."""
    parameters = patient_parameters(model.dynamics, values, design) if model.dynamics else None
    total = jnp.zeros(())
    if parameters is not None:
        for rows, censored in ((design.measured, False), (design.censored, True)):
            assert rows is not None
            total = total + jnp.sum(size_rows(model, values.theta, parameters, rows, censored=censored))
    if model.hazard is not None:
        total = total + jnp.sum(event_terms(model, values.theta, parameters, design, dims))
    return total
