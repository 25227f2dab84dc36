"""Nodes of patient effects with all that does not depend on the population parameters.

A node is a value of a patient's own parameters, not of a standardised effect. So where every parameter of the law has
a patient effect, trajectories at the nodes never change: sizes are summarised and links tabulated once, and a step of
the sampler costs a few operations per node.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from metachron.inference.marginal.blocks import ROWS, Blocks
from metachron.inference.marginal.lesion_proposals import LesionNodes
from metachron.inference.marginal.lesion_terms import LesionSums, lesion_readings, tabulate_lesions
from metachron.joint import Design, Dims, JointModel
from metachron.joint.hierarchical import mean_organ
from metachron.joint.likelihood import LinkTable, link_table
from metachron.joint.new_lesions import NewLesionLinks, new_lesion_links
from metachron.joint.population import PatientParameters, assemble, fixed_part, in_class
from metachron.joint.sites import Theta
from metachron.joint.size_summary import SizeSummary, can_summarise, count_readings, summarise_sizes


def in_single(tree: Any) -> Any:
    """Return a tree with its numbers of double precision in single precision: half the memory, twice the speed."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf, tree)


class DurableNodes(NamedTuple):
    """What nodes say of a patient of the durable class; block first, then (row, lane).

    ``sizes``, ``links`` and ``new_lesions`` as in `NodeTable`, which has those of the class with growth; ``log_unit``
    is what no parameter changes of the sizes' likelihood, less that of the other class. ``excluded`` marks nodes that
    count for nothing in the class with growth, where they stand at the mean of the row: in the durable class their
    growth means nothing, and they count however wild it is.
    """

    sizes: SizeSummary | None
    links: LinkTable | None
    new_lesions: NewLesionLinks | None
    log_unit: Float[Array, "block row lane"] | None
    excluded: Bool[Array, "block row lane"]


class NodeTable(NamedTuple):
    """Nodes of all blocks; leading axis block, then (row, lane) unless said.

    ``centre`` (effect, row) plus ``offset`` (effect, row, lane) are the nodes. ``log_share`` is log[1 / (density of the
    proposal x number of nodes)], and what of the likelihood no parameter changes; -inf for padding. ``readings`` (row;
    lesion, where they are single), ``sizes``, ``links`` and ``new_lesions`` are there where they do not depend on the
    population parameters; constant links are not where one of them looks at patient effects, no links are where nodes
    are `NodeModel.shifted`. ``slot`` (row) and
    ``slot_patient`` (slot) as in `Blocks`; ``lesions`` stands in the place of sizes where lesions are single.
    ``durable`` is there where the model has the class; all else is then that of the class with growth.
    """

    design: Design
    centre: Float[Array, "block effect row"]
    offset: Float[Array, "block effect row lane"]
    log_share: Float[Array, "block row lane"]
    readings: Float[Array, "block row_or_series"] | None
    sizes: SizeSummary | None
    links: LinkTable | None
    new_lesions: NewLesionLinks | None
    slot: Array
    slot_patient: Array
    lesions: LesionSums | None = None
    durable: DurableNodes | None = None

    def single(self) -> NodeTable:
        """Return the table with what nodes hold in single precision; what rows hold keeps its precision."""
        names = ("offset", "log_share", "sizes", "links", "new_lesions", "lesions", "durable")
        nodes = {name: getattr(self, name) for name in names}
        return self._replace(**in_single(nodes))

    @property
    def nodes(self) -> Float[Array, "block effect row lane"]:
        """Values of the patients' parameters on the transform scale."""
        return self.centre[..., None] + self.offset

    def as_durable(self) -> NodeTable:
        """Return the table with what nodes say of a patient of the durable class in the place of the other."""
        own = self.durable
        assert own is not None
        share = self.log_share if own.log_unit is None else self.log_share - own.log_unit
        return self._replace(log_share=share, sizes=own.sizes, links=own.links, new_lesions=own.new_lesions)


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
        return part is None or all(parameter.random for parameter in part.parameters)

    @property
    def summarised(self) -> bool:
        """Whether sizes are summarised once."""
        part = self.model.dynamics
        return part is not None and part.size == "sum" and self.settled and can_summarise(self.model)

    @property
    def shifted(self) -> bool:
        """Whether nodes stand for the patient in the mean of the organs: there data know the patient, and nodes stay
        where they count when a mean and its effects of organs shift against each other.
        """
        return self.model.single_lesions and self.model.dynamics is not None and bool(self.model.dynamics.organ)

    def organ_shift(self, theta: Theta, design: Design) -> Float[Array, "effect row"]:
        """Return the mean effect of the organs on each random parameter."""
        return jnp.stack([jnp.broadcast_to(mean_organ(p, theta, design), design.arm.shape) for p in self.model.random])

    @property
    def linked_effects(self) -> bool:
        """Whether a link looks at patient effects: they are nodes less what the population parameters say."""
        return (self.shifted and bool(self.model.processes)) or any(
            "effects" in term.link.needs for part in self.model.processes for term in part.links
        )

    @property
    def effects(self) -> int:
        """Number of patient effects."""
        return len(self.model.random)

    @property
    def lesion_effects(self) -> int:
        """Number of effects of a single lesion."""
        return len(self.model.dynamics.lesion) if self.model.dynamics else 0

    def parameters(
        self, theta: Theta, nodes: Float[Array, "effect row"], design: Design, *, durable: bool = False
    ) -> PatientParameters:
        """Return the parameters of each row at one lane of nodes, all rows of one class."""
        if self.shifted:
            nodes = nodes - self.organ_shift(theta, design)
        effects = {p.label: nodes[k] - fixed_part(p, theta, design) for k, p in enumerate(self.model.random)}
        if self.model.single_lesions and self.model.dynamics:
            return PatientParameters(
                {p.name: nodes[k] for k, p in enumerate(self.model.dynamics.random)}, effects, None
            )
        parameters = assemble(self.model, theta, effects, {}, design, self._members(nodes, durable))
        assert parameters is not None
        return parameters

    def settled_parameters(self, nodes: Float[Array, "effect row"], *, durable: bool = False) -> PatientParameters:
        """Return the parameters where they are the nodes themselves, all rows of one class."""
        dynamics = self.model.dynamics.random if self.model.dynamics else ()
        effects = {self.model.frailty.label: nodes[-1]} if self.model.frailty else {}
        found = PatientParameters({p.name: nodes[k] for k, p in enumerate(dynamics)}, effects, None)
        members = self._members(nodes, durable)
        return found if members is None else in_class(self.model, found, members)

    def _members(self, nodes: Float[Array, "effect row"], durable: bool) -> Float[Array, " row"] | None:
        return None if self.model.durable is None else jnp.full(nodes.shape[1], float(durable))


_AtNodes = tuple[SizeSummary | None, LinkTable | None, NewLesionLinks | None]


@partial(jax.jit, static_argnames=("view",))
def make_table(
    nodes: Float[Array, "block effect row lane"],
    log_share: Float[Array, "block row lane"],
    inner: LesionNodes | None,
    blocks: Blocks,
    excluded: Bool[Array, "block row lane"] | None = None,
    *,
    view: NodeModel,
) -> NodeTable:
    """Return the table at the nodes; ``excluded`` as in `DurableNodes`."""
    model, design = view.model, blocks.design

    def tabulate(inputs: tuple[Array, Design], *, durable: bool) -> _AtNodes:
        values, block = inputs

        def lane(value: Array) -> _AtNodes:
            parameters = view.settled_parameters(value, durable=durable)
            sizes = summarise_sizes(model, parameters, block, view.dims) if view.summarised else None
            if view.shifted:
                return sizes, None, None
            links = link_table(model, parameters, block, view.dims) if model.hazard is not None else None
            new = new_lesion_links(model, parameters, block) if model.new_lesions is not None else None
            if view.linked_effects:
                links = links and links._replace(constant=())
                new = new and new._replace(constant=())
            return sizes, links, new

        return jax.vmap(lane, in_axes=-1, out_axes=-1)(values)

    centre = jnp.mean(nodes, axis=-1)
    excluded = jnp.zeros(log_share.shape, dtype=bool) if excluded is None else excluded
    growing = nodes if model.durable is None else jnp.where(excluded[:, None], centre[..., None], nodes)

    def at_nodes(values: Array, *, durable: bool) -> tuple[Any, Any, Any]:
        return jax.lax.map(partial(tabulate, durable=durable), (values, design)) if view.settled else (None, None, None)

    sizes, links, new = at_nodes(growing, durable=False)
    own = None
    if model.durable is not None:
        of_class = at_nodes(nodes, durable=True)
        more = None if sizes is None or of_class[0] is None else of_class[0].log_unit - sizes.log_unit
        summary = None if of_class[0] is None else of_class[0]._replace(log_unit=None)
        own = DurableNodes(summary, *of_class[1:], more, excluded)
    log_share = log_share + jnp.where(blocks.weight[..., None] > 0, 0.0, -jnp.inf)
    readings = None
    if sizes is not None:
        readings = jax.lax.map(lambda block: count_readings(block, view.dims), design)
        log_share = log_share - sizes.log_unit
        sizes = sizes._replace(log_unit=None)
        design = design._replace(measured=None)
    lesions = None
    if inner is not None and blocks.lesions is not None:
        which = jnp.asarray(blocks.lesions.weight), jnp.asarray(blocks.lesions.home)
        lesions = jax.lax.map(lambda own: tabulate_lesions(model, view.dims, *own), (nodes, *inner, *which, design))
        readings = jax.lax.map(lambda block: lesion_readings(block, view.dims), design)
        design = design._replace(measured=None)
    offset = nodes - centre[..., None]
    slots = jnp.asarray(blocks.slot), jnp.asarray(blocks.slot_patient)
    return NodeTable(design, centre, offset, log_share, readings, sizes, links, new, *slots, lesions, own)
