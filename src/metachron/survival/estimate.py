"""An estimate with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtri

from metachron.base import InputError, Problem


@dataclass(frozen=True)
class Estimate:
    """A value with a confidence interval; ``standard_error`` is None where the interval does not come from one."""

    value: float
    lower: float
    upper: float
    level: float
    standard_error: float | None = None


def normal_quantile(level: float) -> float:
    """Return the z of a two-sided interval of a confidence level; `InputError` for a level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        problem = Problem(
            rule="level",
            found=f"a confidence level of {level}",
            expected="a number between 0 and 1",
            remedy="give the level as a fraction, such as 0.95",
        )
        raise InputError([problem], "the request")
    return float(ndtri(0.5 + level / 2.0))


def normal_estimate(value: float, standard_error: float, level: float) -> Estimate:
    """Return an estimate with the interval value +- z standard_error."""
    half = normal_quantile(level) * standard_error
    return Estimate(value, value - half, value + half, level, standard_error)
