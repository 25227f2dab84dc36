"""Pooling estimates over imputations by Rubin's rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

TAIL = 0.95
"""Upper end of a 90 % interval."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Estimates pooled over imputations, each of shape (parameter).

    ``missing`` is the share of the variance that the imputed values are the reason for.
    """

    estimate: Float[np.ndarray, " parameter"]
    sd: Float[np.ndarray, " parameter"]
    low: Float[np.ndarray, " parameter"]
    high: Float[np.ndarray, " parameter"]
    missing: Float[np.ndarray, " parameter"]


def pool(estimates: Float[np.ndarray, "set parameter"], variances: Float[np.ndarray, "set parameter"]) -> Pooled:
    """Return estimates over M imputed sets pooled by Rubin's rules (Rubin 1987, doi:10.1002/9780470316696, ch. 3).

    estimate Q = mean of Q_m; variance T = W + (1 + 1/M) B with W the mean of the variances within and B the variance
    between the sets; 90 % interval by Student's distribution with (M - 1) [1 + W / ((1 + 1/M) B)]^2 degrees of
    freedom.
    """
    sets = len(estimates)
    centre = estimates.mean(axis=0)
    within = variances.mean(axis=0)
    between = (1.0 + 1.0 / sets) * estimates.var(axis=0, ddof=1)
    total = within + between
    with np.errstate(divide="ignore"):
        freedom = (sets - 1) * np.square(1.0 + within / between)
    reach = stdtrit(np.minimum(freedom, 1e9), TAIL) * np.sqrt(total)
    return Pooled(centre, np.sqrt(total), centre - reach, centre + reach, between / total)
