"""Compiled functions of a fixed number of rows, on any number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metachron.inference.sampled import CHUNK


def by_chunk(function: Callable[[Any], Any], rows: np.ndarray) -> Any:
    """Return what a compiled function of `CHUNK` rows gives for any number of them, as NumPy arrays."""
    short = -len(rows) % CHUNK
    chunks = np.concatenate([rows, np.repeat(rows[-1:], short, axis=0)]).reshape(-1, CHUNK, *rows.shape[1:])
    pieces = [function(jnp.asarray(chunk)) for chunk in chunks]
    return jax.tree.map(lambda *parts: np.concatenate([np.asarray(part) for part in parts])[: len(rows)], *pieces)
