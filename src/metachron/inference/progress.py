"""What a running chain tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ChainProgress:
    """Steps done of how many, in which phase, and how it goes.

    ``mean_steps`` is the mean number of leapfrog steps per draw in the latest chunk.
    """

    chain: int
    done: int
    total: int
    warming_up: bool
    divergences: int
    mean_steps: float


Progress = Callable[[ChainProgress], None]
