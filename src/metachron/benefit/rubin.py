"""Answers of several imputed data sets as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc


@dataclass(frozen=True, eq=False)
class Pooled:
    """Pooled estimates.

    Attributes
    ----------
    estimate, covariance : mean over data sets, and within- plus inflated between-imputation covariance.
    degrees_of_freedom : of the t distribution of each estimate; infinite where nothing was imputed.
    missing_information : share of each estimate's variance that the imputations differ by.
    within, count : mean covariance within data sets, and their number.
    """

    estimate: np.ndarray
    covariance: np.ndarray
    degrees_of_freedom: np.ndarray
    missing_information: np.ndarray
    within: np.ndarray
    count: int

    def wald_p(self) -> float:
        """Return the p value of all estimates being 0: by the t distribution of one, by D1 for several.

        D1 is of Li, Raghunathan and Rubin 1991, doi:10.1080/01621459.1991.10475152.
        """
        terms = len(self.estimate)
        if terms == 1:
            return f_tail(float(self.estimate[0] ** 2 / self.covariance[0, 0]), 1, float(self.degrees_of_freedom[0]))
        inverse = np.linalg.inv(self.within)
        ratio = float(np.trace((self.covariance - self.within) @ inverse)) / terms
        statistic = float(self.estimate @ inverse @ self.estimate) / terms / (1.0 + ratio)
        return f_tail(statistic, terms, _joint_freedom(ratio, terms, self.count))


def pool(estimates: np.ndarray, covariances: np.ndarray, *, complete_freedom: float) -> Pooled:
    """Return estimates (data sets x terms) with their covariances (data sets x terms x terms) pooled by Rubin's rules.

    With W the mean covariance, B that of the estimates and m data sets, the covariance is ``W + (1 + 1/m) B``. One
    data set is taken as complete.

    Parameters
    ----------
    complete_freedom : degrees of freedom there would be without missing values.

    Notes
    -----
    Rubin 1987, doi:10.1002/9780470316696; degrees of freedom Barnard and Rubin 1999, doi:10.1093/biomet/86.4.948.
    """
    count = len(estimates)
    mean, within = estimates.mean(axis=0), covariances.mean(axis=0)
    spread = np.zeros_like(within)
    if count > 1:
        spread = (1.0 + 1.0 / count) * np.atleast_2d(np.cov(estimates.T))
    total = within + spread
    share = np.diag(spread) / np.diag(total)
    freedom = _barnard_rubin(share, count, complete_freedom)
    return Pooled(mean, total, freedom, share, within, count)


def f_tail(statistic: float, first: int, second: float) -> float:
    """Return the upper tail of an F distribution; of chi-squared / first where ``second`` is infinite."""
    from scipy.special import chdtrc

    if not np.isfinite(second):
        return float(chdtrc(first, first * statistic))
    return float(fdtrc(first, second, statistic))


def _barnard_rubin(share: np.ndarray, count: int, complete: float) -> np.ndarray:
    if count == 1:
        return np.full_like(share, np.inf)
    with np.errstate(divide="ignore"):
        old = (count - 1.0) / share**2
    observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - share)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / old + 1.0 / observed)


def _joint_freedom(ratio: float, terms: int, count: int) -> float:
    if ratio <= 0.0:
        return float("inf")
    t = terms * (count - 1.0)
    if t > 4.0:
        return 4.0 + (t - 4.0) * (1.0 + (1.0 - 2.0 / t) / ratio) ** 2
    return t * (1.0 + 1.0 / terms) * (1.0 + 1.0 / ratio) ** 2 / 2.0
