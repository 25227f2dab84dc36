"""What the sampler's nodes left: draws weighed on more and independent nodes, and patient effects drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import LANES, ROWS, Blocks
from metachron.inference.marginal.table import NodeModel, NodeTable, block_log_joint, sum_in_slots
from metachron.inference.sampled import CHUNK
from metachron.joint.population import fixed_part
from metachron.joint.sites import unpack_population

Tick = Callable[[int], None]


class Evaluated(NamedTuple):
    """For each draw: the log likelihood, its part by patient, and one draw of every patient's effects given it."""

    log_likelihood: Float[np.ndarray, " draw"]
    by_patient: Float[np.ndarray, "draw patient"]
    effects: Float[np.ndarray, "draw patient effect"]


def evaluate_draws(
    vectors: Float[np.ndarray, "draw free"],
    table: NodeTable,
    blocks: Blocks,
    *,
    view: NodeModel,
    patients: int,
    seed: int,
    with_effects: bool = True,
    tick: Tick | None = None,
) -> Evaluated:
    """Return log likelihoods on a table, and patient effects drawn from its nodes, for many population vectors.

    Patients are in the order of the cohort; effects are on the transform scale, about the population's fixed part.
    """
    short = -len(vectors) % CHUNK
    padded = np.concatenate([vectors, np.repeat(vectors[-1:], short, axis=0)]).reshape(-1, CHUNK, vectors.shape[1])
    keys = jax.random.split(jax.random.key(seed), len(padded))
    slots = np.asarray(blocks.slot_patient).ravel()
    filled = np.flatnonzero(slots >= 0)
    by_patient, effects = [], []
    for number, (chunk, key) in enumerate(zip(padded, keys, strict=True), start=1):
        total, drawn = _evaluate(jnp.asarray(chunk), key, table, view=view, with_effects=with_effects)
        placed = np.zeros((CHUNK, patients))
        placed[:, slots[filled]] = np.asarray(total).reshape(CHUNK, -1)[:, filled]
        by_patient.append(placed)
        if with_effects:
            at = np.zeros((CHUNK, patients, view.effects), dtype=np.float32 if patients > FLOAT32_ABOVE else float)
            at[:, slots[filled]] = np.asarray(drawn).reshape(CHUNK, -1, view.effects)[:, filled]
            effects.append(at)
        if tick is not None:
            tick(number * CHUNK)
    patient_values = np.concatenate(by_patient)[: len(vectors)]
    found = np.concatenate(effects)[: len(vectors)] if with_effects else np.empty((len(vectors), patients, 0))
    return Evaluated(patient_values.sum(axis=1), patient_values, found)


FLOAT32_ABOVE = 5000
"""Patients above which effects are kept in single precision: they are draws, their likelihood is not computed again."""


@partial(jax.jit, static_argnames=("view", "with_effects"))
def _evaluate(
    vectors: Float[Array, "draw free"], key: Array, table: NodeTable, *, view: NodeModel, with_effects: bool
) -> tuple[Float[Array, "draw block slot"], Float[Array, "draw block slot effect"]]:
    def one(inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        vector, draw_key = inputs
        theta, _ = unpack_population(vector, view.model, view.dims)
        uniform = jax.random.uniform(draw_key, table.slot.shape)

        def block(inputs: tuple[NodeTable, Array]) -> tuple[Array, Array]:
            part, share = inputs
            log_value = block_log_joint(view, theta, part) + part.log_share
            total = sum_in_slots(log_value, part.slot, part.slot_patient)
            if not with_effects:
                return total, jnp.zeros((ROWS, 0))
            row, lane = _pick(log_value - total[part.slot][:, None], part, share)
            dynamics = view.model.dynamics
            assert dynamics is not None
            fixed = jnp.stack([fixed_part(p, theta, part.design)[row] for p in dynamics.random], axis=-1)
            return total, part.nodes[:, row, lane].T - fixed

        return jax.lax.map(block, (table, uniform))

    return jax.lax.map(one, (vectors, jax.random.split(key, len(vectors))))


def _pick(
    log_weight: Float[Array, "row lane"], block: NodeTable, uniform: Float[Array, " slot"]
) -> tuple[Array, Array]:
    """Return row and lane of one node per slot, drawn by weight: the inverse of the weights' running sum.

    Rows of a slot follow one another and sum to 1, so the running sum over all rows passes slot s between s and s + 1.
    """
    weight = jnp.exp(log_weight) * block.design.patient_weight[:, None]
    running = jnp.cumsum(jnp.sum(weight, axis=1))
    slot = jnp.arange(ROWS)
    aim = slot + jnp.clip(uniform, 1e-9, 1.0 - 1e-9)
    row = jnp.minimum(jnp.searchsorted(running, aim), ROWS - 1)
    first = jnp.searchsorted(block.slot, slot)
    row = jnp.clip(
        row, jnp.minimum(first, ROWS - 1), jnp.maximum(jnp.searchsorted(block.slot, slot, side="right") - 1, 0)
    )
    left = aim - jnp.where(row > 0, running[row - 1], 0.0)
    within = jnp.cumsum(weight[row], axis=1)
    lane = jnp.minimum(jnp.sum(within < jnp.clip(left, 0.0, within[:, -1] * (1 - 1e-9))[:, None], axis=1), LANES - 1)
    return row, lane


def systematic(weights: Float[np.ndarray, " draw"], rng: np.random.Generator) -> np.ndarray:
    """Return indices of as many draws as there are weights, each as often as its weight says, in order."""
    points = (np.arange(len(weights)) + rng.random()) / len(weights)
    return np.minimum(np.searchsorted(np.cumsum(weights / weights.sum()), points), len(weights) - 1)
