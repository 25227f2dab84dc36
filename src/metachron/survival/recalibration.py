"""Discrimination over the whole follow-up, and what would have to be done to a forecast to calibrate it."""

from __future__ import annotations

import numpy as np

from metachron.base import ModelError
from metachron.survival.censoring import censoring_survival, censoring_weights
from metachron.survival.kaplan_meier import kaplan_meier

_STEPS = 100
_DECREMENT = 1e-10
_FLAT = 1e-12
_SMALLEST = 2.0**-30
_LARGEST = 30.0
"""Beyond it exp(-exp(x)) and its complement are 0 and 1 in double precision on either side."""


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    """Return the C-index: of two patients, one with the event before the horizon and one who lives longer, how often
    the first has the higher risk; 1 is best, 0.5 chance; NaN without such pairs.

    Pairs weigh 1 / G(T-)^2, so that the value does not depend on the censoring: Uno 2011, doi:10.1002/sim.4154. Ties
    in risk count one half; a patient censored at the time of an event lives longer.
    """
    case = event & (time < horizon)
    weight = censoring_survival(time, event).before(time)[case] ** -2.0
    longer = (time > time[case][:, None]) | ((time == time[case][:, None]) & ~event)
    above = (risk[case][:, None] > risk) + 0.5 * (risk[case][:, None] == risk)
    total = weight @ longer.sum(axis=1)
    return float(weight @ (above * longer).sum(axis=1) / total) if total > 0.0 else float("nan")


def calibration_slope(time: np.ndarray, event: np.ndarray, survival: np.ndarray, horizon: float) -> float:
    """Return the factor by which differences between forecasts would have to be stretched: 1 is best, below 1 the
    forecasts are too extreme.

    b in log(-log P(T > horizon)) = a + b log(-log S), S the forecast survival, by maximum likelihood of being alive at
    the horizon with censoring weights: no hazards are taken to be proportional on the way there. Slope: Cox 1958,
    doi:10.1093/biomet/45.3-4.562; log(-log S) as the scale for survival: Austin 2020, doi:10.1002/sim.8570.

    Raises
    ------
    ModelError
        When a forecast is 0 or 1, or there is no finite maximum: all forecasts are alike, or tell the dead from the
        living completely.
    """
    if not np.all((survival > 0.0) & (survival < 1.0)):
        raise ModelError("a calibration slope needs forecasts of survival above 0 and below 1")
    weight = censoring_weights(time, event, at=horizon)
    design = np.column_stack([np.ones_like(survival), np.log(-np.log(survival))])
    return float(_complementary_log_log(design, time <= horizon, weight)[1])


def _complementary_log_log(design: np.ndarray, died: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the maximum of the weighted likelihood of P(died) = 1 - exp(-exp(design b)), which is concave, by Newton's
    ascent from 0, a step halved until the likelihood rises.
    """

    def likelihood(place: np.ndarray) -> float:
        hazard = _hazard(design, place)
        with np.errstate(divide="ignore"):
            return float(weight @ np.where(died, np.log(-np.expm1(-hazard)), -hazard))

    here = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        hazard = _hazard(design, here)
        odds = hazard * np.exp(-hazard) / -np.expm1(-hazard)
        score = design.T @ (weight * np.where(died, odds, -hazard))
        bend = weight * np.where(died, odds * (hazard / -np.expm1(-hazard) - 1.0), hazard)
        information = (design * bend[:, None]).T @ design
        if np.linalg.cond(information) > 1.0 / _FLAT:
            break
        step = np.linalg.solve(information, score)
        if score @ step < _DECREMENT:
            return here
        size, value = 1.0, likelihood(here)
        while not likelihood(here + size * step) > value and size > _SMALLEST:
            size /= 2.0
        here = here + size * step
    raise ModelError(
        "the calibration slope has no finite value: the forecasts are all alike, or tell the dead from the living "
        "completely"
    )


def _hazard(design: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(design @ place, -_LARGEST, _LARGEST))


def observed_to_expected(time: np.ndarray, event: np.ndarray, survival: np.ndarray, horizon: float) -> float:
    """Return observed risk over mean forecast risk at the horizon, the observed one by Kaplan-Meier: 1 is best, above 1
    more events happened than were forecast; NaN where follow-up ends before the horizon.

    Calibration-in-the-large; McLernon 2023, doi:10.7326/M22-0844.
    """
    return float((1.0 - kaplan_meier(time, event).at(horizon)) / np.mean(1.0 - survival))
