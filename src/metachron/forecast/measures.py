"""Scores of forecasts of sizes against what was measured; those of survival are in `metachron.survival.measures`."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def crps(
    draws: Float[np.ndarray, "draw row"], weights: Float[np.ndarray, "draw row"], observed: Float[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Return the continuous ranked probability score of weighted draws, in their unit; 0 is best.

    E|X - y| - E|X - X'| / 2, Gneiting 2007, doi:10.1198/016214506000001437. For a single draw it is the absolute error.
    """
    share = weights / weights.sum(axis=0)
    draws = np.where(share > 0, draws, observed)  # a draw may be infinite where nobody lives to have it
    error = np.sum(share * np.abs(draws - observed), axis=0)
    order = np.argsort(draws, axis=0)
    x, w = (np.take_along_axis(values, order, axis=0) for values in (draws, share))
    below = np.cumsum(w, axis=0) - w
    spread = 2.0 * np.sum(w * x * (2.0 * below + w - 1.0), axis=0)
    return error - 0.5 * spread
