"""The maximum of Cox's partial likelihood, by statsmodels: the one door to that library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metachron.base import ModelError, list_briefly
from metachron.survival.observed import Observed

_DECREMENT = 1e-10
"""A maximum: a Newton step from here would raise the log-likelihood by less."""
_STEPS = 100
_SMALLEST = 2.0**-40
_FLAT = 1e-7
"""No information per event, on covariates scaled to sd 1: standard errors above 3000 / sqrt(events)."""


@dataclass(frozen=True, eq=False)
class Maximum:
    """Coefficients, the inverse information, and log partial likelihoods there and at 0."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    null_log_likelihood: float


def maximise(observed: Observed, design: np.ndarray, strata: np.ndarray, terms: tuple[str, ...]) -> Maximum:
    """Return the maximum of the partial likelihood with Efron's ties.

    Times enter by their rank, because the partial likelihood depends on their order only: even ranks for events and
    ends, the next odd one for entries, so that a row is at risk from *after* its entry, as counting-process rows that
    follow each other need. Covariates are scaled to sd 1 on the way.

    Raises
    ------
    ModelError
        When there is no event, or no finite maximum: collinear terms, or a group without events (or with all).
    """
    from statsmodels.duration.hazard_regression import PHReg

    if not observed.event.any():
        raise ModelError("a Cox model needs events, and no row has one")
    scale = design.std(axis=0)
    late = observed.entry > -np.inf
    order = np.unique(np.concatenate([observed.time, observed.entry[late]]))
    ends = 2.0 * np.searchsorted(order, observed.time) + 2.0
    entries = np.where(late, 2.0 * np.searchsorted(order, observed.entry) + 3.0, 0.0)
    model = PHReg(ends, design / scale, status=observed.event.astype(int), entry=entries, strata=strata, ties="efron")
    with np.errstate(all="ignore"):
        scaled = _climb(model, design.shape[1])
        score, information = model.score(scaled), -model.hessian(scaled)
    _check_maximum(score, information, terms, int(observed.event.sum()))
    covariance = np.linalg.inv(information)
    return Maximum(
        coefficients=scaled / scale,
        covariance=covariance / np.outer(scale, scale),
        log_likelihood=float(model.loglike(scaled)),
        null_log_likelihood=float(model.loglike(np.zeros_like(scaled))),
    )


def _climb(model: Any, count: int) -> np.ndarray:
    """Return the end of Newton's ascent from 0, a step halved until the log-likelihood, which is concave, rises.

    The library's own ascent takes whole steps, and diverges with long-tailed covariates.
    """
    here = np.zeros(count)
    value = model.loglike(here)
    for _ in range(_STEPS):
        score = model.score(here)
        step = np.linalg.lstsq(-model.hessian(here), score, rcond=None)[0]
        if score @ step < _DECREMENT:
            break
        size = 1.0
        while not model.loglike(here + size * step) > value and size > _SMALLEST:
            size /= 2.0
        here = here + size * step
        value = model.loglike(here)
    return here


def _check_maximum(score: np.ndarray, information: np.ndarray, terms: tuple[str, ...], events: int) -> None:
    if np.isfinite(information).all() and np.isfinite(score).all():
        values, vectors = np.linalg.eigh(information)
        if values[0] > _FLAT * events and score @ np.linalg.solve(information, score) < _DECREMENT:
            return
        flat = np.abs(vectors[:, 0]) > 0.1
        named = list_briefly([term for term, of in zip(terms, flat, strict=True) if of])
    else:
        named = list_briefly(terms)
    raise ModelError(
        f"the Cox model has no finite maximum; look at the terms {named}: either they say the same thing (one follows "
        "from the others, in every stratum), or a level has no event, or events in all its rows. Leave one out, or "
        "join levels"
    )
