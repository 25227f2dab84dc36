"""Simulated two-arm trials whose benefit by marker is known in closed form."""

from __future__ import annotations

import numpy as np

from metachron.benefit.outcome import TrialOutcome, survival_outcome


def hazards(marker: np.ndarray, *, slope: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Return the hazards per year untreated and treated: both rise with the marker, the second less where it is high.

    The log hazard ratio is -0.2 - slope * marker: the marker is prognostic, and predictive unless the slope is 0.
    """
    untreated = np.exp(0.3 * marker)
    return untreated, untreated * np.exp(-0.2 - slope * marker)


def restricted_mean(hazard: np.ndarray, horizon_year: float) -> np.ndarray:
    """Return the years lived up to the horizon under a constant hazard: (1 - exp(-h tau)) / h."""
    return -np.expm1(-hazard * horizon_year) / hazard


def true_benefit(marker: np.ndarray, horizon_year: float, *, slope: float = 0.6) -> np.ndarray:
    """Return the difference in years lived up to the horizon, treated minus untreated."""
    untreated, treated = hazards(marker, slope=slope)
    return restricted_mean(treated, horizon_year) - restricted_mean(untreated, horizon_year)


def made_trial(
    rng: np.random.Generator, patients: int, horizon_year: float, *, slope: float = 0.6
) -> tuple[np.ndarray, TrialOutcome]:
    """Return markers (uniform on -1 to 1) and outcomes; a third are censored, the treated arm later than the other."""
    marker, treated = rng.uniform(-1.0, 1.0, patients), rng.random(patients) < 0.5
    untreated_hazard, treated_hazard = hazards(marker, slope=slope)
    life = rng.exponential(1.0 / np.where(treated, treated_hazard, untreated_hazard))
    end = rng.uniform(0.5, np.where(treated, 5.0, 4.0))
    time = np.minimum(life, end)
    return marker, survival_outcome(time, life <= end, treated=treated, horizon_year=horizon_year)
