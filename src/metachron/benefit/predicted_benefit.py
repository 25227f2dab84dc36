"""Predicted benefit of each patient, from a model that foretells survival under both arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from metachron.base import InputError, ModelError, Problem
from metachron.survival import CoxFit, fit_cox
from metachron.survival.coding import require_columns

SurvivalMeasure = Literal["restricted_mean", "survival"]


def survival_benefit(
    times_year: ArrayLike,
    treated: ArrayLike,
    control: ArrayLike,
    *,
    horizon_year: float,
    measure: SurvivalMeasure = "restricted_mean",
) -> np.ndarray:
    """Return, per patient, the difference between two forecast survival curves: area up to the horizon, or at it.

    Parameters
    ----------
    times_year : increasing, reaching the horizon.
    treated, control : patients x times, the survival of each patient under either arm, from any model; straight lines
        are drawn between times, and from 1 at the start.

    Raises
    ------
    InputError
        When shapes differ, times do not increase to the horizon, or a probability is missing or out of 0 to 1.
    """
    times = np.asarray(times_year, dtype=float)
    curves = [np.atleast_2d(np.asarray(each, dtype=float)) for each in (treated, control)]
    _check_curves(times, curves, horizon_year)
    if times[0] > 0.0:
        times = np.concatenate([[0.0], times])
        curves = [np.column_stack([np.ones(len(curve)), curve]) for curve in curves]
    difference = curves[0] - curves[1]
    at = np.asarray([np.interp(horizon_year, times, row) for row in difference])
    if measure == "survival":
        return at
    inside = times < horizon_year
    grid = np.concatenate([times[inside], [horizon_year]])
    return np.trapezoid(np.column_stack([difference[:, inside], at]), grid, axis=1)


@dataclass(frozen=True, eq=False)
class CoxBenefit:
    """A Cox model of both arms with products of treatment and markers; made by `fit_cox_benefit`."""

    cox: CoxFit
    markers: tuple[str, ...]

    def benefit(
        self, table: pl.DataFrame, *, horizon_year: float, measure: SurvivalMeasure = "restricted_mean"
    ) -> np.ndarray:
        """Return the predicted benefit of each row: years lived up to the horizon, or survival at it, if treated minus
        if not. `ModelError` when the patients of the fit were not followed to the horizon.
        """
        last = min(self.cox.last_time.values())
        if not 0.0 < horizon_year <= last:
            raise ModelError(f"the Cox model knows survival from 0 to {last:.3g} years, not to {horizon_year:.3g}")
        steps = self.cox.baseline["time"].to_numpy()
        inside = steps[steps < horizon_year]
        edges = np.concatenate([[0.0], inside, [horizon_year]])
        curves = [self.cox.survival(with_products(table, self.markers, arm), edges) for arm in (1.0, 0.0)]
        difference = curves[0] - curves[1]
        return difference[:, -1] if measure == "survival" else difference[:, :-1] @ np.diff(edges)


def fit_cox_benefit(
    table: pl.DataFrame,
    *,
    markers: Sequence[str],
    treated: str = "treated",
    time: str = "time_year",
    event: str = "event",
) -> CoxBenefit:
    """Return a Cox model with treatment, the markers, and their products; numeric markers, ``treated`` 1 or 0.

    Raises as `metachron.survival.fit_cox`.
    """
    require_columns(table, [treated, *markers])
    arm = table[treated].cast(pl.Float64).to_numpy()
    names = ["treated", *markers, *(f"treated:{marker}" for marker in markers)]
    cox = fit_cox(with_products(table, markers, arm), time=time, event=event, covariates=names)
    return CoxBenefit(cox, tuple(markers))


def with_products(table: pl.DataFrame, markers: Sequence[str], treated: float | np.ndarray) -> pl.DataFrame:
    """Return the table with the column treated set to this arm, and its products with the markers."""
    arm = pl.Series("treated", np.broadcast_to(np.asarray(treated, dtype=float), (table.height,)))
    products = [(pl.col(marker).cast(pl.Float64) * arm).alias(f"treated:{marker}") for marker in markers]
    return table.with_columns(arm).with_columns(products)


def _check_curves(times: np.ndarray, curves: list[np.ndarray], horizon: float) -> None:
    problems = []
    wrong = times.ndim != 1 or not times.size or times[0] < 0.0 or np.any(np.diff(times) <= 0.0)
    if wrong or not 0.0 < horizon <= times[-1]:
        found = f"{times.size} times and a horizon of {horizon:g}"
        problems.append(
            Problem("times", found, "increasing times from 0 on that reach the horizon", "forecast to the horizon")
        )
    for name, curve in zip(("treated", "control"), curves, strict=True):
        if curve.shape != (len(curves[0]), times.size) or not np.all((curve >= 0.0) & (curve <= 1.0)):
            found = f"an array {curve.shape}, {int(np.sum(~((curve >= 0.0) & (curve <= 1.0))))} cells not in 0 to 1"
            remedy = "give one row per patient and one column per time, the same patients for both arms"
            problems.append(
                Problem("survival", found, f"({len(curves[0])}, {times.size}) in 0 to 1", remedy, column=name)
            )
    if problems:
        raise InputError(problems, "the predicted survival")
