"""Scores of terms that a fitted model leaves out: each patient's part of them, and their information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from metachron.benefit.comparison import Comparison
from metachron.benefit.logistic import fit_logistic
from metachron.survival.observed import Observed
from metachron.survival.partial_likelihood import maximise
from metachron.survival.risk_sets import RiskSets, score_residuals


@dataclass(frozen=True, eq=False)
class ScorePieces:
    """Scores of design columns at a fitted null model.

    ``residuals`` (rows x columns) add up to the score. The information of columns a and b is
    ``a' diag(weight) b - means_a' means_b``, with ``means`` (event terms x columns) empty for a response.
    """

    design: np.ndarray
    residuals: np.ndarray
    weight: np.ndarray
    means: np.ndarray

    def information(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the information of all pairs of two sets of columns, named by position."""
        within = (self.weight[:, None] * self.design[:, first]).T @ self.design[:, second]
        return within - self.means[:, first].T @ self.means[:, second]

    def paired(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the information of the k-th of one set with the k-th of the other."""
        within = np.einsum("n,nk,nk->k", self.weight, self.design[:, first], self.design[:, second])
        return within - np.einsum("tk,tk->k", self.means[:, first], self.means[:, second])


def score_pieces(comparison: Comparison, null: np.ndarray, further: np.ndarray) -> ScorePieces:
    """Return the scores of the columns ``null``, with which the model is fitted, and of the ``further`` ones.

    For a response a column of ones, and one for each stratum but the first, stand before them.

    Raises
    ------
    ModelError
        When the null model has no finite maximum.
    """
    if isinstance(comparison.outcome, Observed):
        return _of_times(comparison, comparison.outcome, null, further)
    strata = [comparison.stratum == level for level in np.unique(comparison.stratum)[1:]]
    null = np.column_stack([null, *strata]).astype(float)
    names = tuple(f"null {index}" for index in range(null.shape[1]))
    fit = fit_logistic(null, comparison.outcome, names)
    design = np.column_stack([np.ones(len(null)), null, further])
    chance = expit(design[:, : len(fit.coefficients)] @ fit.coefficients)
    residuals = design * (comparison.outcome - chance)[:, None]
    return ScorePieces(design, residuals, chance * (1.0 - chance), np.zeros((0, design.shape[1])))


def _of_times(comparison: Comparison, observed: Observed, null: np.ndarray, further: np.ndarray) -> ScorePieces:
    names = tuple(f"null {index}" for index in range(null.shape[1]))
    relative = np.exp((null - null.mean(axis=0)) @ maximise(observed, null, comparison.stratum, names).coefficients)
    design = np.column_stack([null, further])
    residuals, weight, means = np.zeros_like(design), np.zeros(len(design)), []
    for level in np.unique(comparison.stratum):
        rows = np.flatnonzero(comparison.stratum == level)
        own = observed.rows(rows)
        if not own.event.any():
            continue
        residuals[rows] = score_residuals(own, design[rows], relative[rows])
        sets = RiskSets.of(own)
        hazard = 1.0 / sets.terms(relative[rows])
        weight[rows] = relative[rows] * sets.accumulate(hazard)
        means.append(sets.terms(relative[rows, None] * design[rows]) * hazard[:, None])
    return ScorePieces(design, residuals, weight, np.concatenate(means))
