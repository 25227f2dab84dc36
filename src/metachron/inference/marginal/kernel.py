"""The joint density of data and nodes: what rows need is computed once for all blocks, what nodes need block by block.

A gradient costs little beyond a few passes over the nodes of a block while they are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import ROWS
from metachron.inference.marginal.lesion_terms import LesionRows, lesion_rows, lesion_terms
from metachron.inference.marginal.table import NodeModel, NodeTable, in_single
from metachron.joint import Design
from metachron.joint.durable_class import log_class_shares
from metachron.joint.hazard_terms import beside
from metachron.joint.likelihood import HazardRows, LinkTable, event_terms, hazard_rows, link_table, size_rows
from metachron.joint.new_lesions import (
    NewLesionLinks,
    NewLesionRows,
    new_lesion_links,
    new_lesion_rows,
    new_lesion_terms,
)
from metachron.joint.population import EffectForm, PatientParameters, effect_form
from metachron.joint.sites import Theta
from metachron.joint.size_summary import scatter_sd, summary_terms


class RowTerms(NamedTuple):
    """What the population parameters say of each row, whatever the node; leading axis block for all blocks together.

    ``sizes`` is ``-readings log sigma`` where sizes are summarised; ``classes`` the log probability of each class, with
    growth first and durable second, where the model has them.
    """

    effects: EffectForm | None
    sizes: Float[Array, " row"] | None
    hazard: HazardRows | None
    new_lesions: NewLesionRows | None
    lesions: LesionRows | None
    classes: Float[Array, "class row"] | None = None


def row_terms(view: NodeModel, theta: Theta, table: NodeTable) -> RowTerms:
    """Return the terms of the rows of all blocks."""
    model = view.model

    def block(design: Design, centre: Array, readings: Array | None) -> RowTerms:
        about = centre - view.organ_shift(theta, design) if view.shifted else centre
        effects = effect_form(model, theta, design, about) if view.effects else None
        lesions = lesion_rows(model, theta, design, readings) if table.lesions and readings is not None else None
        sizes = None if readings is None or lesions else -readings * jnp.log(scatter_sd(model, theta))
        hazard = hazard_rows(model, theta, design, view.dims) if model.hazard is not None else None
        new = new_lesion_rows(model, theta, design) if model.new_lesions is not None else None
        classes = log_class_shares(theta, design) if model.durable is not None else None
        return RowTerms(effects, sizes, hazard, new, lesions, classes)

    return jax.vmap(block)(table.design, table.centre, table.readings)


def log_joint(view: NodeModel, theta: Theta, rows: RowTerms, block: NodeTable) -> Float[Array, "row lane"]:
    """Return log p(data of the row's patient, node | theta) plus the log share of each node of one block."""
    if block.durable is None or rows.classes is None:
        return _log_joint_given(view, theta, rows, block, durable=False)
    share = block.log_share
    return share + jnp.logaddexp(
        *log_joint_by_class(view, theta, rows, block._replace(log_share=jnp.zeros_like(share)))
    )


def log_joint_by_class(
    view: NodeModel, theta: Theta, rows: RowTerms, block: NodeTable
) -> tuple[Float[Array, "row lane"], Float[Array, "row lane"]]:
    """Return the same with log P(class), for the class with growth and for the durable one; no value is NaN.

    The class with growth has -inf where its trajectories overflow and at the nodes that are no part of it.
    """
    assert block.durable is not None
    assert rows.classes is not None
    growing = _log_joint_given(view, theta, rows, block, durable=False) + rows.classes[0][:, None]
    durable = _log_joint_given(view, theta, rows, block.as_durable(), durable=True) + rows.classes[1][:, None]
    counts = ~block.durable.excluded & jnp.isfinite(growing)
    return jnp.where(counts, growing, -jnp.inf), jnp.where(jnp.isfinite(durable), durable, -jnp.inf)


def _log_joint_given(
    view: NodeModel, theta: Theta, rows: RowTerms, block: NodeTable, *, durable: bool
) -> Float[Array, "row lane"]:
    """Return the same for patients all of one class, or of a model without classes."""
    total = block.log_share
    if rows.effects is not None:
        total = total + rows.effects.at(block.offset)
    if rows.sizes is not None:
        total = total + rows.sizes[:, None]

    if block.sizes is not None and block.design.censored is not None:
        total = total + summary_terms(scatter_sd(view.model, theta), block.sizes, block.design.censored, view.dims)
    elif rows.lesions is not None and block.lesions is not None:
        total = total + lesion_terms(view.model, theta, rows.lesions, block.lesions, block.design)
    elif view.model.dynamics is not None and not view.model.single_lesions:
        own_parameters = partial(_parameters, view, theta, block=block, durable=durable)
        sizes = _by_lane(lambda nodes: _size_terms(view, theta, own_parameters(nodes), block.design))
        total = total + sizes(_nodes_of(block, durable=durable))
    model, design, dims = view.model, block.design, view.dims
    if rows.hazard is not None and design.events is not None:
        links = _links(view, theta, block, block.links, durable, lambda own: link_table(model, own, design, dims))
        total = total + beside(event_terms(model, theta, rows.hazard, links, design.events), total)
    if rows.new_lesions is not None:
        new = _links(view, theta, block, block.new_lesions, durable, lambda own: new_lesion_links(model, own, design))
        total = total + beside(new_lesion_terms(model, theta, rows.new_lesions, new, design, dims), total)
    return total


def _by_lane(function: Callable[[Array], Any]) -> Callable[[Array], Any]:
    return jax.vmap(function, in_axes=-1, out_axes=-1)


def _nodes_of(block: NodeTable, *, durable: bool) -> Float[Array, "effect row lane"]:
    """Return the nodes of a block; in the class with growth, those that are no part of it at the centre."""
    if block.durable is None or durable:
        return block.nodes
    return jnp.where(block.durable.excluded, block.centre[..., None], block.nodes)


def _parameters(
    view: NodeModel, theta: Theta, nodes: Float[Array, "effect row"], block: NodeTable, durable: bool
) -> PatientParameters:
    """Return the parameters of each row at one lane of nodes."""
    if view.settled and not view.linked_effects:
        return view.settled_parameters(nodes, durable=durable)
    return view.parameters(theta, nodes, block.design, durable=durable)


def _links[LinksT: (LinkTable, NewLesionLinks)](
    view: NodeModel,
    theta: Theta,
    block: NodeTable,
    known: LinksT | None,
    durable: bool,
    compute: Callable[[PatientParameters | None], LinksT],
) -> LinksT:
    """Return the links at the nodes: as tabulated, but for what depends on the population parameters."""
    if known is not None and not view.linked_effects:
        return known

    def lane(nodes: Array) -> LinksT:
        return compute(_parameters(view, theta, nodes, block, durable) if view.effects else None)

    at_nodes = _by_lane(lane)(_nodes_of(block, durable=durable))
    return at_nodes if known is None else known._replace(constant=at_nodes.constant)


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
