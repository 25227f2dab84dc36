"""Scores of repeated out-of-fold predictions, as functions of how often each patient is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metachron.survival import censoring_weights

Score = Callable[[np.ndarray], float]
"""A score of the patients with these indices, repeats of an index allowed."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for patients whose fold was not learned from.

    Parameters
    ----------
    time, event : years to the event or the end of observation.
    survival : probability to live beyond the horizon, repeats x patients.
    fold : fold of each patient in each repeat.
    horizon : years.
    """

    time: np.ndarray
    event: np.ndarray
    survival: np.ndarray
    fold: np.ndarray
    horizon: float

    def auc(self) -> Score:
        """Return the score AUC: of a patient with the event by the horizon and one without, of the same fold, how often
        the first has the higher risk; averaged over repeats, NaN without such pairs.

        Patients of different folds are not compared: their models differ, and the more events a fold holds the fewer
        its model has seen, so that predictions that say nothing seem worse than chance. Sources: Parker 2007,
        doi:10.1186/1471-2105-8-326; censoring weights: Uno 2007, doi:10.1198/016214507000000149.
        """
        case, control = self.event & (self.time <= self.horizon), self.time > self.horizon
        pairs, above = np.zeros((case.sum(), control.sum())), np.zeros((case.sum(), control.sum()))
        for survival, fold in zip(self.survival, self.fold, strict=True):
            same = fold[case][:, None] == fold[control]
            low, high = survival[case][:, None], survival[control]
            pairs += same
            above += same * ((low < high) + 0.5 * (low == high))
        weight = self._weight()[case]

        def score(drawn: np.ndarray) -> float:
            count = np.bincount(drawn, minlength=len(self.time))
            left, right = weight * count[case], count[control]
            total = left @ pairs @ right
            return float(left @ above @ right / total) if total > 0.0 else float("nan")

        return score

    def brier(self) -> Score:
        """Return the Brier score, averaged over repeats; see `metachron.survival.measures.brier`."""
        error = self._weight() * np.mean(np.square((self.time > self.horizon) - self.survival), axis=0)
        return lambda drawn: float(error[drawn].mean())

    def net_benefit(self, threshold: float) -> Score:
        """Return the net benefit of acting from this risk on, averaged over repeats, with censoring weights: the mean
        of acted on x weight x (1 for an event by the horizon, minus threshold / (1 - threshold) for none).

        Without censoring it is `metachron.benefit.decision_curve.net_benefit`, which takes the Kaplan-Meier estimate of
        those acted on; weights of all patients do where few are.
        """
        acted = np.mean(1.0 - self.survival >= threshold, axis=0)
        worth = np.where(self.time > self.horizon, -threshold / (1.0 - threshold), 1.0)
        each = acted * self._weight() * worth
        return lambda drawn: float(each[drawn].mean())

    def _weight(self) -> np.ndarray:
        return censoring_weights(self.time, self.event, at=self.horizon)
