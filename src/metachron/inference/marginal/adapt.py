"""Proposals brought to the patients' conditionals, and the number of nodes that each patient needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import LANES, ROWS, Blocks
from metachron.inference.marginal.lesion_proposals import population_proposals, renew_prior
from metachron.inference.marginal.mixture import Mixture, conditional_mean, population_mixture, renew_population, split
from metachron.inference.marginal.nodes import (
    first_of,
    log_weights,
    normalise,
    place_nodes,
    population_normal,
    screen_nodes,
    temper,
    uniform_blocks,
    update_lesions,
    update_mixture,
)
from metachron.inference.marginal.table import NodeModel, NodeTable, make_table
from metachron.joint.design import Binding
from metachron.joint.sites import Theta
from metachron.joint.vector import population_at

ADAPTING_ROWS, OF_LESIONS = 4, 2
"""Rows of 64 nodes per patient while proposals are improved; fewer where each has nodes for every lesion."""
LEAST_SHARE = 0.1
"""Effective share of nodes below which weights are tempered."""
MAX_STEPS = 25
SETTLING_STEPS = 3
MOST_LOG_RATIO = 300.0
"""Of a node's weights at two population vectors: its square is a finite number."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """The proposals of all patients, and the effective share of nodes they had when last looked at."""

    mixture: Mixture
    share: np.ndarray


def thetas_at(view: NodeModel, vectors: Float[np.ndarray, "theta free"]) -> dict[str, Array]:
    """Return the population parameters at several unconstrained vectors, stacked."""
    return _unpack(jnp.asarray(vectors), view=view)


@partial(jax.jit, static_argnames=("view",))
def _unpack(vectors: Float[Array, "theta free"], *, view: NodeModel) -> dict[str, Array]:
    return jax.vmap(lambda vector: population_at(vector, view.model, view.dims))(vectors)


def start_proposals(view: NodeModel, binding: Binding, vector: np.ndarray, *, seed: int) -> Proposals:
    """Return proposals found from nothing but the population's distribution at a vector."""
    thetas = thetas_at(view, vector[None])
    mean, factor = population_normal(thetas, binding.design, view=view)
    mixture = population_mixture(mean, factor)
    if view.model.single_lesions:
        part = view.model.dynamics
        assert part is not None
        mixture = mixture._replace(lesions=population_proposals(mean, part, first_of(thetas), binding.design))
    found = follow(view, binding, mixture, vector[None], steps=MAX_STEPS, seed=seed)
    return follow(view, binding, split(found.mixture), vector[None], steps=SETTLING_STEPS, seed=seed + MAX_STEPS)


def follow(
    view: NodeModel, binding: Binding, mixture: Mixture, vectors: np.ndarray, *, steps: int, seed: int
) -> Proposals:
    """Return proposals after up to ``steps`` updates towards the conditionals averaged over some vectors.

    The first vector gives the population's distribution in component 0. Updates end early once no patient's weights
    need tempering and `SETTLING_STEPS` more have been made.
    """
    thetas = thetas_at(view, vectors)
    mean, factor = population_normal(thetas, binding.design, view=view)
    mixture = _renewed(view, binding, renew_population(mixture, mean, factor), thetas)
    scale = jnp.linalg.norm(factor, axis=-1)
    rows = adapting_rows(view)
    blocks = uniform_blocks(binding, rows)
    patient = jnp.ravel(blocks.patient)
    real = np.asarray(binding.design.patient_weight) > 0
    nodes = jnp.full(binding.dims.patients, float(rows * LANES))
    since, share = 0, np.zeros(binding.dims.patients)
    for step in range(steps):
        placed = place_nodes(view, binding, blocks, mixture, seed=seed + step)
        table = make_table(*placed, blocks, view=view)
        log_weight = averaged(view, thetas, table, patient, binding.dims.patients)
        weight, power, effective = temper(log_weight, patient, nodes, LEAST_SHARE, patients=binding.dims.patients)
        mixture = update_mixture(mixture, blocks.patient, placed.nodes, weight, scale)
        mixture = update_lesions(view, thetas, mixture, blocks, table, weight, scale)
        share = np.asarray(effective / nodes)
        since = since + 1 if np.mean(np.asarray(power)[real] >= 1.0) >= 0.98 else 0
        if since > SETTLING_STEPS:
            break
    return Proposals(mixture, share)


def adapting_rows(view: NodeModel) -> int:
    """Return the rows of 64 nodes per patient on which proposals are improved."""
    return OF_LESIONS if view.model.single_lesions else ADAPTING_ROWS


def _renewed(view: NodeModel, binding: Binding, mixture: Mixture, thetas: Theta) -> Mixture:
    """Return the proposals with what the population says of lesions at the first of some parameters."""
    part = view.model.dynamics
    if mixture.lesions is None or part is None:
        return mixture
    return mixture._replace(lesions=renew_prior(mixture.lesions, part, first_of(thetas), binding.design))


def averaged(view: NodeModel, thetas: Theta, table: NodeTable, patient: Array, patients: int) -> Array:
    """Return log weights of each patient's conditional averaged over several population parameters."""
    return _averaged(log_weights(thetas, table, view=view), patient, patients=patients)


@partial(jax.jit, static_argnames=("patients",))
def _averaged(weights: Float[Array, "theta block row lane"], patient: Array, *, patients: int) -> Array:
    weights = weights.reshape(len(weights), -1, LANES)
    if len(weights) == 1:
        return weights[0]

    def add(total: Array, weight: Array) -> tuple[Array, None]:
        return total + normalise(weight, patient, patients=patients)[0], None

    return jnp.log(jax.lax.scan(add, jnp.zeros_like(weights[0]), weights)[0] / len(weights))


def needed_rows(
    view: NodeModel, binding: Binding, mixture: Mixture, vectors: np.ndarray, *, mean_rows: int, seed: int
) -> np.ndarray:
    """Return rows of nodes per patient, a power of 2, at most ``mean_rows`` on average, where they help most.

    The variance of the estimated log ratio of a patient's likelihood between the first vector and another is the sum
    over nodes of squared normalised weights times the squared relative deviation of the node's own ratio. It falls
    as one over the number of nodes (faster with quasi-random ones), so nodes in proportion to its root are best. Beyond
    the number of nodes it is not known: one node, or none, has all the weight.
    """
    count = adapting_rows(view)
    blocks = uniform_blocks(binding, count)
    patient, patients = jnp.ravel(blocks.patient), binding.dims.patients
    table = make_table(*place_nodes(view, binding, blocks, mixture, seed=seed), blocks, view=view)
    weights = log_weights(thetas_at(view, vectors), table, view=view)
    variance = np.zeros(patients)
    for spread in np.asarray(_spreads(weights, patient, patients=patients)):
        found = np.bincount(np.asarray(patient), np.nan_to_num(spread, nan=np.inf), minlength=patients)
        variance += np.minimum(found, count * LANES) / (len(vectors) - 1)
    real = np.flatnonzero(np.asarray(binding.design.patient_weight) > 0)
    root = np.sqrt(variance[real]) + 1e-12
    ideal = np.log2(root / root.mean() * mean_rows)
    for less in np.arange(0.0, 16.0, 0.1):
        rows = np.clip(2.0 ** np.round(ideal - less), 1, ROWS).astype(int)
        if rows.sum() <= mean_rows * len(rows):
            break
    return rows


@partial(jax.jit, static_argnames=("patients",))
def _spreads(weights: Float[Array, "theta block row lane"], patient: Array, *, patients: int) -> Array:
    """Return each row's part of the variance of a patient's log ratio between the first vector and every other."""
    weights = weights.reshape(len(weights), -1, LANES)
    base, total = normalise(weights[0], patient, patients=patients)

    def one(other: Array) -> Array:
        _, other_total = normalise(other, patient, patients=patients)
        log_ratio = jnp.where(base > 0, other - weights[0], 0.0) - (other_total - total)[patient][:, None]
        return jnp.sum(jnp.square(base * jnp.expm1(jnp.minimum(log_ratio, MOST_LOG_RATIO))), axis=1)

    return jax.lax.map(one, weights[1:])


def final_table(
    view: NodeModel, binding: Binding, mixture: Mixture, blocks: Blocks, vectors: np.ndarray, *, seed: int
) -> NodeTable:
    """Return the table of blocks, screened at some vectors."""
    placed = place_nodes(view, binding, blocks, mixture, seed=seed)
    return screen_nodes(view, placed, blocks, thetas_at(view, vectors), conditional_mean(mixture))
