"""The maximum of Cox's partial likelihood for one model, and what is wrong where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.base import ModelError, list_briefly
from metachron.survival.many_cox import DECREMENT, FLAT, StratifiedLikelihood, climb
from metachron.survival.observed import Observed


@dataclass(frozen=True, eq=False)
class Maximum:
    """Coefficients, the inverse information, and log partial likelihoods there and at 0."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    null_log_likelihood: float


def maximise(observed: Observed, design: np.ndarray, strata: np.ndarray, terms: tuple[str, ...]) -> Maximum:
    """Return the maximum of the partial likelihood with Efron's ties: that of `maximise_many`, for one design.

    Raises
    ------
    ModelError
        When there is no event, or no finite maximum: collinear terms, or a group without events (or with all).
    """
    if not observed.event.any():
        raise ModelError("a Cox model needs events, and no row has one")
    scale = design.std(axis=0)
    likelihood = StratifiedLikelihood.of(observed, strata)
    with np.errstate(all="ignore"):
        scaled = (design / scale)[None]
        null = likelihood(scaled, np.zeros((1, len(scale))))[0][0]
        here, value, score, information = (part[0] for part in climb(likelihood, scaled))
    _check_maximum(score, information, terms, int(observed.event.sum()))
    covariance = np.linalg.inv(information)
    return Maximum(here / scale, covariance / np.outer(scale, scale), float(value), float(null))


def _check_maximum(score: np.ndarray, information: np.ndarray, terms: tuple[str, ...], events: int) -> None:
    if np.isfinite(information).all() and np.isfinite(score).all():
        values, vectors = np.linalg.eigh(information)
        if values[0] > FLAT * events and score @ np.linalg.solve(information, score) < DECREMENT:
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
