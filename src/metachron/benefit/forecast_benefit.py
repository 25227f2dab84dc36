"""The benefit of one option over another that a joint model foretells of each patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.benefit.predicted_benefit import SurvivalMeasure, survival_benefit

if TYPE_CHECKING:
    from metachron.forecast import Forecast


def forecast_benefit(
    found: Forecast, *, treated: str, control: str, measure: SurvivalMeasure = "restricted_mean"
) -> pl.DataFrame:
    """Return patient and benefit: what a forecast expects of a patient under one option less what under another.

    Years lived from the landmark to the horizon of the forecast, or survival at it; each survival curve is the mean
    over draws. It feeds `c_for_benefit` and `calibrate_benefit`, where the patients were not in the fit.

    Parameters
    ----------
    found : a forecast of both options for every patient, from a model with a hazard.

    Raises
    ------
    ModelError
        When a patient has no survival under one of the options.
    """
    curves = found.survival.select("patient", "option", "day", "survival")
    known = {option: curves.filter(pl.col("option") == option) for option in (treated, control)}
    patients = curves["patient"].unique(maintain_order=True)
    for option, rows in known.items():
        if lacking := sorted(set(patients) - set(rows["patient"])) or (not rows.height and ["all"]):
            raise ModelError(f"the forecast has no survival under {option!r} of patients {list_briefly(lacking)}")
    days = known[treated]["day"].unique().sort()
    shape = (len(patients), len(days))
    values = []
    for rows in known.values():
        ordered = pl.DataFrame({"patient": patients}).join(rows.sort("day"), on="patient", maintain_order="left_right")
        values.append(ordered["survival"].to_numpy().reshape(shape))
    years = (days.to_numpy() - found.landmark_day) / DAYS_PER_YEAR
    benefit = survival_benefit(years, *values, horizon_year=float(np.max(years)), measure=measure)
    return pl.DataFrame({"patient": patients, "benefit": benefit})
