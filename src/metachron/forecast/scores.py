"""Scores of forecasts as a table, and the names of methods and measures in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

SURVIVAL_OF, FREE_OF, SIZES_OF = "survival", "survival without new lesions", "sizes"
"""What is scored."""
MODEL = "joint model"
LAST, LINE = "last value carried forward", "straight line"
INTEGRATED_BRIER, CRPS_OF_LOG_SIZE = "integrated Brier", "CRPS of log size"


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of forecasts, each with a 90 % bootstrap interval over patients.

    Parameters
    ----------
    table : landmark_day, horizon_day, of (survival, survival without new lesions, or sizes), method, patients, count
        (of events by the horizon, or of sizes), score, value, low, high.
    calibration : landmark_day, horizon_day, of, patients, forecast, observed, low, high: by group of like forecasts.
    notes : how the scores came about.
    """

    table: pl.DataFrame
    calibration: pl.DataFrame
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {"scores": self.table.to_dicts(), "calibration": self.calibration.to_dicts(), "notes": list(self.notes)}

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def gathered(parts: Sequence[Scores], notes: Sequence[str] = ()) -> Scores:
    """Return several scores as one; further notes come last, and each is told once."""
    return Scores(
        pl.concat([part.table for part in parts], how="vertical_relaxed"),
        pl.concat([part.calibration for part in parts if part.calibration.width] or [pl.DataFrame()]),
        tuple(dict.fromkeys([*(note for part in parts for note in part.notes), *notes])),
    )
