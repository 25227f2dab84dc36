"""Pareto-smoothed importance weights, from ArviZ."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FEWEST = 30


def pareto_smooth(log_weight: Float[np.ndarray, " draw"]) -> tuple[float, Float[np.ndarray, " draw"]]:
    """Return the shape k of the tail, and the smoothed weights, which sum to 1.

    Vehtari 2024, arXiv:1507.02646. Largest weights that are all alike have no tail: k is -inf. From fewer than 30 draws
    there is no telling: k is NaN and the weights are not smoothed.
    """
    from arviz_stats.base import array_stats

    plain = np.exp(log_weight - log_weight.max())
    size = len(log_weight)
    if size < FEWEST:
        return float("nan"), plain / plain.sum()
    tail = np.sort(log_weight)[-int(np.ceil(min(0.2 * size, 3.0 * np.sqrt(size)))) - 1 :]
    if np.ptp(tail) < 1e-9:
        return float("-inf"), plain / plain.sum()
    smoothed, k = array_stats.psislw(-log_weight)  # it takes the log of one over the weight
    weight = np.exp(smoothed - smoothed.max())
    return float(k), weight / weight.sum()


def effective_share(weights: Float[np.ndarray, " draw"]) -> float:
    """Return the effective number of draws by weights that sum to 1 (Kong 1992), over their number."""
    return float(1.0 / np.sum(np.square(weights)) / len(weights))
