"""From replicates of a patient's record to prediction errors: normal scores, decorrelated in time, ranked."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

_SLICE = 8
"""Rows whose ranks are taken together: what bounds the memory."""


def prediction_errors(
    recorded: Float[np.ndarray, " row"],
    replicates: Float[np.ndarray, "replicate row"],
    limit: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, " row"]:
    """Return one error per row of a patient's record, standard normal where the replicates are of the true model.

    The record counts as one of K + 1 exchangeable sets of values, the others being the replicates.

    1. Each row's values are replaced by the normal quantile of their rank among the K + 1; values below the limit,
       recorded or replicated, by that of a uniform draw below the share of values under the limit (the cdf method).
    2. The scores are decorrelated by the lower Cholesky factor of their covariance, in the order of the rows, which is
       that of time: each row is judged given those before it, so that a record that ends because of what it shows, as
       with progression, is judged fairly.
    3. The error is the normal quantile of the rank of the record's own decorrelated score.

    Parameters
    ----------
    recorded, replicates, limit : on one scale, any monotone one; minus infinity where a value is known to be below the
        limit.

    Sources: Brendel 2006, doi:10.1007/s11095-005-9067-5; Comets 2008, doi:10.1016/j.cmpb.2007.12.002; below the limit
    Nguyen 2012, doi:10.1007/s10928-012-9264-2. They decorrelate the values themselves; scores are used here since sizes
    are skewed, for then the errors do not depend on the scale, and rows are closer to independent.
    """
    pool = np.concatenate([recorded[None], replicates])
    scores = np.concatenate(
        [_normal_scores(pool[:, start : start + _SLICE], limit, rng) for start in range(0, pool.shape[1], _SLICE)],
        axis=1,
    )
    if scores.shape[1] > 1:
        centred = scores - scores.mean(axis=0)
        factor = np.linalg.cholesky(np.cov(scores, rowvar=False))
        scores = centred @ np.linalg.inv(factor).T
    rank = 1 + np.sum(scores[1:] < scores[0], axis=0)
    return np.asarray(ndtri((rank - 0.5) / len(scores)))


def _normal_scores(
    pool: Float[np.ndarray, "set row"], limit: float, rng: np.random.Generator
) -> Float[np.ndarray, "set row"]:
    order = np.argsort(pool, axis=0)
    rank = np.empty(pool.shape)
    np.put_along_axis(rank, order, np.arange(1.0, len(pool) + 1)[:, None], axis=0)
    level = (rank - 0.5) / len(pool)
    below = pool < limit
    share = below.mean(axis=0)
    return np.asarray(ndtri(np.where(below, rng.uniform(size=pool.shape) * share, level)))
