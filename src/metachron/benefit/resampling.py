"""The same model with many versions of a marker, for both kinds of outcome: what permutations and searches rank by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, expit

from metachron.benefit.comparison import Comparison
from metachron.survival.many_cox import maximise_many
from metachron.survival.observed import Observed

_CHUNK_CELLS = 8_000_000
"""Cells of a block of designs: 64 MB."""
_STEPS = 300
_SMALL = 1e-6
"""Largest change of a coefficient, of columns of sd 1, at which the ascent has ended."""
_LARGEST_STEP = 5.0


@dataclass(frozen=True, eq=False)
class ManyTests:
    """Wald tests of some columns, one per version: statistic and p value; NaN where there is no finite maximum.

    ``coefficients`` are versions x tested columns, ``covariance`` of these alike.
    """

    coefficients: np.ndarray
    covariance: np.ndarray

    @property
    def statistic(self) -> np.ndarray:
        """Chi-squared statistic of all tested columns being 0."""
        inverse = np.linalg.pinv(np.nan_to_num(self.covariance), hermitian=True)
        found = np.einsum("bp,bpq,bq->b", self.coefficients, inverse, self.coefficients)
        return np.where(np.isnan(self.covariance).any(axis=(1, 2)), np.nan, found)

    @property
    def p_value(self) -> np.ndarray:
        """P value by the chi-squared distribution."""
        return chdtrc(self.coefficients.shape[1], self.statistic)


def fit_versions(comparison: Comparison, versions: np.ndarray, *, tested: int) -> ManyTests:
    """Return the tests of the last ``tested`` columns of each version, beside the other columns and the adjustment.

    Cox models as in `metachron.survival.many_cox`; for a response logistic models with Firth's penalty, so that all
    are finite (Firth 1993, doi:10.1093/biomet/80.1.27).

    Parameters
    ----------
    versions : versions x rows x columns.
    """
    fixed = _fixed(comparison)
    block = max(1, _CHUNK_CELLS // (versions.shape[1] * (versions.shape[2] + fixed.shape[1]) ** 2))
    found = [_fit(comparison, fixed, versions[at : at + block]) for at in range(0, len(versions), block)]
    coefficients, covariance = (np.concatenate(part) for part in zip(*found, strict=True))
    return ManyTests(coefficients[:, -tested:], covariance[:, -tested:, -tested:])


def _fixed(comparison: Comparison) -> np.ndarray:
    if isinstance(comparison.outcome, Observed):
        return comparison.adjust
    levels = [comparison.stratum == level for level in np.unique(comparison.stratum)[1:]]
    return np.column_stack([np.ones(len(comparison)), comparison.adjust, *levels]).astype(float)


def _fit(comparison: Comparison, fixed: np.ndarray, versions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shared = np.broadcast_to(fixed, (len(versions), *fixed.shape))
    designs = np.concatenate([shared, versions], axis=2)
    if isinstance(comparison.outcome, Observed):
        found = maximise_many(comparison.outcome, designs, comparison.stratum)
        return found.coefficients, found.covariance
    return _firth_many(designs, comparison.outcome.astype(float))


def _firth_many(designs: np.ndarray, response: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Firth's estimates and their covariances, by Newton steps of at most 5 on columns of sd 1; NaN if none."""
    scale = designs.std(axis=1)
    scale[:, 0] = 1.0
    usable = (scale > 0.0).all(axis=1)
    scaled = designs / np.where(scale > 0.0, scale, 1.0)[:, None, :]
    beta, inverse = np.zeros(designs.shape[::2]), np.zeros((len(designs), *designs.shape[2:] * 2))
    active = np.flatnonzero(usable)
    for _ in range(_STEPS):
        step, inverse[active] = _firth_step(scaled[active], response, beta[active])
        longest = np.abs(step).max(axis=1)
        beta[active] += step * np.minimum(1.0, _LARGEST_STEP / np.maximum(longest, _SMALL))[:, None]
        active = active[longest >= _SMALL]
        if not active.size:
            break
    usable[active] = False
    scale = np.where(usable[:, None], scale, np.nan)
    return beta / scale, inverse / scale[:, :, None] / scale[:, None, :]


def _firth_step(designs: np.ndarray, response: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Newton's step for the penalised score, and the inverse information."""
    chance = expit(np.einsum("bnp,bp->bn", designs, beta))
    weighted = designs * (chance * (1.0 - chance))[:, :, None]
    inverse = np.linalg.pinv(weighted.transpose(0, 2, 1) @ designs, hermitian=True)
    leverage = ((weighted @ inverse) * designs).sum(axis=2)
    residual = response - chance + leverage * (0.5 - chance)
    score = np.einsum("bn,bnp->bp", residual, designs)
    return np.einsum("bpq,bq->bp", inverse, score), inverse
