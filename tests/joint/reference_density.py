"""The joint log density written a second time, in plain NumPy and SciPy, patient by patient from the tables.

Nothing of the library is used but the tables of the cohort. Sizes below the limit, delayed entry, interval-censored
and right-censored events are here; times are in years of 365.25 days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.integrate import quad
from scipy.stats import norm

YEAR = 365.25


@dataclass(frozen=True)
class Patient:
    """What is recorded of one patient; ``sizes`` holds (year, size in mm, censored)."""

    row: dict[str, object]
    sizes: list[tuple[float, float, bool]]
    entry: float
    lower: float
    upper: float
    kind: str


def read_patients(tables: dict[str, pl.DataFrame], limit_mm: float) -> list[Patient]:
    """Return the patients of a cohort; ``kind`` of the event is exact, interval, censored or unknown."""
    patients = []
    for row in tables["patients"].iter_rows(named=True):
        mine = {name: frame.filter(patient=row["patient"]).to_dicts() for name, frame in tables.items()}
        sizes = [
            (one["day"] / YEAR, limit_mm, True) if one["state"] in ("below_limit", "absent")
            else (one["day"] / YEAR, one["size_mm"], False)
            for one in mine["measurements"] if one["state"] != "not_evaluable"
        ]  # fmt: skip
        entry, lower, upper, kind = 0.0, 0.0, 0.0, "unknown"
        if mine["followup"]:
            entry, lower = mine["followup"][0]["entry_day"], mine["followup"][0]["last_day"]
            kind = "censored"
        if mine["events"]:
            lower, upper = mine["events"][0]["day_lower"], mine["events"][0]["day_upper"]
            kind = "exact" if lower == upper else "interval"
        patients.append(Patient(row, sizes, entry / YEAR, lower / YEAR, upper / YEAR, kind))
    return patients


def sizes_term(patient: Patient, mean: Callable[[float], float], sd: Callable[[float], float], scale) -> float:
    """Return the log likelihood of a patient's sizes; ``scale`` brings mm to where the scatter is normal."""
    total = 0.0
    for time, size, censored in patient.sizes:
        law = norm(mean(time), sd(time))
        total += law.logcdf(scale(size)) if censored else law.logpdf(scale(size))
    return total


def event_term(patient: Patient, hazard: Callable[[float], float]) -> float:
    """Return the log likelihood of a patient's event given survival to entry, by adaptive quadrature."""

    def between(start: float, stop: float) -> float:
        return quad(hazard, start, stop, epsabs=0.0, epsrel=1e-12, limit=200)[0]

    if patient.kind == "unknown":
        return 0.0
    survived = -between(patient.entry, patient.lower)
    if patient.kind == "exact":
        return survived + np.log(hazard(patient.lower))
    if patient.kind == "interval":
        return survived + np.log(1.0 - np.exp(-between(patient.lower, patient.upper)))
    return survived
