"""Draws of missing values from a regression whose parameters are drawn too."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

_STEPS = 50
_DECREMENT = 1e-8
_HALVINGS = 30


def draw_numbers(
    values: np.ndarray, known: np.ndarray, wanted: np.ndarray, *, generator: np.random.Generator
) -> np.ndarray:
    """Return draws of a number at the predictors ``wanted``, from its linear regression on those of ``known``.

    The residual variance is drawn as RSS / chi-squared, coefficients as normal given it: Rubin 1987, example 5.1,
    doi:10.1002/9780470316696.
    """
    beta, _, rank, _ = np.linalg.lstsq(known, values, rcond=None)
    residual = values - known @ beta
    sigma = np.sqrt(residual @ residual / generator.chisquare(len(values) - rank))
    root = square_root(np.linalg.pinv(known.T @ known, hermitian=True))
    drawn = beta + sigma * root @ generator.standard_normal(len(beta))
    return wanted @ drawn + sigma * generator.standard_normal(len(wanted))


def draw_levels(
    level: np.ndarray, known: np.ndarray, wanted: np.ndarray, *, levels: int, generator: np.random.Generator
) -> np.ndarray:
    """Return draws of a level at the predictors ``wanted``, from its multinomial regression on those of ``known``.

    Coefficients are drawn as normal about the maximum. Rows of small weight are added, so that levels that a predictor
    tells without error do not make them infinite: for each predictor and level one at its mean and one standard
    deviation to either side, all together weighing as much as there are predictors and the intercept (White, Daniel and
    Royston 2010, doi:10.1016/j.csda.2010.04.005).
    """
    scale = np.where(known.std(axis=0) > 0.0, known.std(axis=0), 1.0)
    rows, target, weight = _augmented(level, known / scale, levels)
    beta, covariance = _multinomial(rows, np.eye(levels)[target], weight)
    drawn = beta.ravel() + square_root(covariance) @ generator.standard_normal(beta.size)
    score = np.column_stack([np.zeros(len(wanted)), (wanted / scale) @ drawn.reshape(beta.shape)])
    chance = np.cumsum(softmax(score, axis=1), axis=1)
    return np.minimum((generator.random(len(wanted))[:, None] > chance).sum(axis=1), levels - 1)


def _augmented(level: np.ndarray, known: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centre, spread = known.mean(axis=0), known.std(axis=0)
    moving = np.flatnonzero(spread > 0.0)
    shifts = [sign * spread[j] * np.eye(len(spread))[j] for j in moving for sign in (1.0, -1.0)]
    if not shifts:
        return known, level, np.ones(len(known))
    added = np.tile(centre + np.stack(shifts), (levels, 1))
    told = np.repeat(np.arange(levels), len(shifts))
    light = np.full(len(added), (len(moving) + 1.0) / len(added))
    weight = np.concatenate([np.ones(len(known)), light])
    return np.concatenate([known, added]), np.concatenate([level, told]), weight


def _multinomial(rows: np.ndarray, told: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted maximum (predictors x levels but the first) and its covariance, flattened alike."""
    beta = np.zeros((rows.shape[1], told.shape[1] - 1))

    def look(at: np.ndarray) -> tuple[float, np.ndarray]:
        score = np.column_stack([np.zeros(len(rows)), rows @ at])
        chance = softmax(score, axis=1)
        with np.errstate(divide="ignore"):
            log = score - np.logaddexp.reduce(score, axis=1)[:, None]
        return float((weight[:, None] * told * log).sum()), chance[:, 1:]

    value, chance = look(beta)
    for _ in range(_STEPS):
        score = rows.T @ (weight[:, None] * (told[:, 1:] - chance))
        inverse = np.linalg.pinv(_information(rows, chance, weight), hermitian=True)
        step = (inverse @ score.ravel()).reshape(beta.shape)
        if float((score * step).sum()) < _DECREMENT:
            break
        size = 1.0
        for _ in range(_HALVINGS):
            found = look(beta + size * step)
            if found[0] > value:
                break
            size /= 2.0
        beta, (value, chance) = beta + size * step, found
    return beta, np.linalg.pinv(_information(rows, chance, weight), hermitian=True)


def _information(rows: np.ndarray, chance: np.ndarray, weight: np.ndarray) -> np.ndarray:
    levels, predictors = chance.shape[1], rows.shape[1]
    inner = np.eye(levels) * chance[:, :, None] - chance[:, :, None] * chance[:, None, :]
    cells = np.einsum("n,np,nq,njk->pjqk", weight, rows, rows, inner, optimize=True)
    return cells.reshape(predictors * levels, predictors * levels)


def square_root(covariance: np.ndarray) -> np.ndarray:
    """Return a square root of a covariance that may lack rank."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))
