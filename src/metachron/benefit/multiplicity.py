"""P values of many questions asked at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return p values adjusted so that the chance of any false finding is kept, whatever the dependence; NaN stays.

    The i-th smallest of m is multiplied by m - i + 1, and none is smaller than one before it. Source: Holm 1979,
    Scand J Stat 6:65.
    """
    return _stepwise(np.asarray(p_values, dtype=float), lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(p_values: ArrayLike) -> np.ndarray:
    """Return p values adjusted so that the expected share of false findings among the found is kept; NaN stays.

    The i-th smallest of m is multiplied by m / i, and none is larger than one after it; valid for independent and
    positively dependent tests. Source: Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x; dependence
    Benjamini and Yekutieli 2001, doi:10.1214/aos/1013699998.
    """

    def step_up(p: np.ndarray) -> np.ndarray:
        scaled = p * len(p) / np.arange(1, len(p) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _stepwise(np.asarray(p_values, dtype=float), step_up)


def _stepwise(p: np.ndarray, adjust) -> np.ndarray:  # type: ignore[no-untyped-def]
    found = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    found[order] = np.minimum(adjust(p[order]), 1.0)
    return found
