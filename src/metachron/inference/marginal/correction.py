"""Draws weighed on more and independent nodes than the sampler had, and patient effects drawn from those nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import side_by_side
from metachron.inference.marginal.blocks import LANES, ROWS, Blocks
from metachron.inference.marginal.kernel import RowTerms, at_precision, log_joint, row_terms, sum_in_slots
from metachron.inference.marginal.lesion_proposals import lesion_prior
from metachron.inference.marginal.lesion_terms import pick_lesions, within_weights
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.inference.sampled import CHUNK
from metachron.joint.population import fixed_part
from metachron.joint.sites import Theta
from metachron.joint.vector import population_at

Slab = tuple[NodeTable, Blocks]

GROUP = 8
"""Lanes whose weights are summed first when a node is drawn."""
FLOAT32_ABOVE = 5000
"""Patients above which effects are kept in single precision: they are draws, their likelihood is not computed again."""


class Evaluated(NamedTuple):
    """For each draw: the log likelihood and, where asked for, its part by patient, and one draw of every patient's
    effects given it. Patients are in the order of the cohort; effects are about the population's fixed part, on the
    transform scale. So are those of single ``lesions``, about their patient and organ.
    """

    log_likelihood: Float[np.ndarray, " draw"]
    by_patient: Float[np.ndarray, "draw patient"] | None
    effects: Float[np.ndarray, "draw patient effect"] | None
    lesions: Float[np.ndarray, "draw series own"] | None = None


def evaluate_draws(
    vectors: Float[np.ndarray, "draw free"],
    pieces: Iterable[Slab],
    *,
    view: NodeModel,
    patients: int,
    seed: int,
    series: int = 0,
    by_patient: bool = False,
    effects: bool = False,
    visit: Callable[[NodeTable, Blocks], None] | None = None,
) -> Evaluated:
    """Return log likelihoods on nodes that come slab by slab, for many population vectors.

    Parameters
    ----------
    series : number of lesions, where they are single ones.
    by_patient, effects : what to keep beside the totals.
    visit : called with each slab, for what else has to be seen of it.
    """
    draws = len(vectors)
    short = -draws % CHUNK
    padded = np.concatenate([vectors, np.repeat(vectors[-1:], short, axis=0)])
    chunks = jnp.asarray(padded.reshape(-1, CHUNK, vectors.shape[1]))
    total = np.zeros(len(padded))
    each = np.zeros((draws, patients)) if by_patient else None
    kind = np.float32 if patients > FLOAT32_ABOVE else np.float64
    drawn = np.zeros((draws, patients, view.effects), dtype=kind) if effects else None
    single = effects and series > 0 and view.lesion_effects > 0
    of_lesions = np.zeros((draws, series, view.lesion_effects), dtype=kind) if single else None
    for number, (table, blocks) in enumerate(pieces):
        slots = np.asarray(blocks.slot_patient).ravel()
        filled = np.flatnonzero(slots >= 0)
        own_key = jax.random.fold_in(jax.random.key(seed), number)
        run = partial(_evaluate_chunk, chunks, own_key, table, view, effects)
        home = _homes(blocks)
        for index, (values, nodes, lesions) in enumerate(side_by_side(run, range(len(chunks)))):
            here = slice(index * CHUNK, min(draws, (index + 1) * CHUNK))
            own = values[:, filled]
            total[index * CHUNK : (index + 1) * CHUNK] += own.sum(axis=1)
            if each is not None:
                each[here, slots[filled]] = own[: here.stop - here.start]
            if drawn is not None:
                drawn[here, slots[filled]] = nodes[: here.stop - here.start, filled]
            if of_lesions is not None and home is not None:
                of_lesions[here, home.series] = lesions[: here.stop - here.start, home.place]
        if visit is not None:
            visit(table, blocks)
    return Evaluated(total[:draws], each, drawn, of_lesions)


class _Homes(NamedTuple):
    """Where the effects of each lesion stand among those of a slab, and which lesion it is."""

    place: np.ndarray
    series: np.ndarray


def _homes(blocks: Blocks) -> _Homes | None:
    rows = blocks.lesions
    if rows is None:
        return None
    real = np.asarray(blocks.slot_patient)[:, 0] >= 0
    at_home = (rows.weight > 0) & (rows.part == 0) & real[:, None]
    return _Homes(np.flatnonzero(at_home), rows.series[at_home])


def _evaluate_chunk(
    chunks: Float[Array, "chunk draw free"], key: Array, table: NodeTable, view: NodeModel, effects: bool, index: int
) -> tuple[Float[np.ndarray, "draw slot"], Float[np.ndarray, "draw slot effect"], Float[np.ndarray, "draw place own"]]:
    """Return what `_evaluate` gives for one chunk of draws, its blocks joined."""
    found = _evaluate(chunks[index], jax.random.fold_in(key, index), table, view=view, effects=effects)
    values, nodes, lesions = (np.asarray(part) for part in found)
    width, places = values.shape[1] * values.shape[2], lesions.shape[1] * lesions.shape[2]
    return (
        values.reshape(CHUNK, width),
        nodes.reshape(CHUNK, width, nodes.shape[-1]),
        lesions.reshape(CHUNK, places, lesions.shape[-1]),
    )


@partial(jax.jit, static_argnames=("view", "effects"))
def _evaluate(
    vectors: Float[Array, "draw free"], key: Array, table: NodeTable, *, view: NodeModel, effects: bool
) -> tuple[
    Float[Array, "draw block slot"], Float[Array, "draw block slot effect"], Float[Array, "draw block place own"]
]:
    thetas = jax.vmap(lambda vector: population_at(vector, view.model, view.dims))(vectors)
    uniform = jax.random.uniform(key, (len(table.slot), len(vectors), ROWS))
    places = table.design.series_patient.shape[1] if table.lesions is not None else 0
    for_lesions = jax.random.uniform(jax.random.fold_in(key, 1), (len(table.slot), len(vectors), places))

    def block(inputs: tuple[NodeTable, Array, Array]) -> tuple[Array, Array, Array]:
        own, shares, inner = inputs
        alone = jax.tree.map(lambda leaf: leaf[None], own)
        slots = jnp.arange(ROWS)
        first = jnp.minimum(jnp.searchsorted(own.slot, slots), ROWS - 1)
        last = jnp.maximum(jnp.searchsorted(own.slot, slots, side="right") - 1, first)

        def one(draw: tuple[dict[str, Array], Array, Array]) -> tuple[Array, Array, Array]:
            theta, share, of_lesions = draw
            rows = jax.tree.map(lambda leaf: leaf[0], row_terms(view, theta, alone))
            log_value = log_joint(view, *at_precision(theta, rows, own))
            total = sum_in_slots(log_value, own.slot, own.slot_patient)
            if not effects:
                return total.astype(float), jnp.zeros((ROWS, 0)), jnp.zeros((0, 0))
            filled = own.design.patient_weight.astype(log_value.dtype)[:, None]
            weight = filled * jnp.exp(log_value - total[own.slot][:, None])
            row, lane = _pick(weight, first, last, share)
            fixed = jnp.stack([fixed_part(p, theta, own.design)[row] for p in view.model.random], axis=-1)
            if view.shifted:
                fixed = fixed + view.organ_shift(theta, own.design)[:, row].T
            lesions = _draw_lesions(view, theta, rows, own, (row, lane), of_lesions)
            return total.astype(float), own.nodes[:, row, lane].T - fixed, lesions

        return jax.lax.map(one, (thetas, shares, inner))

    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), jax.lax.map(block, (table, uniform, for_lesions)))


def _draw_lesions(
    view: NodeModel, theta: Theta, rows: RowTerms, own: NodeTable, chosen: tuple[Array, Array], uniform: Array
) -> Float[Array, "place own"]:
    """Return effects of the lesions of a block, at the nodes that were drawn for their patients."""
    part, table, design = view.model.dynamics, own.lesions, own.design
    if table is None or part is None:
        return jnp.zeros((0, 0))
    theta_as, rows_as, block = at_precision(theta, rows, own)
    assert rows_as.lesions is not None
    assert block.lesions is not None
    weight = within_weights(view.model, theta_as, rows_as.lesions, block.lesions, block.design)
    drawn = pick_lesions(weight, table, design.series_patient, own.slot, chosen, uniform)
    return drawn - lesion_prior(part, theta, design)[0]


def _pick(
    weight: Float[Array, "row lane"], first: Array, last: Array, uniform: Float[Array, " slot"]
) -> tuple[Array, Array]:
    """Return row and lane of one node per slot, drawn by weight: the inverse of the weights' running sum.

    Rows of a slot, from first to last, follow one another and sum to 1, so the running sum over all rows passes slot s
    between s and s + 1.
    """
    running = jnp.cumsum(jnp.sum(weight, axis=1))
    aim = jnp.arange(ROWS) + jnp.clip(uniform, 1e-6, 1.0 - 1e-6)
    row = jnp.clip(jnp.sum(running[:, None] < aim, axis=0), first, last)
    left = aim - jnp.where(row > 0, running[row - 1], 0.0)
    groups = weight[row].reshape(ROWS, LANES // GROUP, GROUP)
    group, left = _passing(jnp.sum(groups, axis=2), left)
    within, _ = _passing(jnp.take_along_axis(groups, group[:, None, None], axis=1)[:, 0], left)
    return row, group * GROUP + within


def _passing(weight: Float[Array, "slot part"], aim: Float[Array, " slot"]) -> tuple[Array, Array]:
    """Return the part in which each running sum passes its aim, and how far into it."""
    running = jnp.cumsum(weight, axis=1)
    part = jnp.minimum(jnp.sum(running < aim[:, None], axis=1), weight.shape[1] - 1)
    before = jnp.take_along_axis(running, jnp.maximum(part - 1, 0)[:, None], axis=1)[:, 0]
    return part, aim - jnp.where(part > 0, before, 0.0)


def systematic(weights: Float[np.ndarray, " draw"], rng: np.random.Generator) -> np.ndarray:
    """Return indices of as many draws as there are weights, each as often as its weight says, in order."""
    points = (np.arange(len(weights)) + rng.random()) / len(weights)
    return np.minimum(np.searchsorted(np.cumsum(weights / weights.sum()), points), len(weights) - 1)
