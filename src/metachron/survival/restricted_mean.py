"""Mean time lived up to a horizon, and its difference between two arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from metachron.base import InputError, Problem, list_briefly
from metachron.survival.estimate import Estimate, normal_estimate
from metachron.survival.kaplan_meier import estimate_survival, kaplan_meier
from metachron.survival.labels import row_labels
from metachron.survival.observed import observe


@dataclass(frozen=True)
class RestrictedMeanDifference:
    """Restricted mean of ``arm`` minus that of ``reference``, with a two-sided p-value for no difference."""

    arm: str
    reference: str
    horizon: float
    difference: Estimate
    p_value: float
    arm_mean: Estimate
    reference_mean: Estimate


def restricted_mean(
    time: ArrayLike, event: ArrayLike, *, horizon: float, entry: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Return the mean time lived up to ``horizon``, in the unit of the times; see `KaplanMeier.restricted_mean`."""
    return kaplan_meier(time, event, entry=entry).restricted_mean(horizon, level=level)


def restricted_mean_difference(
    time: ArrayLike,
    event: ArrayLike,
    *,
    arm: ArrayLike,
    reference: str,
    horizon: float,
    entry: ArrayLike | None = None,
    level: float = 0.95,
) -> RestrictedMeanDifference:
    """Return the difference in mean time lived up to ``horizon`` between two arms, the other one minus ``reference``.

    Raises
    ------
    InputError
        When there are not exactly two arms, ``reference`` is neither, or an arm is not followed up to the horizon.
    """
    observed = observe(time, event, entry=entry)
    labels = row_labels(arm, len(observed), name="arm")
    other = _other_arm(labels, reference)
    means = {
        name: estimate_survival(observed.rows(labels == name)).restricted_mean(horizon, level=level)
        for name in (other, reference)
    }
    error = float(np.hypot(means[other].standard_error, means[reference].standard_error))  # type: ignore[arg-type]
    difference = normal_estimate(means[other].value - means[reference].value, error, level)
    p_value = float(2.0 * ndtr(-abs(difference.value) / error)) if error > 0.0 else float("nan")
    return RestrictedMeanDifference(other, reference, horizon, difference, p_value, means[other], means[reference])


def _other_arm(labels: np.ndarray, reference: str) -> str:
    names = sorted(set(labels))
    if len(names) == 2 and reference in names:
        return names[0] if names[1] == reference else names[1]
    problem = Problem(
        rule="arms",
        found=f"the arms {list_briefly(names)}, with {reference!r} as reference",
        expected="two arms, the reference among them",
        remedy="select the rows of two arms, and name one of them as reference",
        column="arm",
    )
    raise InputError([problem], "the comparison of arms")
