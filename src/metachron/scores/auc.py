"""How well a score separates responders from others: area under the ROC curve, with DeLong's standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from metachron.base import InputError, Problem


@dataclass(frozen=True)
class Auc:
    """An area under the ROC curve.

    Parameters
    ----------
    value : probability that a responder has the higher score, ties counting one half.
    standard_error : DeLong's; NaN with a single responder or a single other patient.
    low, high : bounds of the interval, value -+ quantile times standard error, kept within 0 and 1.
    responders, others : how many there were.
    """

    value: float
    standard_error: float
    low: float
    high: float
    responders: int
    others: int


@dataclass(frozen=True)
class AucDifference:
    """The area of a first score minus that of a second, in the same patients; p_value: two-sided, of no difference."""

    first: Auc
    second: Auc
    difference: float
    standard_error: float
    low: float
    high: float
    p_value: float


def response_auc(response: ArrayLike, score: ArrayLike, *, level: float = 0.95) -> Auc:
    """Return the area under the ROC curve of a score, high values meaning response.

    DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837, doi:10.2307/2531595.

    Parameters
    ----------
    response : 1 or True for responders, 0 or False for the others.
    score : one number per patient.
    level : of the interval.

    Raises
    ------
    InputError
        When a value is missing, a response is neither 0 nor 1, the lengths differ, or all or no patients responded.
    """
    responded, (values,) = _checked(response, score)
    return _area(_placements(responded, values), level)


def compare_auc(response: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> AucDifference:
    """Return the difference of two areas in the same patients, their covariance taken into account.

    DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595. The test has p value 1 where the two scores rank all
    patients in the same way. It is meant for scores that were not fitted to these patients.

    Raises
    ------
    InputError
        As `response_auc` does.
    """
    responded, (one, two) = _checked(response, first, second)
    parts = [_placements(responded, values) for values in (one, two)]
    areas = [_area(part, level) for part in parts]
    difference = areas[0].value - areas[1].value
    error = _standard_error((parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]))
    reach = float(ndtri(0.5 + level / 2)) * error
    p_value = 1.0 if error == 0.0 and difference == 0.0 else float(2 * ndtr(-abs(difference) / error))
    return AucDifference(areas[0], areas[1], difference, error, difference - reach, difference + reach, p_value)


Placements = tuple[Float[np.ndarray, " responder"], Float[np.ndarray, " other"]]
"""Of each responder the share of others below, of each other patient the share of responders above; ties one half."""


def _placements(responded: Bool[np.ndarray, " patient"], values: Float[np.ndarray, " patient"]) -> Placements:
    from scipy.stats import rankdata  # here, since every use of scores and benefit imports this module

    ranks = rankdata(values)
    yes, no = int(responded.sum()), int((~responded).sum())
    below = (ranks[responded] - rankdata(values[responded])) / no
    above = 1.0 - (ranks[~responded] - rankdata(values[~responded])) / yes
    return below, above


def _area(placements: Placements, level: float) -> Auc:
    value, error = float(placements[0].mean()), _standard_error(placements)
    reach = float(ndtri(0.5 + level / 2)) * error
    low, high = max(value - reach, 0.0), min(value + reach, 1.0)
    if np.isnan(error):
        low = high = float("nan")
    return Auc(value, error, low, high, len(placements[0]), len(placements[1]))


def _standard_error(placements: Placements) -> float:
    if min(map(len, placements)) < 2:
        return float("nan")
    return float(np.sqrt(sum(np.var(part, ddof=1) / len(part) for part in placements)))


def _checked(
    response: ArrayLike, *scores: ArrayLike
) -> tuple[Bool[np.ndarray, " patient"], tuple[Float[np.ndarray, " patient"], ...]]:
    outcome, *values = (np.asarray(column, dtype=float) for column in (response, *scores))
    lengths = {column.shape for column in (outcome, *values)}
    if len(lengths) > 1 or outcome.ndim != 1:
        raise InputError(
            [_problem("shape", f"shapes {sorted(lengths)}", "one value per patient in each")], "the scores"
        )
    problems = []
    if not np.isin(outcome, (0.0, 1.0)).all():
        problems.append(_problem("response", "other values or missing ones", "1 (response) or 0 in each patient"))
    elif len(set(outcome)) < 2:
        problems.append(_problem("response", f"{int(outcome.sum())} responders of {len(outcome)}", "some, and not all"))
    missing = sum(int((~np.isfinite(column)).sum()) for column in values)
    if missing:
        problems.append(_problem("missing", f"{missing} scores that are missing or infinite", "a number per patient"))
    if problems:
        raise InputError(problems, "the scores")
    return outcome == 1.0, tuple(values)


def _problem(rule: str, found: str, expected: str) -> Problem:
    return Problem(rule, found, expected, "leave these patients out knowingly before the call")
