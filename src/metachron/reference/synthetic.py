"""Invented patients with covariates like those of a trial: what is shipped in place of the real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

Back = Callable[[np.ndarray], Any]


def invent_patients(patients: pl.DataFrame, columns: list[str], *, count: int = 200, seed: int = 1) -> pl.DataFrame:
    """Return patients drawn from a Gaussian copula: each covariate distributed as in the trial, rank correlations kept.

    Numbers lie between quantiles of the real ones, so that no row is a real patient's; whole numbers stay whole, texts
    are levels that occur.

    Parameters
    ----------
    patients : table whose ``columns`` are known; rows with an empty one are left out.
    """
    from scipy.stats import rankdata  # here, since every use of a reference imports this module

    known = patients.select(columns).drop_nulls()
    rng = np.random.default_rng(seed)
    codes, inverse = zip(*(_coded(known[column]) for column in columns), strict=True)
    ranks = np.stack([rankdata(code + 1e-9 * rng.random(len(code))) for code in codes], axis=1)
    scores = ndtri((ranks - 0.5) / len(known))
    correlation = np.atleast_2d(np.corrcoef(scores.T))
    drawn = ndtr(rng.multivariate_normal(np.zeros(len(columns)), correlation, count))
    return pl.DataFrame({column: back(share) for column, back, share in zip(columns, inverse, drawn.T, strict=True)})


def _coded(values: pl.Series) -> tuple[np.ndarray, Back]:
    """Return a column as numbers, and the function from shares of its distribution back to its values."""
    if not values.dtype.is_numeric():
        levels = sorted(values.unique())
        code = np.asarray([levels.index(value) for value in values], dtype=float)
        return code, lambda share: [levels[int(k)] for k in np.quantile(code, share, method="inverted_cdf")]
    code = values.to_numpy().astype(float)
    whole = bool(np.all(code == np.round(code)))
    method = "inverted_cdf" if whole else "linear"
    grid = np.quantile(code, np.linspace(0.02, 0.98, 25))
    return code, lambda share: np.quantile(code if whole else grid, share, method=method)  # type: ignore[call-overload]
