"""Draws as the sampler leaves them: unconstrained vectors and statistics, before they get names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

CHUNK = 25
"""Steps in one call of the compiled sampler."""


class Statistics(NamedTuple):
    """What the sampler reports of each step; each of shape (step,)."""

    lp: Any
    energy: Any
    diverging: Any
    n_steps: Any
    tree_depth: Any
    acceptance_rate: Any
    step_size: Any


@dataclass(frozen=True)
class Sampled:
    """Draws of all chains, cut to the shortest, and whether the run was interrupted.

    ``positions`` has shape (chain, draw, free); each of ``statistics`` (chain, draw).
    """

    positions: np.ndarray
    statistics: Statistics
    warmup_gradients: int
    interrupted: bool
