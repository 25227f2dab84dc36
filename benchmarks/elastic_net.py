"""Logistic regression with an elastic net, its penalty chosen by cross-validation.

Minimised is mean log loss + penalty [(1 - mix) |b|^2 / 2 + mix |b|_1], the intercept not penalised, columns
standardised; Zou and Hastie 2005, doi:10.1111/j.1467-9868.2005.00503.x. Accelerated proximal gradient steps (Beck and
Teboulle 2009, doi:10.1137/080716542), from the strongest penalty down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

STEPS, TOLERANCE = 2000, 1e-7
PENALTIES = np.geomspace(0.3, 0.002, 30)
MIXES = (0.1, 0.5, 1.0)


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted model: ``score`` = intercept + columns standardised by centre and scale times coefficients."""

    centre: np.ndarray
    scale: np.ndarray
    intercept: float
    coefficients: np.ndarray

    def score(self, columns: np.ndarray) -> np.ndarray:
        """Return the log odds of response for the rows of a design."""
        return self.intercept + (columns - self.centre) / self.scale @ self.coefficients


@dataclass(frozen=True, eq=False)
class Chosen:
    """The penalty that cross-validation chose, the fit to all patients, and the scores out of fold by repeat."""

    penalty: float
    mix: float
    fit: LogisticFit
    out_of_fold: np.ndarray


def fit_path(columns: np.ndarray, response: np.ndarray, penalties: Sequence[float], mix: float) -> list[LogisticFit]:
    """Return the fits for penalties from the strongest down; a constant column has coefficient 0."""
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(columns)), (columns - centre) / scale])
    step = 1.0 / (0.25 * np.linalg.eigvalsh(design.T @ design / len(design))[-1] + max(penalties))
    parameters = np.zeros(design.shape[1])
    parameters[0] = np.log(response.mean() / (1 - response.mean()))
    found = []
    for penalty in penalties:
        parameters = _minimise(design, response, parameters, penalty=penalty, mix=mix, step=step)
        found.append(LogisticFit(centre, scale, float(parameters[0]), parameters[1:].copy()))
    return found


def choose(columns: np.ndarray, response: np.ndarray, *, folds: int = 10, repeats: int = 5, seed: int = 1) -> Chosen:
    """Return the penalty and mix with the least log loss out of fold, and the fit with them.

    Folds are drawn among responders and others apart. Nothing is standardised or chosen on a left-out patient.
    """
    rng = np.random.default_rng(seed)
    scores = np.zeros((len(MIXES), len(PENALTIES), repeats, len(response)))
    for repeat in range(repeats):
        fold = _folds(response, folds, rng)
        for left in range(folds):
            out = fold == left
            for place, mix in enumerate(MIXES):
                fits = fit_path(columns[~out], response[~out], PENALTIES, mix)
                scores[place, :, repeat, out] = np.stack([fit.score(columns[out]) for fit in fits], axis=1)
    loss = np.logaddexp(0.0, np.where(response == 1, -scores, scores)).mean(axis=(2, 3))
    place, number = np.unravel_index(np.argmin(loss), loss.shape)
    fit = fit_path(columns, response, PENALTIES[: number + 1], MIXES[place])[-1]
    return Chosen(float(PENALTIES[number]), MIXES[place], fit, scores[place, number])


def _folds(response: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    fold = np.empty(len(response), dtype=int)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(response == label))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _minimise(
    design: np.ndarray, response: np.ndarray, start: np.ndarray, *, penalty: float, mix: float, step: float
) -> np.ndarray:
    ridge, lasso = penalty * (1 - mix) * np.ones(len(start)), penalty * mix * np.ones(len(start))
    ridge[0] = lasso[0] = 0.0
    here, ahead, momentum = start, start, 1.0
    for _ in range(STEPS):
        slope = design.T @ (expit(design @ ahead) - response) / len(design) + ridge * ahead
        moved = ahead - step * slope
        following = np.sign(moved) * np.maximum(np.abs(moved) - step * lasso, 0.0)
        if np.dot(ahead - following, following - here) > 0:  # overshot: start the momentum anew
            momentum = 1.0
        faster = 0.5 + np.sqrt(0.25 + momentum**2)
        ahead = following + (momentum - 1.0) / faster * (following - here)
        done = np.max(np.abs(following - here)) < TOLERANCE
        here, momentum = following, faster
        if done:
            break
    return here
