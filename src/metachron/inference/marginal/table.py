"""Nodes of patient effects with all that does not depend on the population parameters, and the likelihood at them.

A node is a value of a patient's own parameters, not of a standardised effect. So where every parameter of the law has
a patient effect, trajectories at the nodes never change: sizes are summarised and links tabulated once, and a step of
the sampler costs a few operations per node.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import LANES, ROWS, Blocks
from metachron.joint import Design, Dims, JointModel
from metachron.joint.likelihood import MovingLinks, event_terms, moving_links, size_rows
from metachron.joint.population import PatientParameters, assemble, fixed_part, log_effect_density
from metachron.joint.sites import Theta
from metachron.joint.size_summary import SizeSummary, can_summarise, summarise_sizes, summary_terms


class NodeTable(NamedTuple):
    """Nodes of all blocks; leading axis block. ``nodes`` (effect, row, lane), the others (row, lane) unless said.

    ``log_share`` is log[1 / (density of the proposal x number of nodes)]; -inf for padding. ``sizes`` and ``moving``
    are there where they do not depend on the population parameters. ``slot`` (row) and ``slot_patient`` (slot) as in
    `Blocks`.
    """

    design: Design
    nodes: Float[Array, "block effect row lane"]
    log_share: Float[Array, "block row lane"]
    sizes: SizeSummary | None
    moving: MovingLinks | None
    slot: Array
    slot_patient: Array


@dataclass(frozen=True)
class NodeModel:
    """A model seen from nodes: hashable, for compiled functions. ``dims`` counts the rows of a block as patients."""

    model: JointModel
    dims: Dims

    @classmethod
    def of(cls, model: JointModel, dims: Dims) -> NodeModel:
        """Return the view for a cohort of the given sizes."""
        return cls(model, replace(dims, patients=ROWS, series=ROWS))

    @property
    def settled(self) -> bool:
        """Whether trajectories at the nodes do not depend on the population parameters."""
        part = self.model.dynamics
        return part is not None and all(parameter.random for parameter in part.parameters)

    @property
    def summarised(self) -> bool:
        """Whether sizes are summarised once."""
        return self.settled and can_summarise(self.model)

    @property
    def effects(self) -> int:
        """Number of patient effects."""
        return len(self.model.dynamics.random) if self.model.dynamics else 0

    def parameters(
        self, theta: Theta, nodes: Float[Array, "effect row"], design: Design
    ) -> tuple[PatientParameters | None, Float[Array, "effect row"]]:
        """Return the parameters of each row at one lane of nodes, and the effects: node minus fixed part."""
        part = self.model.dynamics
        if part is None:
            return None, nodes
        effects = {p.label: nodes[k] - fixed_part(p, theta, design) for k, p in enumerate(part.random)}
        stacked = jnp.stack(list(effects.values())) if effects else nodes
        return assemble(part, theta, effects, {}, design), stacked

    def settled_parameters(self, nodes: Float[Array, "effect row"]) -> PatientParameters:
        """Return the parameters where they are the nodes themselves."""
        part = self.model.dynamics
        assert part is not None
        return PatientParameters({p.name: nodes[k] for k, p in enumerate(part.random)}, {}, None)


@partial(jax.jit, static_argnames=("view",))
def make_table(
    nodes: Float[Array, "block effect row lane"],
    log_share: Float[Array, "block row lane"],
    blocks: Blocks,
    *,
    view: NodeModel,
) -> NodeTable:
    """Return the table at the nodes."""

    def tabulate(inputs: tuple[Array, Design]) -> tuple[SizeSummary | None, MovingLinks | None]:
        values, design = inputs

        def lane(value: Array) -> tuple[SizeSummary | None, MovingLinks | None]:
            parameters = view.settled_parameters(value)
            sizes = summarise_sizes(view.model, parameters, design, view.dims) if view.summarised else None
            return sizes, moving_links(view.model, parameters, design, view.dims)

        return jax.vmap(lane, in_axes=-1, out_axes=-1)(values)

    design = blocks.design
    sizes, moving = jax.lax.map(tabulate, (nodes, design)) if view.settled else (None, None)
    if view.summarised:
        design = design._replace(measured=None)
    padding = jnp.where(blocks.weight[..., None] > 0, 0.0, -jnp.inf)
    return NodeTable(
        design, nodes, log_share + padding, sizes, moving, jnp.asarray(blocks.slot), jnp.asarray(blocks.slot_patient)
    )


def block_log_joint(view: NodeModel, theta: Theta, block: NodeTable) -> Float[Array, "row lane"]:
    """Return log p(data of the row's patient, node | theta) at each node of one block."""
    model, dims, design = view.model, view.dims, block.design

    def lane(nodes: Array, sizes: SizeSummary | None, moving: MovingLinks | None) -> Array:
        parameters, effects = view.parameters(theta, nodes, design)
        total = jnp.zeros(ROWS)
        if model.dynamics is not None:
            total = log_effect_density(model.dynamics, theta, effects, design) if view.effects else total
            total = total + (
                _size_terms(view, theta, parameters, design)
                if sizes is None
                else summary_terms(model, theta, sizes, design, dims)
            )
        if model.hazard is not None:
            total = total + event_terms(model, theta, parameters, design, dims, moving)
        return total

    return jax.vmap(lane, in_axes=(-1, -1, -1), out_axes=-1, axis_size=LANES)(block.nodes, block.sizes, block.moving)


def _size_terms(view: NodeModel, theta: Theta, parameters: PatientParameters | None, design: Design) -> Array:
    assert parameters is not None
    total = jnp.zeros(ROWS)
    for rows, censored in ((design.measured, False), (design.censored, True)):
        assert rows is not None
        terms = size_rows(view.model, theta, parameters, rows, censored=censored)
        total = total + jax.ops.segment_sum(terms, rows.patient, num_segments=ROWS)
    return total


def block_by_slot(view: NodeModel, theta: Theta, block: NodeTable) -> Float[Array, " slot"]:
    """Return log p(data | theta) of the patient in each slot of a block; 0 for an empty slot."""
    log_value = block_log_joint(view, theta, block) + block.log_share
    return sum_in_slots(log_value, block.slot, block.slot_patient)


def sum_in_slots(log_value: Float[Array, "row lane"], slot: Array, slot_patient: Array) -> Float[Array, " slot"]:
    """Return log of the sum of exp(log_value) over the nodes of each slot; 0 for an empty slot."""
    by_row = jnp.max(jax.lax.stop_gradient(log_value), axis=1)
    largest = jax.ops.segment_max(by_row, slot, num_segments=ROWS)
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    by_row = jnp.sum(jnp.exp(log_value - largest[slot][:, None]), axis=1)
    total = jax.ops.segment_sum(by_row, slot, num_segments=ROWS)
    return jnp.where(slot_patient >= 0, largest + jnp.log(jnp.where(slot_patient >= 0, total, 1.0)), 0.0)
