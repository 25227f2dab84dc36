"""Effects of the levels of one factor, each drawn towards what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from metachron.base import ModelError
from metachron.base.quadrature import gauss_legendre

_NODES = 400
_BISECTIONS = 100


@dataclass(frozen=True)
class HeterogeneityPrior:
    """Prior of the standard deviation of the levels' true effects, on the log scale of a ratio.

    Half-normal with scale 0.5 unless given: one of the weakly informative priors of Röver and others 2021,
    doi:10.1002/jrsm.1475, for log ratios of different trials. Levels within one trial should differ less than trials
    do, so that it shrinks too little rather than too much.
    """

    kind: Literal["half-normal", "half-t"] = "half-normal"
    scale: float = 0.5
    degrees_of_freedom: float = 4.0

    def __post_init__(self) -> None:
        if self.kind not in ("half-normal", "half-t"):
            raise ModelError(f"heterogeneity has no prior {self.kind!r}; known are half-normal and half-t")
        if not (self.scale > 0.0 and self.degrees_of_freedom > 0.0):
            raise ModelError("the scale and the degrees of freedom of a prior are positive")

    def quantile(self, level: np.ndarray) -> np.ndarray:
        """Return quantiles of the prior."""
        both = 0.5 + np.asarray(level) / 2.0
        return self.scale * (ndtri(both) if self.kind == "half-normal" else stdtrit(self.degrees_of_freedom, both))


@dataclass(frozen=True, eq=False)
class Shrunk:
    """Posterior of the levels' effects: median with equal-tailed limits; and the median heterogeneity."""

    median: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    heterogeneity: float


def shrink(estimates: np.ndarray, errors: np.ndarray, *, prior: HeterogeneityPrior, confidence: float = 0.95) -> Shrunk:
    r"""Return the effects of the levels under a normal hierarchical model.

    .. math:: y_j \sim N(\theta_j, s_j^2), \quad \theta_j \sim N(\mu, \tau^2), \quad p(\mu) \propto 1, \quad \tau \sim
        \text{half-normal or half-t}

    Given :math:`\tau` all is normal: with :math:`w_j = 1 / (s_j^2 + \tau^2)`, :math:`B_j = s_j^2 w_j` and
    :math:`\hat\mu = \sum w_j y_j / \sum w_j`, :math:`\theta_j` has mean :math:`B_j \hat\mu + (1 - B_j) y_j` and
    variance :math:`(1 - B_j) s_j^2 + B_j^2 / \sum w_j`. Over :math:`\tau` the mixture is integrated by
    400 Gauss-Legendre nodes on the scale of the prior's quantiles.

    Parameters
    ----------
    estimates, errors : :math:`y_j` and :math:`s_j`, of two levels or more.

    Raises
    ------
    ModelError
        When there are fewer than two levels.

    Notes
    -----
    Jones and others 2011, doi:10.1177/1740774510396933; Henderson and others 2016, doi:10.1007/s10742-016-0159-3.
    """
    if len(estimates) < 2:
        raise ModelError("shrinkage needs at least two levels")
    levels, weights = gauss_legendre(_NODES)
    tau = prior.quantile(levels)
    precision = 1.0 / (errors**2 + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    common = (precision @ estimates) / total
    log = 0.5 * np.log(precision).sum(axis=1) - 0.5 * np.log(total)
    log -= 0.5 * (precision * (estimates - common[:, None]) ** 2).sum(axis=1)
    posterior = weights * np.exp(log - log.max())
    posterior /= posterior.sum()
    drawn = errors**2 * precision
    mean = drawn * common[:, None] + (1.0 - drawn) * estimates
    spread = np.sqrt((1.0 - drawn) * errors**2 + drawn**2 / total[:, None])
    tail = (1.0 - confidence) / 2.0
    lower, median, upper = (_mixture_quantile(q, posterior, mean, spread) for q in (tail, 0.5, 1.0 - tail))
    middle = np.searchsorted(np.cumsum(posterior), 0.5)
    return Shrunk(median, lower, upper, float(tau[middle]))


def _mixture_quantile(level: float, weight: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the quantile of each column's mixture of normals, by bisection."""
    low, high = (mean - 10.0 * spread).min(axis=0), (mean + 10.0 * spread).max(axis=0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        below = weight @ ndtr((middle - mean) / spread) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2.0
