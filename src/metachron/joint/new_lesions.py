"""The log likelihood of new lesions: a recurrent process per patient, its frailty and the organs of the lesions.

A stretch of time counts as a patient of the process, so that baseline, covariates, links and quadrature are those of
any other hazard; the baseline runs on the clock of the process, and links on the calendar of the patient.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from metachron.cohort.new_lesions import NEW_LESION
from metachron.joint.design import Design, Dims
from metachron.joint.hazard_terms import (
    CERTAIN,
    Exposure,
    LinkValues,
    after_day_0,
    base_log_hazard,
    beside,
    exposure,
    link_predictor,
    link_values,
    log_accumulated,
    patient_state,
    quadrature,
)
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta


class NewLesionRows(NamedTuple):
    """What the population parameters say of each stretch, whatever the trajectory and the frailty.

    ``over`` is the stretch as time at risk; ``event`` the log rate at its end; ``marks`` what the organs of the lesions
    found add to the log likelihood.
    """

    over: Exposure
    event: Float[Array, " stretch"]
    marks: Float[Array, " stretch"]


class NewLesionLinks(NamedTuple):
    """What trajectories and frailties say of each stretch: constant links, and moving ones at its end and over it."""

    frailty: Float[Array, "stretch 1"] | None
    constant: LinkValues
    event: LinkValues
    over: LinkValues


def stretch_design(design: Design) -> Design:
    """Return the design in which stretches count as patients."""
    rows = design.stretches
    assert rows is not None
    columns = {"hazard": design.columns[NEW_LESION][rows.patient]} if NEW_LESION in design.columns else {}
    return Design(
        measured=None,
        censored=None,
        series_patient=jnp.zeros(0, dtype=int),
        patient_weight=jnp.ones_like(rows.survived),
        arm=design.arm[rows.patient],
        study_arm=design.study_arm[rows.patient],
        columns=columns,
        events=None,
        knots_year=rows.knots_year,
    )


def organ_log_shares(model: ModelParts, theta: Theta, design: Design) -> Float[Array, "patient organ"]:
    """Return the log probability that a new lesion is in each organ; one column where organs are not told apart.

    Shares of one rate, not rates one by one: how often lesions appear and where they do are learned apart, and no
    baseline can be exchanged for a shift of all organs.
    """
    part, name = model.new_lesions, f"{NEW_LESION}.organ"
    assert part is not None
    if name not in theta:
        return jnp.zeros((design.arm.shape[0], 1))
    effects = jax.nn.log_softmax(theta[name], axis=-1)
    if part.organ == "arm":
        return effects[design.arm]
    return jnp.broadcast_to(effects, (design.arm.shape[0], len(effects)))


def new_lesion_rows(model: ModelParts, theta: Theta, design: Design) -> NewLesionRows:
    """Return what `new_lesion_terms` needs of the population parameters."""
    rows, process, own = design.stretches, model.new_lesion_model, stretch_design(design)
    assert rows is not None
    shares = organ_log_shares(model, theta, own)
    marked = rows.marks if shares.shape[1] == rows.marks.shape[1] else jnp.sum(rows.marks, axis=1, keepdims=True)
    orders = gammaln(marked + 1.0)
    marks = jnp.sum(marked * shares - jnp.where(rows.interval[:, None] > 0, orders, 0.0), axis=1)
    return NewLesionRows(
        exposure(process, theta, own, rows.start_year, rows.stop_year),
        base_log_hazard(process, theta, own, after_day_0(rows.stop_year)[:, None])[:, 0],
        marks,
    )


def new_lesion_links(model: ModelParts, parameters: PatientParameters | None, design: Design) -> NewLesionLinks:
    """Return the values of the links that `new_lesion_terms` needs."""
    rows, process, own = design.stretches, model.new_lesion_model, stretch_design(design)
    assert rows is not None
    assert process.hazard is not None
    at_stretch = None
    if parameters is not None:
        known = parameters._replace(series=None, seen_year=None)
        at_stretch = jax.tree.map(lambda value: value[rows.patient], known)
    state = patient_state(model, at_stretch)
    frailty = state.frailty if state is not None else None
    constant = link_values(process, state, jnp.zeros((1, 1)), constant=True)
    if not process.hazard.time_varying:
        return NewLesionLinks(frailty, constant, (), ())

    def calendar(time: Float[Array, "stretch node"]) -> LinkValues:
        return link_values(process, state, rows.origin_year[:, None] + time, constant=False)

    over = quadrature(process, own, rows.start_year, rows.stop_year)[0]
    return NewLesionLinks(frailty, constant, calendar(after_day_0(rows.stop_year)[:, None]), calendar(over))


def _predictors(model: ModelParts, theta: Theta, links: NewLesionLinks) -> tuple[Array, Array]:
    """Return what links and frailty add to the log rate over each stretch, and at its end."""
    process = model.new_lesion_model
    fixed = link_predictor(process, theta, links.constant, constant=True)
    fixed = fixed if links.frailty is None else fixed + links.frailty
    over, event = (
        fixed + link_predictor(process, theta, values, constant=False) if values else fixed
        for values in (links.over, links.event)
    )
    return over, event


def expected_new_lesions(
    model: ModelParts, theta: Theta, parameters: PatientParameters | None, design: Design
) -> Float[Array, " stretch"]:
    """Return the expected number of new lesions in all organs over each stretch of a design."""
    rows, links = new_lesion_rows(model, theta, design), new_lesion_links(model, parameters, design)
    return jnp.exp(log_accumulated(rows.over, _predictors(model, theta, links)[0]))


def new_lesion_terms(
    model: ModelParts, theta: Theta, rows: NewLesionRows, links: NewLesionLinks, design: Design, dims: Dims
) -> Float[Array, "patient ..."]:
    """Return each patient's log likelihood of the new lesions.

    Over a stretch at risk: minus the integral of the intensity of all organs. At a time known exactly: the log
    intensity of the organ of every lesion. Within an interval: the log probability of the number of lesions in every
    organ, n log L - log n! with L the integral of its intensity over the interval. Links may have a further axis, of
    several trajectories of every patient; then so has what is returned.
    """
    found = design.stretches
    assert found is not None
    over, at_end = _predictors(model, theta, links)
    log_inside = log_accumulated(rows.over, over)
    inside = jnp.exp(log_inside)
    at_end = jnp.broadcast_to(at_end, (len(rows.event), 1, *at_end.shape[2:]))[:, 0]
    at_end = jnp.minimum(beside(rows.event, at_end) + at_end, CERTAIN)
    interval = beside(found.interval, log_inside)
    log_inside = jnp.where(interval > 0, log_inside, 0.0)
    total = beside(rows.marks, at_end) + beside(found.exact, at_end) * at_end + interval * log_inside
    total = total - beside(found.survived, inside) * inside
    return jax.ops.segment_sum(total, found.patient, num_segments=dims.patients)


def new_lesion_log_likelihood(
    model: ModelParts, theta: Theta, parameters: PatientParameters | None, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return each patient's log likelihood of the new lesions under a trajectory: see `new_lesion_terms`."""
    rows, links = new_lesion_rows(model, theta, design), new_lesion_links(model, parameters, design)
    return new_lesion_terms(model, theta, rows, links, design, dims)
