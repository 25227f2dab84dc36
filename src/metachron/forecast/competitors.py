"""What a forecast is held against: Kaplan-Meier, and Cox models with and without the change in size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.base import InputError, ModelError
from metachron.cohort import Cohort
from metachron.forecast.outcomes import BASELINE, CHANGE, size_covariates
from metachron.survival import fit_cox, kaplan_meier

Outcome = Callable[[Cohort], pl.DataFrame]
KAPLAN_MEIER = "Kaplan-Meier by arm"
COX = "Cox, baseline"
COX_CHANGE = "Cox, baseline and change in size"


def survival_competitors(
    train: Cohort,
    test: Cohort,
    landmark_day: float,
    times_year: Float[np.ndarray, " time"],
    *,
    outcome: Outcome,
    covariates: Sequence[str],
    sizes: bool,
    limit_mm: float,
) -> dict[str, Float[np.ndarray, "patient time"]]:
    """Return what each competitor, taught by patients at risk at the landmark, says of the survival of others.

    Parameters
    ----------
    times_year : from the landmark.
    outcome : of a cohort, patient, time_year from the landmark, event; who is not in it is not looked at.
    covariates : columns of the table patients for the Cox models; the arm, where there are several, and with sizes the
        log of the baseline size are added.
    sizes : whether sizes are known: else there is no Cox model with their change.

    A competitor that cannot be taught (a level nobody had, no finite maximum) is left out.
    """
    columns = [*(["arm"] if len(train.arms) > 1 else []), *covariates, *([BASELINE] if sizes else [])]
    models = {COX: columns}
    if sizes and landmark_day > 0:
        models[COX_CHANGE] = [*columns, CHANGE]
    learned = _table(train, landmark_day, outcome, sizes, limit_mm)
    asked = _table(test, landmark_day, outcome, sizes, limit_mm)
    found = {KAPLAN_MEIER: _by_arm(learned, asked, times_year)}
    for name, chosen in models.items():
        if not chosen:
            continue
        text = {column: learned[column].drop_nulls()[0] for column in chosen if learned.schema[column] == pl.String}
        rows = learned.drop_nulls(chosen)
        try:
            cox = fit_cox(rows, time="time_year", event="event", covariates=chosen, reference=text)
            followed = float(rows["time_year"].to_numpy().max())
            found[name] = cox.survival(asked, np.minimum(times_year, followed))
        except (InputError, ModelError):
            continue
    return found


def _table(cohort: Cohort, landmark_day: float, outcome: Outcome, sizes: bool, limit_mm: float) -> pl.DataFrame:
    table = cohort.patients.join(outcome(cohort), on="patient", maintain_order="left")
    if not sizes:
        return table
    return table.join(size_covariates(cohort, landmark_day, limit_mm), on="patient", maintain_order="left")


def _by_arm(
    learned: pl.DataFrame, asked: pl.DataFrame, times_year: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "patient time"]:
    survival = np.empty((asked.height, len(times_year)))
    for arm in asked["arm"].unique():
        own = learned.filter(pl.col("arm") == arm)
        curve = kaplan_meier(own["time_year"], own["event"])
        steps = np.concatenate([[1.0], curve.survival])
        survival[(asked["arm"] == arm).to_numpy()] = steps[np.searchsorted(curve.times, times_year, side="right")]
    return survival
