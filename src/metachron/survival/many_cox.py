"""Cox models of the same times with many designs, side by side: what permutations and searches need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.survival.observed import Observed
from metachron.survival.risk_sets import RiskSets

_STEPS = 100
DECREMENT = 1e-10
"""A maximum: a Newton step from here would raise the log-likelihood by less."""
_HALVINGS = 40
FLAT = 1e-7
"""No information per event, on covariates scaled to sd 1: standard errors above 3000 / sqrt(events)."""


@dataclass(frozen=True, eq=False)
class ManyMaxima:
    """Maxima of partial likelihoods, one per design: NaN where there is no finite maximum.

    ``coefficients`` are designs x terms, ``covariance`` designs x terms x terms, ``log_likelihood`` designs.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: np.ndarray


def maximise_many(observed: Observed, designs: np.ndarray, strata: np.ndarray) -> ManyMaxima:
    """Return the maxima of Cox's partial likelihood with Efron's ties for each of many designs.

    Parameters
    ----------
    designs : designs x rows x terms.
    strata : code of each row's stratum.

    Notes
    -----
    All designs are climbed in one array. `metachron.survival.partial_likelihood` is the door for one model, and says
    what is wrong where there is no maximum. Here such a model is NaN, so that a search over thousands can count it.
    Source: Efron 1977, doi:10.1080/01621459.1977.10480613.
    """
    scale = designs.std(axis=1)
    scaled = designs / np.where(scale > 0.0, scale, 1.0)[:, None, :]
    likelihood = StratifiedLikelihood.of(observed, strata)
    return _maxima(*climb(likelihood, scaled), scale, int(observed.event.sum()))


def climb(
    likelihood: StratifiedLikelihood, designs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the ends of Newton's ascents from 0: coefficients, values, scores and information.

    A step is halved until the log-likelihood, which is concave, rises: whole steps diverge with long-tailed covariates.
    """
    here = np.zeros(designs.shape[::2])
    value, score, information = likelihood(designs, here)
    for _ in range(_STEPS):
        step = _solve(information, score)
        active = np.einsum("bp,bp->b", score, step) >= DECREMENT
        if not active.any():
            break
        moved = _ascend(likelihood, designs, here, step, active, value, score, information)
        stuck = not (moved[0] != here).any()
        here, value, score, information = moved
        if stuck:
            break
    return here, value, score, information


@dataclass(frozen=True, eq=False)
class StratifiedLikelihood:
    """The log partial likelihood, its score and information, for many designs and coefficients."""

    parts: tuple[tuple[np.ndarray, RiskSets], ...]

    @classmethod
    def of(cls, observed: Observed, strata: np.ndarray) -> StratifiedLikelihood:
        """Return the likelihood of rows with events in strata that have any."""
        rows = [np.flatnonzero(strata == name) for name in np.unique(strata)]
        return cls(tuple((r, RiskSets.of(observed.rows(r))) for r in rows if observed.event[r].any()))

    def __call__(self, designs: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return value (designs), score (designs x terms) and information (designs x terms x terms)."""
        pieces = [_stratum(sets, designs[:, rows], beta) for rows, sets in self.parts]
        return tuple(sum(piece[k] for piece in pieces) for k in range(3))  # type: ignore[return-value]


def _stratum(sets: RiskSets, designs: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    eta = np.einsum("bnp,bp->nb", designs, beta)
    highest = eta.max(axis=0)
    relative = np.exp(eta - highest)
    total = sets.terms(relative)
    hazard = 1.0 / total
    expected = relative * sets.accumulate(hazard)
    event = sets.observed.event
    value = eta[event].sum(axis=0) - np.log(total).sum(axis=0) - len(total) * highest
    score = np.einsum("bnp,nb->bp", designs, event[:, None] - expected)
    across = np.ascontiguousarray(designs.transpose(1, 0, 2))
    mean = sets.terms(relative[:, :, None] * across) * hazard[:, :, None]
    weighted = (designs * expected.T[:, :, None]).transpose(0, 2, 1)
    means = mean.transpose(1, 2, 0)
    return value, score, weighted @ designs - means @ means.transpose(0, 2, 1)


def _ascend(
    likelihood: StratifiedLikelihood,
    designs: np.ndarray,
    here: np.ndarray,
    step: np.ndarray,
    active: np.ndarray,
    value: np.ndarray,
    score: np.ndarray,
    information: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return point, value, score and information after one step of the active designs, halved until the value rises."""
    here, value, score, information = here.copy(), value.copy(), score.copy(), information.copy()
    left, size = np.flatnonzero(active), 1.0
    for _ in range(_HALVINGS):
        there = here[left] + size * step[left]
        with np.errstate(all="ignore"):
            found = likelihood(designs[left], there)
        better = found[0] > value[left]
        won = left[better]
        here[won], value[won], score[won], information[won] = there[better], *(part[better] for part in found)
        left, size = left[~better], size / 2.0
        if not left.size:
            break
    return here, value, score, information


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    usable = np.isfinite(information).all(axis=(1, 2))
    step = np.zeros_like(score)
    inverse = np.linalg.pinv(information[usable], hermitian=True)
    step[usable] = np.einsum("bpq,bq->bp", inverse, score[usable])
    return step


def _maxima(
    here: np.ndarray, value: np.ndarray, score: np.ndarray, information: np.ndarray, scale: np.ndarray, events: int
) -> ManyMaxima:
    usable = np.isfinite(information).all(axis=(1, 2)) & (scale > 0.0).all(axis=1)
    lowest = np.full(len(here), -np.inf)
    lowest[usable] = np.linalg.eigvalsh(information[usable])[:, 0]
    usable &= lowest > FLAT * max(events, 1)
    covariance = np.full_like(information, np.nan)
    covariance[usable] = np.linalg.inv(information[usable])
    rise = np.einsum("bp,bpq,bq->b", score, covariance, score)
    usable &= rise < DECREMENT
    scale = np.where(usable[:, None], scale, np.nan)
    return ManyMaxima(here / scale, covariance / scale[:, :, None] / scale[:, None, :], np.where(usable, value, np.nan))
