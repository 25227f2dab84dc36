"""The mass matrix that a chain learns while it still falls towards the posterior."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.inference.nuts import MAX_RANK, Chunk, learn_metric, start_chain
from metachron.inference.sampled import CHUNK, Statistics

FREE = 40


def density(vector: jax.Array, data: jax.Array) -> jax.Array:
    return -0.5 * jnp.sum(jnp.square(vector / data))


def window(scale: float) -> Chunk:
    """Return a chunk whose draws lie on a line: the decomposition has rank 1, or none where nothing moves."""
    draws = scale * np.outer(np.linspace(-1.0, 1.0, CHUNK), np.arange(1.0, FREE + 1.0))
    nothing = np.zeros(CHUNK)
    return Chunk(jnp.asarray(draws), jnp.asarray(-draws), Statistics(*[nothing] * len(Statistics._fields)))


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e200])
def test_metric_stays_finite_whatever_the_draws(scale: float) -> None:
    chain = start_chain(jnp.ones(FREE), jnp.ones(FREE), density=density)
    metric = learn_metric(chain, [window(scale)]).metric
    assert metric.U.shape == (FREE, MAX_RANK)
    for part in jax.tree.leaves(metric):
        assert np.isfinite(np.asarray(part)).all()
    assert (np.asarray(metric.sigma) > 0).all()
