"""Draws to numbers a reader takes in: a median and a 90 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

LEVELS = {"q05": 0.05, "q50": 0.50, "q95": 0.95}
"""The interval that every prediction is given with: 5 % to 95 %, as in the summary of a fit."""


def band(values: np.ndarray, *, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the 5, 50 and 95 % quantiles over the first axis; infinite draws count as the largest ones.

    NaN means 'no value in this draw' and is left out; without any value the quantiles are NaN.
    """
    values = np.asarray(values, dtype=float)
    method = "linear" if np.isfinite(values[~np.isnan(values)]).all() else "inverted_cdf"
    if not np.isnan(values).any():
        found = np.quantile(values, list(LEVELS.values()), axis=0, method=method)  # type: ignore[call-overload]
        return {prefix + name: level for name, level in zip(LEVELS, found, strict=True)}
    flat = values.reshape(len(values), -1)
    columns = [column[~np.isnan(column)] for column in flat.T]
    return {
        prefix + name: np.asarray(
            [np.quantile(c, level, method=method) if len(c) else np.nan for c in columns]  # type: ignore[call-overload]
        ).reshape(values.shape[1:])
        for name, level in LEVELS.items()
    }


def band_frame(
    values: np.ndarray, axes: Mapping[str, Sequence[object] | np.ndarray], *, prefix: str = ""
) -> pl.DataFrame:
    """Return quantiles over the first axis as a long table: one column per further axis, one row per combination."""
    names, entries = list(axes), [np.asarray(entry, dtype=object) for entry in axes.values()]
    grid = np.meshgrid(*entries, indexing="ij")
    columns: dict[str, list[object]] = {name: cells.ravel().tolist() for name, cells in zip(names, grid, strict=True)}
    levels = {name: value.ravel() for name, value in band(values, prefix=prefix).items()}
    return pl.DataFrame({**columns, **levels})


def quantiles(values: np.ndarray) -> dict[str, float]:
    """Return the quantiles of the draws of one number as plain floats, by level."""
    return {level: float(value) for level, value in band(values).items()}
