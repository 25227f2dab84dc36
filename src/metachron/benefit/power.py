"""How likely a trial is to find that a marker is predictive: a closed form under exponential survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import exprel, ndtr, ndtri

from metachron.base import ModelError


@dataclass(frozen=True)
class InteractionPower:
    """Expected events in the four groups (control and treatment without, then with the marker), error and power.

    ``standard_error`` is that of the log of the ratio of hazard ratios.
    """

    events: tuple[float, float, float, float]
    standard_error: float
    power: float


def interaction_power(
    patients: int,
    *,
    prevalence: float,
    hazards_per_year: Sequence[float],
    accrual_year: float,
    follow_up_year: float,
    treated_share: float = 0.5,
    level: float = 0.05,
) -> InteractionPower:
    r"""Return the power of the interaction test of a binary marker, whose survival is exponential in each group.

    Parameters
    ----------
    patients : in both arms.
    prevalence : share of patients with the marker.
    hazards_per_year : control and treatment without the marker, control and treatment with it.
    accrual_year, follow_up_year : patients enter evenly over the accrual, and are followed for ``follow_up_year`` after
        it ends; nobody is lost.
    treated_share : share of patients in the treatment arm.
    level : of a two-sided test.

    Raises
    ------
    ModelError
        When a share is not between 0 and 1, there are not four positive hazards, or a time is negative.

    Notes
    -----
    In a group with d expected events, the maximum likelihood estimate of the log rate has variance 1/d (information of
    an exponential sample with censoring). The interaction is the contrast with signs + - - + of four independent log
    rates, so

    .. math:: \mathrm{var}(\hat\gamma) = \sum_{g=1}^{4} 1 / d_g

    which is 16 / d for d events spread evenly: four times the variance 4 / d of the treatment's own log hazard ratio
    (Schoenfeld 1983, doi:10.2307/2531021). The power is :math:`\Phi(|\gamma|/s - z) + \Phi(-|\gamma|/s - z)`.
    Under accrual a and follow-up f a patient with rate :math:`\lambda` has the event with probability
    :math:`1 - e^{-\lambda f} (1 - e^{-\lambda a}) / (\lambda a)`. A Cox model loses little against this while
    hazards of the groups are similar.
    """
    hazards = np.asarray(hazards_per_year, dtype=float)
    if hazards.shape != (4,) or not (hazards > 0.0).all() or min(accrual_year, follow_up_year) < 0.0:
        raise ModelError("power needs four positive hazards per year, and times that are not negative")
    if not (0.0 < prevalence < 1.0 and 0.0 < treated_share < 1.0 and 0.0 < level < 1.0):
        raise ModelError("prevalence, the share treated and the level are between 0 and 1")
    share = np.outer([1.0 - prevalence, prevalence], [1.0 - treated_share, treated_share]).ravel()
    chance = 1.0 - np.exp(-hazards * follow_up_year) * exprel(-hazards * accrual_year)
    events = patients * share * chance
    error = float(np.sqrt((1.0 / events).sum()))
    ratio = abs(float(np.log(hazards) @ [1.0, -1.0, -1.0, 1.0])) / error
    z = float(ndtri(1.0 - level / 2.0))
    power = float(ndtr(ratio - z) + ndtr(-ratio - z))
    return InteractionPower(tuple(float(e) for e in events), error, power)  # type: ignore[arg-type]
