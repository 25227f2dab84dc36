"""Pareto-smoothed importance weights.

After Vehtari 2024 (doi:10.48550/arXiv.1507.02646): the largest weights are taken to follow a generalised Pareto
distribution, whose parameters are estimated as by Zhang and Stephens 2009 (doi:10.1198/tech.2009.08017) with a weak
prior on the shape, and are replaced by its quantiles. ArviZ has the same, and takes longer to import than a forecast to
compute; tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

FEWEST = 30
PRIOR_SHAPE, PRIOR_DRAWS = 0.5, 10.0
"""The prior of the shape, worth as many draws."""


def pareto_smooth(log_weight: Float[np.ndarray, " draw"]) -> tuple[float, Float[np.ndarray, " draw"]]:
    """Return the shape k of the tail, and the smoothed weights, which sum to 1.

    Largest weights that are all alike have no tail: k is -inf. From fewer than 30 draws there is no telling: k is NaN
    and the weights are not smoothed.
    """
    log = log_weight - log_weight.max()
    size = len(log)
    if size < FEWEST:
        return float("nan"), np.exp(log - logsumexp(log))
    count = int(3.0 * np.sqrt(size)) if size > 225 else size // 5
    order = np.argsort(log)
    tail = order[-count:]
    if np.ptp(log[order[-count - 1 :]]) < 1e-9:
        return float("-inf"), np.exp(log - logsumexp(log))
    start = np.exp(log[order[-count - 1]])
    shape, scale = _fit_tail(np.exp(log[tail]) - start)
    if np.isfinite(shape):
        stretched = -np.log1p(-(np.arange(count) + 0.5) / count)
        excess = np.expm1(shape * stretched) / shape if shape else stretched
        log[tail] = np.minimum(np.log(start + scale * excess), 0.0)
    return float(shape), np.exp(log - logsumexp(log))


def _fit_tail(excess: Float[np.ndarray, " draw"]) -> tuple[float, float]:
    """Return shape and scale of the generalised Pareto distribution of sorted values above 0; NaN where none fits.

    The ratio b = -shape / scale is averaged over its profile likelihood at points about the first quartile; shape and
    scale follow from it.
    """
    count = len(excess)
    quartile = excess[int(count / 4.0 + 0.5) - 1]
    if not quartile > excess[0]:
        return float("nan"), float("nan")
    points = 30 + int(np.sqrt(count))
    ratio = 1.0 / excess[-1] + (1.0 - np.sqrt(points / (np.arange(points) + 0.5))) / (3.0 * quartile)
    shapes = np.log1p(-ratio[:, None] * excess).mean(axis=1)
    profile = count * (np.log(-ratio / shapes) - shapes - 1.0)
    mean = float(np.sum(ratio * np.exp(profile - logsumexp(profile))))
    shape = float(np.log1p(-mean * excess).mean())
    return (count * shape + PRIOR_DRAWS * PRIOR_SHAPE) / (count + PRIOR_DRAWS), -shape / mean


def effective_share(weights: Float[np.ndarray, " draw"]) -> float:
    """Return the effective number of draws by weights that sum to 1 (Kong 1992), over their number."""
    return float(1.0 / np.sum(np.square(weights)) / len(weights))
