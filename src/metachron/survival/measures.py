"""Scores of forecasts of survival against what happened, censored follow-up taken into account.

They weigh each patient by the inverse of the probability of being uncensored (`censoring_weights`), so
that those whose state at the horizon is known stand for all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metachron.survival.censoring import censoring_weights
from metachron.survival.kaplan_meier import kaplan_meier


def brier(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, horizon: float, *, weight: np.ndarray | None = None
) -> float:
    """Return the Brier score of survival at a horizon: the mean squared error of the probability; 0 is best.

    E[w (1(T > h) - S)^2], Graf 1999, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.

    Parameters
    ----------
    time, event : from the landmark to the event (True) or to the end of observation.
    survival : forecast probability to live beyond the horizon.
    weight : of the patients; None: inverse-probability-of-censoring weights of these patients.
    """
    weights = censoring_weights(time, event, at=horizon) if weight is None else weight
    return float(np.mean(weights * np.square((time > horizon) - survival)))


def integrated_brier(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    times: np.ndarray,
    *,
    weight: np.ndarray | None = None,
) -> float:
    """Return the mean over time of `brier` from the first to the last of the times, by the trapezoid rule."""
    weights = censoring_weights(time, event, at=times) if weight is None else weight
    alive = time[:, None] > times[None, :]
    each = np.mean(weights * np.square(alive - survival), axis=0)
    return float(np.trapezoid(each, times) / (times[-1] - times[0]))


def auc(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, horizon: float, *, weight: np.ndarray | None = None
) -> float:
    """Return the probability that of two patients, one with the event by the horizon and one without, the first has the
    higher risk: cumulative cases against dynamic controls, 1 is best, 0.5 chance; NaN without cases or controls.

    Cases are weighted by 1 / G(T-), Uno 2007, doi:10.1198/016214507000000149; ties count one half.
    """
    weights = censoring_weights(time, event, at=horizon) if weight is None else weight
    cases, controls = event & (time <= horizon), time > horizon
    if not cases.any() or not controls.any():
        return float("nan")
    above = (risk[cases][:, None] > risk[controls][None, :]) + 0.5 * (risk[cases][:, None] == risk[controls][None, :])
    return float(weights[cases] @ above.mean(axis=1) / weights[cases].sum())


def calibration_by_group(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, horizon: float, *, groups: int = 4
) -> list[tuple[int, float, float, float, float]]:
    """Return, for groups of like forecasts from the lowest up: patients, mean forecast, Kaplan-Meier at the horizon and
    its 90 % interval; NaN where the group was not followed to the horizon.
    """
    order = np.argsort(survival, kind="stable")
    found = []
    for part in np.array_split(order, groups):
        if part.size == 0:
            continue
        curve = kaplan_meier(time[part], event[part])
        low, high = curve.confidence_band(level=0.9)
        place = int(np.searchsorted(curve.times, horizon, side="right")) - 1
        bounds = (1.0, 1.0) if place < 0 else (float(low[place]), float(high[place]))
        found.append((part.size, float(survival[part].mean()), float(curve.at(horizon)), *bounds))
    return found


def calibration_error(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, horizon: float, *, width: float = 0.1
) -> float:
    """Return the mean distance between forecast survival and what a smooth curve through the outcomes says; 0 is best.

    The curve is a local linear regression of being alive at the horizon on the forecast, with a normal kernel of
    ``width`` and censoring weights: the integrated calibration index of Austin 2020, doi:10.1002/sim.8570, with its
    smoother exchanged.
    """
    smooth = smooth_calibration(time, event, survival, horizon, survival, width=width)
    return float(np.mean(np.abs(smooth - survival)))


def smooth_calibration(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    horizon: float,
    at: np.ndarray,
    *,
    width: float = 0.1,
) -> np.ndarray:
    """Return observed survival at the horizon, smoothed, where the forecast is ``at``; see `calibration_error`."""
    weights = censoring_weights(time, event, at=horizon)
    kernel = weights[None, :] * np.exp(-0.5 * np.square((survival[None, :] - at[:, None]) / width))
    x = survival[None, :] - at[:, None]
    alive = (time > horizon).astype(float)
    s0, s1, s2 = (np.sum(kernel * x**power, axis=1) for power in (0, 1, 2))
    t0, t1 = np.sum(kernel * alive, axis=1), np.sum(kernel * x * alive, axis=1)
    ridge = 1e-6 * width**2 * s0
    return np.clip(((s2 + ridge) * t0 - s1 * t1) / ((s2 + ridge) * s0 - s1**2), 0.0, 1.0)


def bootstrap(
    patients: int,
    score: Callable[[np.ndarray], float],
    *,
    samples: int = 500,
    seed: int = 1,
    level: float = 0.9,
) -> tuple[float, float]:
    """Return the interval of a score over patients drawn with replacement, from the indices of those drawn.

    Samples on which the score is not a number are left out.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray([score(rng.integers(0, patients, patients)) for _ in range(samples)])
    tail = 0.5 * (1.0 - level)
    low, high = np.nanquantile(values, (tail, 1.0 - tail))
    return float(low), float(high)
