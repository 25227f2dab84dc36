"""Logistic regression that says when groups are separated, and is finite there by Firth's penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from metachron.base import ModelError, list_briefly

_STEPS = 100
_DECREMENT = 1e-10
"""A maximum: a Newton step from here would raise the (penalised) log-likelihood by less."""
_HALVINGS = 30
_LARGEST_STEP = 5.0
"""Cap of one Newton step in any coefficient, on covariates of sd 1: an odds ratio of 150."""
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted logistic model.

    Attributes
    ----------
    terms : the intercept first.
    coefficients, covariance : log odds ratios and the inverse information there.
    log_likelihood : at the maximum; with the penalty where ``penalised``.
    penalised : whether Firth's penalty was used.
    separated : terms along which a combination of covariates tells the outcome without (or at the edge of) error;
        without the penalty their coefficients would be infinite.
    """

    terms: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    penalised: bool
    separated: tuple[str, ...]


def fit_logistic(
    design: np.ndarray,
    response: np.ndarray,
    terms: tuple[str, ...],
    *,
    held: tuple[str, ...] = (),
    penalised: bool | None = None,
) -> LogisticFit:
    """Return the maximum likelihood of a logistic model, or Firth's where the groups are separated.

    ``log odds = intercept + design @ beta``. Firth's penalty adds half the log determinant of the information to the
    log-likelihood.

    Parameters
    ----------
    design : rows x terms, without the intercept.
    held : terms whose coefficient stays 0. The penalty is still that of all terms, as likelihood ratios need.
    penalised : use the penalty, or not; None: where the groups are separated.

    Raises
    ------
    ModelError
        When terms are collinear, or the groups are separated and the penalty is refused.

    Notes
    -----
    Sources: Firth 1993, doi:10.1093/biomet/80.1.27; likelihood ratios with the penalty Heinze and Schemper 2002,
    doi:10.1002/sim.1047; separation by linear programming Konis 2007, section 4 (thesis, University of Oxford).
    """
    scale = design.std(axis=0)
    names = ("intercept", *terms)
    _check_rank(design, scale, terms)
    centre = design.mean(axis=0)
    full = np.column_stack([np.ones(len(design)), (design - centre) / scale])
    free = np.asarray([name not in held for name in names])
    separated = find_separated(full, response, names)
    if separated and penalised is False:
        raise ModelError(f"the outcome is separated along {list_briefly(separated)}: no finite maximum")
    firth = bool(separated) if penalised is None else penalised
    beta, information, value = _climb(full, response.astype(float), free, firth)
    back = np.diag(np.concatenate([[1.0], 1.0 / scale]))
    back[0, 1:] = -centre / scale
    inverse = np.zeros_like(information)
    inverse[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
    return LogisticFit(names, back @ beta, back @ inverse @ back.T, value, firth, separated)


def find_separated(full: np.ndarray, response: np.ndarray, terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the terms along which outcomes are separated, completely or at the edge; none: the maximum is finite.

    The linear programme: maximise the sum over rows of ``s x.b`` with s = 1 for a response, -1 without, every ``s x.b``
    not negative and every b within [-1, 1]; it is 0 exactly if no direction separates.
    """
    from scipy.optimize import linprog

    signed = np.where(response, 1.0, -1.0)[:, None] * full
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(full)), bounds=(-1.0, 1.0), method="highs")
    if -found.fun < _SLACK:
        return ()
    return tuple(term for term, size in zip(terms, np.abs(found.x), strict=True) if size > _SLACK)


def _climb(
    full: np.ndarray, response: np.ndarray, free: np.ndarray, firth: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    beta = np.zeros(full.shape[1])
    value, score, information = _penalised(full, response, beta, firth)
    for _ in range(_STEPS):
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        if score[free] @ step[free] < _DECREMENT:
            break
        size = min(1.0, _LARGEST_STEP / np.abs(step).max())
        for _ in range(_HALVINGS):
            found = _penalised(full, response, beta + size * step, firth)
            if found[0] > value:
                break
            size /= 2.0
        else:
            break
        beta = beta + size * step
        value, score, information = found
    return beta, information, value


def _penalised(
    full: np.ndarray, response: np.ndarray, beta: np.ndarray, firth: bool
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the (penalised) log-likelihood, its score, and the information."""
    eta = full @ beta
    chance = expit(eta)
    weight = chance * (1.0 - chance)
    information = full.T @ (weight[:, None] * full)
    value = float(response @ eta - np.logaddexp(0.0, eta).sum())
    residual = response - chance
    if firth:
        leverage = weight * np.einsum("np,pq,nq->n", full, np.linalg.inv(information), full)
        residual = residual + leverage * (0.5 - chance)
        value += 0.5 * float(np.linalg.slogdet(information)[1])
    return value, full.T @ residual, information


def _check_rank(design: np.ndarray, scale: np.ndarray, terms: tuple[str, ...]) -> None:
    if not (scale > 0.0).all():
        raise ModelError(f"terms with one value only: {list_briefly(np.asarray(terms)[scale == 0.0])}")
    if design.shape[1]:
        values, vectors = np.linalg.eigh(np.atleast_2d(np.corrcoef(design.T)))
        if values[0] < 1e-9:
            named = np.asarray(terms)[np.abs(vectors[:, 0]) > 0.1]
            raise ModelError(f"the terms {list_briefly(named)} say the same thing; leave one out")
