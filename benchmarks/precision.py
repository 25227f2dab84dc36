"""Effective sample sizes of population parameters, and how well they are known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.inference.diagnostics import summarise_draws
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.names import flat_names
from metachron.joint.vector import unpack_population

PIECES = 8
"""Of all chains together, for the jackknife: each piece is still many autocorrelation times long."""


def population_from_vectors(vectors: np.ndarray, model: JointModel, binding: Binding) -> np.ndarray:
    """Return named population parameters (chain, draw, parameter) of unconstrained vectors (chain, draw, free)."""
    one = jax.jit(jax.vmap(lambda vector: unpack_population(vector, model, binding.dims)[0]))
    theta = {
        name: np.asarray(value) for name, value in one(jnp.asarray(vectors.reshape(-1, vectors.shape[-1]))).items()
    }
    names = flat_names(model, binding.dims, binding.labels)
    columns = [np.asarray(theta[site])[(slice(None), *index)] for _, site, index in names]
    return np.stack(columns, axis=-1).reshape(*vectors.shape[:2], -1)


def parameter_names(model: JointModel, binding: Binding) -> list[str]:
    """Return the names of the population parameters in the order of `population_from_vectors`."""
    return [name for name, _, _ in flat_names(model, binding.dims, binding.labels)]


def least_ess(table: pl.DataFrame) -> float:
    """Return the smallest of bulk and tail effective sample sizes over the rows of a summary."""
    return float(table.select(pl.min_horizontal("ess_bulk", "ess_tail").min()).item())


def ess_of_draws(names: list[str], draws: np.ndarray) -> dict[str, Any]:
    """Return the least effective sample size of draws (chain, draw, parameter), its standard error, and the summary.

    The error is a jackknife over pieces of chains: each piece is left out in turn, and the rest, scaled up, gives
    the same quantity again. It holds the sampling error of the estimate, not the luck of a warm-up.
    """
    table = summarise_draws(names, draws)
    chains = draws.shape[0]
    per_chain = max(1, PIECES // chains)
    length = draws.shape[1] // per_chain
    pieces = draws[:, : length * per_chain].reshape(chains * per_chain, length, -1)
    count = len(pieces)
    without = [
        least_ess(summarise_draws(names, np.delete(pieces, left, axis=0))) * count / (count - 1)
        for left in range(count)
    ]
    spread = np.sqrt((count - 1) / count * np.sum(np.square(without - np.mean(without))))
    return {"ess": least_ess(table), "ess_se": float(spread), "parameters": table.to_dicts()}
