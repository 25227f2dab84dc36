"""How predicted benefit is met: the observed benefit of patients of like predicted benefit."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from metachron.base import InputError
from metachron.benefit.outcome import TrialOutcome, marker_values
from metachron.survival import Estimate, kaplan_meier
from metachron.survival.estimate import normal_estimate, normal_quantile


def calibrate_benefit(
    predicted: ArrayLike, outcome: TrialOutcome, *, groups: int = 4, level: float = 0.95
) -> pl.DataFrame:
    """Return the observed benefit of groups of patients of like predicted benefit, from the lowest up.

    Columns: patients, treated (their number), predicted (mean), observed, lower, upper. The observed benefit is the
    difference between the arms within the group: of Kaplan-Meier areas up to the horizon, of Kaplan-Meier estimates at
    it (Greenwood), or of response rates (Newcombe 1998, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I). NaN where a group lacks an arm, or an arm of
    it is not followed to the horizon.

    Raises
    ------
    InputError
        When a prediction is missing, or all are alike.
    """
    values = marker_values(predicted, len(outcome), name="predicted")
    rows = []
    for part in np.array_split(np.argsort(values, kind="stable"), groups):
        own = outcome.rows(part)
        found = _observed(own, level)
        rows.append(
            (len(part), int(own.treated.sum()), float(values[part].mean()), found.value, found.lower, found.upper)
        )
    names = ["patients", "treated", "predicted", "observed", "lower", "upper"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _observed(outcome: TrialOutcome, level: float) -> Estimate:
    nan = float("nan")
    unknown = Estimate(nan, nan, nan, level)
    if len(set(outcome.treated)) < 2:
        return unknown
    arms = [outcome.rows(outcome.treated == arm) for arm in (True, False)]
    if outcome.measure == "response":
        return _newcombe(arms[0].response, arms[1].response, level)
    try:
        means = [_arm_mean(arm, level) for arm in arms]
    except InputError:
        return unknown
    error = float(np.hypot(means[0].standard_error, means[1].standard_error))  # type: ignore[arg-type]
    return normal_estimate(means[0].value - means[1].value, error, level)


def _arm_mean(arm: TrialOutcome, level: float) -> Estimate:
    curve = kaplan_meier(arm.time_year, arm.event)
    if arm.measure == "restricted_mean":
        return curve.restricted_mean(arm.horizon_year, level=level)
    place = int(np.searchsorted(curve.times, arm.horizon_year, side="right")) - 1
    error = 0.0 if place < 0 else float(curve.standard_error[place])
    return normal_estimate(float(curve.at(arm.horizon_year)), error, level)


def _newcombe(treated: np.ndarray, control: np.ndarray, level: float) -> Estimate:
    z = normal_quantile(level)
    shares, limits = [], []
    for response in (treated, control):
        count, share = len(response), float(response.mean())
        middle = share + z**2 / (2.0 * count)
        half = z * np.sqrt(share * (1.0 - share) / count + z**2 / (4.0 * count**2))
        shares.append(share)
        limits.append(((middle - half) / (1.0 + z**2 / count), (middle + half) / (1.0 + z**2 / count)))
    difference = shares[0] - shares[1]
    below = np.hypot(shares[0] - limits[0][0], limits[1][1] - shares[1])
    above = np.hypot(limits[0][1] - shares[0], shares[1] - limits[1][0])
    return Estimate(difference, float(difference - below), float(difference + above), level)
