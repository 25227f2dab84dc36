"""Regression of the outcome on covariates, arm by arm: what to expect of a patient under either treatment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.base import ModelError
from metachron.benefit.logistic import fit_logistic
from metachron.benefit.outcome import TrialOutcome

_ALONE = 1e-8
"""A row whose leverage is this close to 1 is fitted exactly, whatever its outcome."""


@dataclass(frozen=True, eq=False)
class ArmRegression:
    """Coefficients of a constant and the columns, with their covariance; on the logit scale for a response."""

    coefficients: np.ndarray
    covariance: np.ndarray
    logistic: bool

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """Return the expected outcome of each row: years, a survival probability, or a probability of response."""
        linear = _with_constant(columns) @ self.coefficients
        return 1.0 / (1.0 + np.exp(-linear)) if self.logistic else linear

    def gradient(self, columns: np.ndarray) -> np.ndarray:
        """Return the derivative of `predict` by the coefficients, rows x coefficients."""
        design = _with_constant(columns)
        if not self.logistic:
            return design
        expected = self.predict(columns)
        return (expected * (1.0 - expected))[:, None] * design


@dataclass(frozen=True, eq=False)
class ArmRegressions:
    """One regression per arm."""

    treated: ArmRegression
    control: ArmRegression

    def benefit(self, columns: np.ndarray) -> np.ndarray:
        """Return the expected outcome if treated minus that if not, row by row."""
        return self.treated.predict(columns) - self.control.predict(columns)


def fit_arms(columns: np.ndarray, outcome: TrialOutcome) -> ArmRegressions:
    """Return the regressions of the outcome on a constant and the columns, by arm.

    Years lived or survival: least squares of pseudo-values (Andersen 2004, doi:10.1007/s10985-004-4771-0), with the
    heteroscedasticity-consistent covariance HC3 (MacKinnon 1985, doi:10.1016/0304-4076(85)90158-7). A response:
    logistic regression by maximum likelihood.

    Raises
    ------
    ModelError
        When an arm cannot determine the coefficients: columns that say the same, a patient who alone stands for a
        column, or columns that tell responders from the others completely.
    """
    values = outcome.values()
    logistic = outcome.measure == "response"
    parts = {}
    for arm in (True, False):
        own = outcome.treated == arm
        parts[arm] = _fit(columns[own], values[own], logistic, "treated" if arm else "untreated")
    return ArmRegressions(parts[True], parts[False])


def _fit(columns: np.ndarray, values: np.ndarray, logistic: bool, arm: str) -> ArmRegression:
    design = _with_constant(columns)
    scale = np.maximum(np.abs(design).max(axis=0), np.finfo(float).tiny)
    if len(values) <= design.shape[1] or np.linalg.matrix_rank(design / scale) < design.shape[1]:
        raise ModelError(
            f"the {len(values)} {arm} patients cannot determine {design.shape[1]} coefficients: take fewer knots or "
            "covariates, or leave out one that follows from the others"
        )
    coefficients, covariance = (_logistic if logistic else _least_squares)(design / scale, values, arm)
    return ArmRegression(coefficients / scale, covariance / np.outer(scale, scale), logistic)


def _least_squares(design: np.ndarray, values: np.ndarray, arm: str) -> tuple[np.ndarray, np.ndarray]:
    q, r = np.linalg.qr(design)
    inverse = np.linalg.inv(r)
    coefficients = inverse @ (q.T @ values)
    left = 1.0 - np.sum(q**2, axis=1)
    if left.min() < _ALONE:
        raise ModelError(f"one of the {arm} patients alone determines a coefficient: take fewer knots or covariates")
    influence = (q * ((values - design @ coefficients) / left)[:, None]) @ inverse.T
    return coefficients, influence.T @ influence


def _logistic(design: np.ndarray, values: np.ndarray, arm: str) -> tuple[np.ndarray, np.ndarray]:
    columns = tuple(f"column {number}" for number in range(1, design.shape[1]))
    found = fit_logistic(design[:, 1:], values, columns)
    if found.separated:
        raise ModelError(
            f"the covariates tell responders from the others completely among the {arm} patients, or nobody or "
            "everybody there responded: take fewer knots or covariates"
        )
    return found.coefficients, found.covariance


def _with_constant(columns: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(columns)), columns])
