"""The log likelihood: sizes with left-censoring, events with delayed entry and censoring, and new lesions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.joint.design import Design, Dims, Events, Rows
from metachron.joint.durable_class import log_class_shares
from metachron.joint.hazard_terms import (
    CERTAIN,
    Exposure,
    LinkValues,
    accumulate,
    after_day_0,
    base_log_hazard,
    beside,
    exposure,
    link_predictor,
    link_values,
    patient_state,
    quadrature,
)
from metachron.joint.new_lesions import new_lesion_log_likelihood
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters, patient_parameters, row_parameters
from metachron.joint.sites import Theta
from metachron.joint.vector import Values


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


class LinkTable(NamedTuple):
    """What trajectories say of each patient's event: values of the constant links, and of those that move with time
    wherever the event's likelihood looks at them.
    """

    constant: LinkValues
    event: LinkValues
    survived: LinkValues
    between: LinkValues


class HazardRows(NamedTuple):
    """What the population parameters say of each patient's event, whatever the trajectory: the log hazard at its time
    without links, and the stretches survived and, for an event known between two days, in between.
    """

    event: Float[Array, " patient"]
    survived: Exposure
    between: Exposure | None


def link_table(model: ModelParts, parameters: PatientParameters | None, design: Design, dims: Dims) -> LinkTable:
    """Return the values of the links that `event_terms` needs."""
    events = design.events
    assert model.hazard is not None
    assert events is not None
    state = patient_state(model, parameters)
    constant = link_values(model, state, jnp.zeros((1, 1)), constant=True)
    if not model.hazard.time_varying:
        return LinkTable(constant, (), (), ())

    def values(start_year: Array, stop_year: Array) -> LinkValues:
        return link_values(model, state, quadrature(model, design, start_year, stop_year)[0], constant=False)

    return LinkTable(
        constant,
        link_values(model, state, after_day_0(events.lower_year)[:, None], constant=False),
        values(events.entry_year, events.lower_year),
        values(events.lower_year, events.upper_year) if dims.interval else (),
    )


def hazard_rows(model: ModelParts, theta: Theta, design: Design, dims: Dims) -> HazardRows:
    """Return what `event_terms` needs of the population parameters."""
    events = design.events
    assert events is not None
    time = after_day_0(events.lower_year)[:, None]
    return HazardRows(
        base_log_hazard(model, theta, design, time)[:, 0],
        exposure(model, theta, design, events.entry_year, events.lower_year),
        exposure(model, theta, design, events.lower_year, events.upper_year) if dims.interval else None,
    )


def event_terms(
    model: ModelParts, theta: Theta, rows: HazardRows, links: LinkTable, events: Events
) -> Float[Array, "..."]:
    """Return each patient's log likelihood of the event given survival to entry.

    Exact: log h(t) - H(entry, t); right-censored: -H(entry, t); interval (l, u]: log[exp(-H(entry, l)) -
    exp(-H(entry, u))]. A patient without follow-up contributes 0. Links may have a further axis, of several
    trajectories of every patient; then so has what is returned.
    """
    fixed = link_predictor(model, theta, links.constant, constant=True)

    def predictor(values: LinkValues) -> Array:
        return fixed + link_predictor(model, theta, values, constant=False) if values else fixed

    at_event = predictor(links.event)
    at_event = jnp.broadcast_to(at_event, (len(rows.event), 1, *at_event.shape[2:]))[:, 0]
    survived = accumulate(rows.survived, predictor(links.survived))
    log_hazard = jnp.minimum(beside(rows.event, survived) + at_event, CERTAIN)
    total = beside(events.exact, survived) * log_hazard - survived
    if rows.between is not None:
        between = accumulate(rows.between, predictor(links.between))
        interval = beside(events.interval, between)
        inside = jnp.where(interval > 0, between, 1.0)
        total = total + interval * jnp.log(-jnp.expm1(-inside))
    return beside(events.known, total) * total


def event_log_likelihood(
    model: ModelParts, theta: Theta, parameters: PatientParameters | None, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return each patient's log likelihood of the event under a trajectory: see `event_terms`."""
    assert design.events is not None
    rows, links = hazard_rows(model, theta, design, dims), link_table(model, parameters, design, dims)
    return event_terms(model, theta, rows, links, design.events)


def log_likelihood_by_class(
    model: ModelParts, values: Values, design: Design, dims: Dims
) -> Float[Array, "class patient"]:
    """Return log P(class) plus the log likelihood of each patient in it: with growth first, durable second."""
    return of_both_classes(
        model, values.theta, lambda own: patient_parameters(model, values, design, own), design, dims
    )


def of_both_classes(
    model: ModelParts,
    theta: Theta,
    parameters: Callable[[Float[Array, " patient"]], PatientParameters | None],
    design: Design,
    dims: Dims,
) -> Float[Array, "class patient"]:
    """Return the same from the parameters that patients have with growth (all 0), and as durable ones (all 1)."""
    each = [
        log_likelihood_given(model, theta, parameters(jnp.full(dims.patients, own)), design, dims) for own in (0.0, 1.0)
    ]
    return log_class_shares(theta, design) + jnp.stack(each)


def log_likelihood_by_patient(
    model: ModelParts, values: Values, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return the log likelihood of each patient's sizes and event, given population parameters and effects.

    Whether the patient is durable is summed over, where the model has such a class.
    """
    if model.durable is not None:
        return jnp.logaddexp(*log_likelihood_by_class(model, values, design, dims))
    return log_likelihood_given(model, values.theta, patient_parameters(model, values, design), design, dims)


def log_likelihood_given(
    model: ModelParts, theta: Theta, parameters: PatientParameters | None, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return the log likelihood of each patient's sizes and event, given the patient's parameters."""
    total = jnp.zeros(dims.patients)
    if model.dynamics is not None and parameters is not None:
        for rows, censored in ((design.measured, False), (design.censored, True)):
            assert rows is not None
            terms = size_rows(model, theta, parameters, rows, censored=censored)
            total = total + jax.ops.segment_sum(
                terms, rows.patient, num_segments=dims.patients, indices_are_sorted=False
            )
    if model.hazard is not None:
        total = total + event_log_likelihood(model, theta, parameters, design, dims)
    if model.new_lesions is not None:
        total = total + new_lesion_log_likelihood(model, theta, parameters, design, dims)
    return total


def log_likelihood(model: ModelParts, values: Values, design: Design, dims: Dims) -> Float[Array, ""]:
    """Return the log likelihood of all patients: the same terms, summed without sorting them by patient."""
    if model.durable is not None:
        return jnp.sum(design.patient_weight * log_likelihood_by_patient(model, values, design, dims))
    parameters = patient_parameters(model, values, design)
    total = jnp.zeros(())
    if model.dynamics is not None and parameters is not None:
        for rows, censored in ((design.measured, False), (design.censored, True)):
            assert rows is not None
            total = total + jnp.sum(size_rows(model, values.theta, parameters, rows, censored=censored))
    if model.hazard is not None:
        total = total + jnp.sum(event_log_likelihood(model, values.theta, parameters, design, dims))
    if model.new_lesions is not None:
        total = total + jnp.sum(new_lesion_log_likelihood(model, values.theta, parameters, design, dims))
    return total
