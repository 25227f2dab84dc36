"""Bands about a curve that is a smooth function of estimated coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.benefit.imputation_draws import square_root
from metachron.survival.estimate import normal_quantile


@dataclass(frozen=True, eq=False)
class Band:
    """Limits of a curve at each place: pointwise, and simultaneous over all places.

    ``critical`` is the number of standard errors on either side that the simultaneous limits take.
    """

    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    band_lower: np.ndarray
    band_upper: np.ndarray
    critical: float


def band_of(
    value: np.ndarray,
    gradient: np.ndarray,
    covariance: np.ndarray,
    *,
    level: float = 0.95,
    samples: int = 20_000,
    seed: int = 1,
) -> Band:
    """Return the limits of a curve: value +- z standard errors, and value +- q standard errors at all places at once.

    q is the ``level`` quantile of the largest |error| / standard error over the places, with coefficients drawn from
    their normal distribution: the sup-t band of Montiel Olea and Plagborg-Moller 2019, doi:10.1002/jae.2656.

    Parameters
    ----------
    gradient : places x coefficients; ``covariance`` is that of the coefficients.
    samples : draws; 20,000 give the 95 % quantile a Monte Carlo standard error of about 0.015.
    """
    z = normal_quantile(level)
    error = np.sqrt(np.maximum(np.sum((gradient @ covariance) * gradient, axis=1), 0.0))
    some = error > 0.0
    draws = np.random.default_rng(seed).normal(size=(samples, len(covariance)))
    largest = (
        np.abs(draws @ (gradient[some] @ square_root(covariance) / error[some, None]).T).max(axis=1)
        if some.any()
        else np.zeros(1)
    )
    critical = max(z, float(np.quantile(largest, level)))
    return Band(
        error, value - z * error, value + z * error, value - critical * error, value + critical * error, critical
    )
