"""How well predicted benefit tells patients apart: the concordance of matched pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import ModelError
from metachron.benefit.outcome import TrialOutcome, marker_values
from metachron.survival import Estimate

PAIRINGS = 10


def c_for_benefit(
    predicted: ArrayLike,
    outcome: TrialOutcome,
    *,
    pairings: int = PAIRINGS,
    samples: int = 200,
    level: float = 0.95,
    seed: int = 1,
) -> Estimate:
    """Return the c-for-benefit: of two matched pairs with unequal observed benefit, how often the one with the greater
    benefit has the greater predicted benefit; 1 is best, 0.5 chance.

    Treated and untreated patients are paired by the rank of their predicted benefit; of the larger arm a random subset
    is paired, anew in each of the ``pairings``, which are averaged. A pair's observed benefit is the difference of the
    two outcomes (min(T, horizon), being alive beyond the horizon, or response), its predicted benefit the mean of the
    two; ties in the prediction count one half. Source: van Klaveren 2018, doi:10.1016/j.jclinepi.2017.10.021.

    The source has no censoring. Here a pair whose outcomes are both known weighs the product of the two inverse
    probabilities of censoring, by arm, so that known pairs stand for all; the others weigh 0. The interval is that of
    patients drawn with replacement within arms, the predictions held fixed.

    A single number to be read with care: it is no proper score, and depends on how patients are matched (Xia 2023,
    doi:10.1186/s41512-023-00147-z). Look at `metachron.benefit.benefit_calibration.calibrate_benefit` too.

    Parameters
    ----------
    predicted : of each patient, by a model that was not learned from them.

    Raises
    ------
    InputError
        When a prediction is missing, all are alike, or an arm is not followed to the horizon.
    ModelError
        When all pairs have the same observed benefit.
    """
    values = marker_values(predicted, len(outcome), name="predicted")
    rng = np.random.default_rng(seed)
    value = _mean_over_pairings(values, outcome, pairings, rng)
    if np.isnan(value):
        raise ModelError("all pairs have the same observed benefit: there is nothing to tell apart")
    arms = [np.flatnonzero(outcome.treated == arm) for arm in (True, False)]
    drawn = []
    for _ in range(samples):
        rows = np.concatenate([rng.choice(arm, len(arm)) for arm in arms])
        drawn.append(_mean_over_pairings(values[rows], outcome.rows(rows), pairings, rng))
    tail = 0.5 * (1.0 - level)
    lower, upper = np.nanquantile(drawn, (tail, 1.0 - tail))
    return Estimate(value, float(lower), float(upper), level)


def _mean_over_pairings(predicted: np.ndarray, outcome: TrialOutcome, pairings: int, rng: np.random.Generator) -> float:
    own, weight = outcome.known()
    arms = [np.flatnonzero(outcome.treated == arm) for arm in (True, False)]
    count = min(len(arm) for arm in arms)
    values = []
    for _ in range(pairings):
        treated, control = (_by_rank(predicted, rng.permutation(arm)[:count]) for arm in arms)
        observed = own[treated] - own[control]
        foretold = 0.5 * (predicted[treated] + predicted[control])
        values.append(concordance_of_pairs(foretold, observed, weight[treated] * weight[control]))
    return float(np.mean(values))


def _by_rank(predicted: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(predicted[rows], kind="stable")]


def concordance_of_pairs(foretold: np.ndarray, observed: np.ndarray, weight: np.ndarray) -> float:
    """Return how often, of two pairs with unequal observed benefit, the greater has the greater prediction, weighted by
    the product of their weights; NaN without such pairs.
    """
    some = weight > 0.0
    foretold, observed, weight = foretold[some], observed[some], weight[some]
    greater = observed[:, None] > observed
    right = (foretold[:, None] > foretold) + 0.5 * (foretold[:, None] == foretold)
    total = weight @ greater @ weight
    return float(weight @ (greater * right) @ weight / total) if total > 0.0 else float("nan")
