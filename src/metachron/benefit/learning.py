"""Pairs of functions that learn from patients and predict for others, and predictions for patients not learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError
from metachron.survival import fit_cox

Fit = Callable[[pl.DataFrame], Any]
"""Learns a model from a table of patients."""
Predict = Callable[[Any, pl.DataFrame], np.ndarray]
"""Returns for each row of a table the probability to live beyond the horizon, from a model learned before."""


def cox_functions(
    covariates: Sequence[str],
    *,
    horizon_year: float,
    reference: Mapping[str, object] | None = None,
    time: str = "time_year",
    event: str = "event",
) -> tuple[Fit, Predict]:
    """Return functions that fit a Cox model, and predict survival at the horizon with it; see `fit_cox`.

    Predicting raises `ModelError` where the patients learned from were not followed to the horizon.
    """

    def fit(table: pl.DataFrame) -> Any:
        return fit_cox(table, time=time, event=event, covariates=covariates, reference=reference)

    def predict(model: Any, table: pl.DataFrame) -> np.ndarray:
        survival = model.survival(table, horizon_year)[:, 0]
        if np.isnan(survival).any():
            last = min(model.last_time.values())
            raise ModelError(
                f"the patients learned from were followed to {last:.3g} years, and survival is asked for at "
                f"{horizon_year:.3g}: choose an earlier horizon"
            )
        return survival

    return fit, predict


def draw_folds(count: int, folds: int, rng: np.random.Generator, *, alike: np.ndarray | None = None) -> np.ndarray:
    """Return the fold (0 to folds - 1) of each row, drawn at random within rows that are ``alike``.

    Folds differ by one row at most, over all rows and, but for rounding, within each group.

    Raises
    ------
    ModelError
        When there are fewer than two folds, or more than rows.
    """
    if not 2 <= folds <= count:
        raise ModelError(f"cross-validation needs 2 folds at least, and no more than the {count} patients; not {folds}")
    groups = np.zeros(count) if alike is None else alike
    order = np.lexsort((rng.random(count), groups))
    found = np.empty(count, dtype=int)
    found[order] = np.arange(count) % folds
    return found


def cross_fit(
    table: pl.DataFrame, fit: Fit, predict: Predict, *, folds: int, repeats: int, seed: int, event: str = "event"
) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold predictions, repeats x rows, each row by a model learned without its fold; and the folds.

    Folds are drawn anew in each repeat, within patients with and without the event.

    Raises
    ------
    ModelError
        When a model cannot be learned without a fold; the message of the model is kept.
    """
    rng = np.random.default_rng(seed)
    alike = table[event].to_numpy()
    drawn = np.stack([draw_folds(table.height, folds, rng, alike=alike) for _ in range(repeats)])
    found = np.empty((repeats, table.height))
    for repeat, part in enumerate(drawn):
        for fold in range(folds):
            out = part == fold
            try:
                model = fit(table.filter(pl.Series(~out)))
                found[repeat, out] = predict(model, table.filter(pl.Series(out)))
            except (InputError, ModelError) as error:
                raise ModelError(
                    f"without fold {fold + 1} of {folds} the model cannot be learned, or not be asked: {error} Take "
                    "fewer folds, fewer covariates, or join rare levels"
                ) from error
    return found, drawn
