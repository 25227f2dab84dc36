"""Integrals made afresh where draws lie: proposals brought to the conditionals at one population vector at a time.

The sampler's nodes and those that weigh the draws stand where conditionals are about the middle of the posterior. Out
in its tails both could miss the same part of a patient's effects, and agree with each other.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metachron.inference.marginal.adapt import follow, thetas_at
from metachron.inference.marginal.blocks import LANES
from metachron.inference.marginal.nodes import log_weights, normalise
from metachron.inference.marginal.prepare import Prepared

DRAWS = 8
STEPS = 2
ROWS_EACH = 8
"""Rows of 64 nodes per patient on average in a fresh integral."""


def spread_out(white: Float[np.ndarray, "draw free"]) -> np.ndarray:
    """Return the indices of `DRAWS` draws from the centre of the posterior to its tails."""
    order = np.argsort(np.linalg.norm(white, axis=1), kind="stable")
    return order[np.linspace(0, len(order) - 1, min(DRAWS, len(order))).astype(int)]


def fresh_log_likelihood(prepared: Prepared, vector: Float[np.ndarray, " free"], *, seed: int) -> float:
    """Return the log likelihood at a vector on nodes made for it."""
    view, binding = prepared.view, prepared.binding
    found = follow(view, binding, prepared.mixture, vector[None], steps=STEPS, seed=seed)
    own = replace(prepared, mixture=found.mixture, vectors=vector[None], anchors=1)
    theta, patients, total = thetas_at(view, vector[None]), binding.dims.patients, 0.0
    for table, blocks in own.slabs(times=prepared.times_up_to(ROWS_EACH), seed=seed):
        patient = np.ravel(blocks.patient)
        weight = log_weights(theta, table, view=view)[0].reshape(-1, LANES)
        each = np.asarray(normalise(weight, jnp.asarray(patient), patients=patients)[1])
        total += float(each[np.unique(patient[np.ravel(blocks.weight) > 0])].sum())
    return total
