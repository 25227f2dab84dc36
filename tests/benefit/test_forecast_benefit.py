"""Benefit from a forecast: years lived and survival of exponential curves, patients in the order of the forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.benefit import forecast_benefit
from metachron.forecast import Forecast

RATES = {("P2", "new"): 0.3, ("P2", "old"): 0.8, ("P1", "new"): 0.6, ("P1", "old"): 0.5}
LANDMARK, HORIZON = 90.0, 90.0 + 2 * DAYS_PER_YEAR


@pytest.fixture
def found() -> Forecast:
    days = np.linspace(LANDMARK, HORIZON, 401)
    rows = [
        pl.DataFrame({"day": days}).select(
            pl.lit(patient).alias("patient"), pl.lit(option).alias("option"), "day",
            survival=(-(pl.col("day") - LANDMARK) / DAYS_PER_YEAR * rate).exp(),
        )
        for (patient, option), rate in RATES.items()
    ]  # fmt: skip
    made: Any = object.__new__(Forecast)
    object.__setattr__(made, "survival", pl.concat(rows).sample(fraction=1.0, shuffle=True, seed=1))
    object.__setattr__(made, "landmark_day", LANDMARK)
    return made


def test_years_lived_are_the_areas_between_the_curves(found: Forecast) -> None:
    """The trapezoid rule with 400 steps errs by less than 5e-6."""
    told = dict(forecast_benefit(found, treated="new", control="old").iter_rows())
    for patient in ("P1", "P2"):
        areas = [(1.0 - np.exp(-2.0 * RATES[patient, option])) / RATES[patient, option] for option in ("new", "old")]
        assert told[patient] == pytest.approx(areas[0] - areas[1], abs=5e-6)


def test_survival_at_the_horizon(found: Forecast) -> None:
    told = dict(forecast_benefit(found, treated="new", control="old", measure="survival").iter_rows())
    assert told["P2"] == pytest.approx(np.exp(-0.6) - np.exp(-1.6), abs=1e-9)


def test_an_option_that_a_patient_lacks_is_named(found: Forecast) -> None:
    with pytest.raises(ModelError, match=r"'third' of patients"):
        forecast_benefit(found, treated="third", control="old")
    object.__setattr__(
        found, "survival", found.survival.filter((pl.col("patient") != "P1") | (pl.col("option") != "new"))
    )
    with pytest.raises(ModelError, match=r"'new' of patients P1"):
        forecast_benefit(found, treated="new", control="old")
