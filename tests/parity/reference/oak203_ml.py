"""Maximum likelihood and posterior mode of Stein-Fojo by arm, 203 patients of OAK, on dense grids: oak203_ml.csv.

NumPy and SciPy alone. The mean is b f(t), f(t) = exp(-s t) + exp(g t) - 1 after day 0 and exp(g t) before it, scatter
is proportional, and log b, log s, log g are normal between patients, independent. Over (log s, log g) a patient's
likelihood is summed on a fixed product grid. At each of its points the sizes enter by three sums alone,

    P = sum (y / f)^2,  Q = sum y / f,  F = sum log f,

and the integral over x = log b of exp[-n x - F - (exp(-2 x) P - 2 exp(-x) Q + n) / (2 tau^2)] N(x) is a trapezoid rule
about its peak x = log(P / Q), where its standard deviation is tau sqrt(P) / Q. The score is the posterior mean of that
of the complete data (Fisher's identity), so that a quasi-Newton search needs no differences.

    python tests/parity/reference/oak203_ml.py FOLDER-OF-oak203_tumour_size.csv
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import minimize

ARMS = ("Docetaxel", "MPDL3280A")
NAMES = (
    "log_baseline_mm.mean", "log_shrinkage_per_year.mean[docetaxel]", "log_shrinkage_per_year.mean[atezolizumab]",
    "log_growth_per_year.mean[docetaxel]", "log_growth_per_year.mean[atezolizumab]", "log_baseline_mm.sd",
    "log_shrinkage_per_year.sd[docetaxel]", "log_shrinkage_per_year.sd[atezolizumab]",
    "log_growth_per_year.sd[docetaxel]", "log_growth_per_year.sd[atezolizumab]", "residual.proportional",
)  # fmt: skip
MEANS = 5
START = np.array([3.75, -0.11, -1.13, -0.65, -0.96, 0.526, 0.963, 1.361, 0.658, 0.962, 0.1285])
PRIOR_MEAN, PRIOR_SPREAD = np.log([65.0, 0.52, 0.52, 1.04, 1.04]), 3.0
LOG_S, LOG_G = (-8.5, 6.5), (-6.5, 4.5)
"""Ranges of the grid: more than 5 population standard deviations either side of the means."""
STEP_S, STEP_G = 0.08, 0.06
NEGLIGIBLE = 25.0
"""Points below the patient's highest by more than this in log density are left out: each below 2e-11 of it."""
BASELINE = np.arange(-7.2, 7.21, 0.9)
"""Nodes over log b, in standard deviations about the peak: for a normal curve the rule is exact to 1e-10."""
ERRORS = np.array([0.038, 0.28, 0.35, 0.17, 0.16, 0.05, 0.2, 0.19, 0.12, 0.1, 0.03])
"""About the standard errors, of means and of logs of spreads: units for the search."""


@dataclass(frozen=True)
class Patient:
    """The points of the grid that count for a patient, and what the sizes are there."""

    arm: int
    sizes: int
    log_s: np.ndarray
    log_g: np.ndarray
    squares: np.ndarray
    linear: np.ndarray
    log_f: np.ndarray


def read_patients(folder: Path, *, refine: float = 1.0) -> list[Patient]:
    """Return the patients on grids whose steps are divided by ``refine``."""
    frame = pl.read_csv(folder / "oak203_tumour_size.csv")
    log_s = np.arange(LOG_S[0], LOG_S[1], STEP_S / refine)
    log_g = np.arange(LOG_G[0], LOG_G[1], STEP_G / refine)
    patients = []
    for _, own in frame.group_by("id", maintain_order=True):
        year, size = own["year"].to_numpy(), own["sld"].to_numpy()
        arm = ARMS.index(own["arm"][0])
        patients.append(_on_grid(arm, year, size, log_s, log_g))
    return patients


def _on_grid(arm: int, year: np.ndarray, size: np.ndarray, log_s: np.ndarray, log_g: np.ndarray) -> Patient:
    shape = (len(log_s), len(log_g))
    squares, linear, log_f = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    with np.errstate(over="ignore"):
        for t, y in zip(year, size, strict=True):
            growing = np.exp(np.exp(log_g) * t)[None, :]
            f = growing + (np.expm1(-np.exp(log_s) * max(t, 0.0))[:, None])
            squares += np.square(y / f)
            linear += y / f
            log_f += np.log(f)
    first, second = np.meshgrid(log_s, log_g, indexing="ij")
    whole = Patient(arm, len(size), *(part.ravel() for part in (first, second, squares, linear, log_f)))
    peak = _terms(whole, START, np.zeros(1))[1][:, 0]
    counts = np.isfinite(peak) & (peak > np.max(peak[np.isfinite(peak)]) - NEGLIGIBLE)
    points = (part[counts] for part in (whole.log_s, whole.log_g, whole.squares, whole.linear, whole.log_f))
    return Patient(arm, len(size), *points)


def _parts(values: np.ndarray, arm: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return means and spreads of log b, log s, log g in an arm, and tau."""
    which = [0, 1 + arm, 3 + arm]
    return values[:MEANS][which], values[MEANS:-1][which], float(values[-1])


def _log_normal(value: np.ndarray, mean: float, spread: float) -> np.ndarray:
    return -0.5 * np.square((value - mean) / spread) - np.log(spread) - 0.5 * np.log(2.0 * np.pi)


def _terms(patient: Patient, values: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log b, the log integrand, and the sum of squared relative residuals at each point and node."""
    mean, spread, tau = _parts(values, patient.arm)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, width = np.log(patient.squares / patient.linear), tau * np.sqrt(patient.squares) / patient.linear
        log_b = centre[:, None] + width[:, None] * nodes
        inverse = np.exp(-log_b)
        residual = inverse**2 * patient.squares[:, None] - 2 * inverse * patient.linear[:, None] + patient.sizes
        log_value = (
            -patient.sizes * (np.log(tau) + 0.5 * np.log(2 * np.pi) + log_b)
            - patient.log_f[:, None]
            - residual / (2 * tau**2)
            + _log_normal(log_b, mean[0], spread[0])
            + (_log_normal(patient.log_s, mean[1], spread[1]) + _log_normal(patient.log_g, mean[2], spread[2]))[:, None]
            + np.log(width)[:, None]
        )
    return log_b, log_value, residual


def log_likelihood(patients: list[Patient], values: np.ndarray, *, refine: float = 1.0) -> tuple[float, np.ndarray]:
    """Return the log likelihood and its gradient at values in the order of `NAMES`."""
    cell = np.log(STEP_S / refine) + np.log(STEP_G / refine) + np.log(BASELINE[1] - BASELINE[0])
    total, gradient = 0.0, np.zeros(len(NAMES))
    for patient in patients:
        mean, spread, tau = _parts(values, patient.arm)
        log_b, log_value, residual = _terms(patient, values, BASELINE)
        largest = log_value.max()
        weight = np.exp(log_value - largest)
        mass = weight.sum()
        total += largest + np.log(mass) + cell
        weight /= mass
        by_point = weight.sum(axis=1)
        centred = [log_b - mean[0], patient.log_s - mean[1], patient.log_g - mean[2]]
        for index, value in enumerate(centred):
            own = weight if index == 0 else by_point
            place = (0, 1 + patient.arm, 3 + patient.arm)[index]
            gradient[place] += np.sum(own * value) / spread[index] ** 2
            gradient[MEANS + place] += np.sum(own * value**2) / spread[index] ** 3 - 1.0 / spread[index]
        gradient[-1] += np.sum(weight * residual) / tau**3 - patient.sizes / tau
    return float(total), gradient


def log_prior(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the log prior density (up to a constant) on the scale of means and logs of spreads, and its gradient.

    Means are N(., 1) about `PRIOR_MEAN`, spreads and tau half-normal(3); a log adds its Jacobian, the spread itself.
    The gradient is with respect to the values.
    """
    mean, spread = values[:MEANS] - PRIOR_MEAN, values[MEANS:]
    total = -0.5 * np.sum(mean**2) - 0.5 * np.sum((spread / PRIOR_SPREAD) ** 2) + np.sum(np.log(spread))
    return float(total), np.concatenate([-mean, -spread / PRIOR_SPREAD**2 + 1.0 / spread])


def on_search_scale(values: np.ndarray) -> np.ndarray:
    """Return what turns a gradient by the values into one by the steps of the search: about one standard error each."""
    return np.concatenate([np.ones(MEANS), values[MEANS:]]) * ERRORS


def maximise(patients: list[Patient], *, with_prior: bool) -> tuple[np.ndarray, float]:
    """Return the values at the maximum, and the log likelihood there."""

    def natural(step: np.ndarray) -> np.ndarray:
        free = np.concatenate([START[:MEANS], np.log(START[MEANS:])]) + ERRORS * step
        return np.concatenate([free[:MEANS], np.exp(free[MEANS:])])

    def negative(step: np.ndarray) -> tuple[float, np.ndarray]:
        values = natural(step)
        total, gradient = log_likelihood(patients, values)
        if with_prior:
            prior, slope = log_prior(values)
            total, gradient = total + prior, gradient + slope
        return -total, -gradient * on_search_scale(values)

    found = minimize(negative, np.zeros(len(NAMES)), jac=True, method="BFGS", options={"gtol": 1e-3})
    values = natural(found.x)
    return values, log_likelihood(patients, values)[0]


def in_order(parameters: Mapping[str, float]) -> np.ndarray:
    """Return parameters by name in the order of `NAMES`."""
    return np.array([parameters[name] for name in NAMES])


def main(folder: Path) -> None:
    """Write the CSV; say what halved steps change in the log likelihood."""
    patients = read_patients(folder)
    columns, likelihoods = {}, {}
    for kind in ("ml", "map"):
        columns[kind], likelihoods[kind] = maximise(patients, with_prior=kind == "map")
    fine, _ = log_likelihood(read_patients(folder, refine=2.0), columns["ml"], refine=2.0)
    print(f"at half the steps the log likelihood differs by {fine - likelihoods['ml']:.1e}")
    rows = {"parameter": [*NAMES, "log_likelihood"], **{k: [*v, likelihoods[k]] for k, v in columns.items()}}
    frame = pl.DataFrame(rows).with_columns(pl.col("ml", "map").round(6))
    frame.write_csv(Path(__file__).with_suffix(".csv"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
