"""The joint density of data and nodes: what rows need is computed once for all blocks, what nodes need block by block.

A gradient costs little beyond a few passes over the nodes of a block while they are in the processor's cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import LANES, ROWS
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint import Design
from metachron.joint.hazard_terms import link_values, patient_state
from metachron.joint.likelihood import HazardRows, LinkTable, event_terms, hazard_rows, link_table, size_rows
from metachron.joint.population import EffectForm, PatientParameters, effect_form
from metachron.joint.sites import Theta
from metachron.joint.size_summary import SizeSummary, scatter_sd, summary_terms


def in_single(tree: Any) -> Any:
    """Return a tree with its numbers of double precision in single precision: half the memory, twice the speed."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf, tree)


class RowTerms(NamedTuple):
    """What the population parameters say of each row, whatever the node; leading axis block for all blocks together.

    ``sizes`` is ``-readings log sigma`` where sizes are summarised.
    """

    effects: EffectForm | None
    sizes: Float[Array, " row"] | None
    hazard: HazardRows | None


def row_terms(view: NodeModel, theta: Theta, table: NodeTable) -> RowTerms:
    """Return the terms of the rows of all blocks."""
    model = view.model

    def block(design: Design, centre: Array, readings: Array | None) -> RowTerms:
        part = model.dynamics
        effects = effect_form(part, theta, design, centre) if part is not None and view.effects else None
        sizes = None if readings is None else -readings * jnp.log(scatter_sd(model, theta))
        hazard = hazard_rows(model, theta, design, view.dims) if model.hazard is not None else None
        return RowTerms(effects, sizes, hazard)

    return jax.vmap(block)(table.design, table.centre, table.readings)


def log_joint(view: NodeModel, theta: Theta, rows: RowTerms, block: NodeTable) -> Float[Array, "row lane"]:
    """Return log p(data of the row's patient, node | theta) plus the log share of each node of one block."""
    total = block.log_share
    if rows.effects is not None:
        total = total + rows.effects.at(block.offset)
    if rows.sizes is not None:
        total = total + rows.sizes[:, None]

    def lane(
        hazard: HazardRows | None, design: Design, nodes: Array, sizes: SizeSummary | None, links: LinkTable | None
    ) -> Array:
        return _of_lane(view, theta, hazard, design, nodes, sizes, links)

    mapped = jax.vmap(lane, in_axes=-1, out_axes=-1)
    return total + mapped(_spread(rows.hazard), _spread(block.design), block.nodes, block.sizes, block.links)


def _spread(tree: Any) -> Any:
    """Return a tree with a last axis of lanes: mapped like the nodes, what rows share is never moved in memory."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[..., None], (*leaf.shape, LANES)), tree)


def _of_lane(
    view: NodeModel,
    theta: Theta,
    hazard: HazardRows | None,
    design: Design,
    nodes: Float[Array, "effect row"],
    sizes: SizeSummary | None,
    links: LinkTable | None,
) -> Float[Array, " row"]:
    """Return what sizes and events add at one node of each row."""
    model, dims = view.model, view.dims
    parameters = None
    if view.effects and (not view.settled or view.linked_effects):
        parameters = view.parameters(theta, nodes, design)
    terms = []
    if sizes is not None and design.censored is not None:
        terms.append(summary_terms(scatter_sd(model, theta), sizes, design.censored, dims))
    elif model.dynamics is not None:
        known = parameters if parameters is not None else view.settled_parameters(nodes)
        terms.append(_size_terms(view, theta, known, design))
    if hazard is not None and design.events is not None:
        if links is None:
            links = link_table(model, parameters, design, dims)
        elif view.linked_effects:
            state = patient_state(model, parameters)
            links = links._replace(constant=link_values(model, state, jnp.zeros((1, 1)), constant=True))
        terms.append(event_terms(model, theta, hazard, links, design.events))
    return sum(terms[1:], start=terms[0])


def _size_terms(view: NodeModel, theta: Theta, parameters: PatientParameters, design: Design) -> Float[Array, " row"]:
    total = jnp.zeros(ROWS)
    for rows, censored in ((design.measured, False), (design.censored, True)):
        assert rows is not None
        terms = size_rows(view.model, theta, parameters, rows, censored=censored)
        total = total + jax.ops.segment_sum(terms, rows.patient, num_segments=ROWS)
    return total


def sum_in_slots(log_value: Float[Array, "row lane"], slot: Array, slot_patient: Array) -> Float[Array, " slot"]:
    """Return log of the sum of exp(log_value) over the nodes of each slot; 0 for an empty slot."""
    by_row = jnp.max(jax.lax.stop_gradient(log_value), axis=1)
    largest = jax.ops.segment_max(by_row, slot, num_segments=ROWS)
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    by_row = jnp.sum(jnp.exp(log_value - largest[slot][:, None]), axis=1)
    total = jax.ops.segment_sum(by_row, slot, num_segments=ROWS)
    return jnp.where(slot_patient >= 0, largest + jnp.log(jnp.where(slot_patient >= 0, total, 1.0)), 0.0)


def at_precision(theta: Theta, rows: RowTerms, block: NodeTable) -> tuple[Theta, RowTerms, NodeTable]:
    """Return the same in single precision where the nodes are."""
    if block.offset.dtype == jnp.float32:
        return in_single((dict(theta), rows, block))
    return theta, rows, block


def log_likelihood_by_slot(view: NodeModel, theta: Theta, rows: RowTerms, block: NodeTable) -> Float[Array, " slot"]:
    """Return log p(data | theta) of the patient in each slot of a block; 0 for an empty slot.

    In the precision of the nodes; what comes in and what goes out is of double precision.
    """
    theta, rows, block = at_precision(theta, rows, block)
    return sum_in_slots(log_joint(view, theta, rows, block), block.slot, block.slot_patient).astype(float)
