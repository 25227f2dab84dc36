"""Whether follow-up is long enough to see a plateau: of patients who never have the event, if there are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metachron.survival.observed import observe

LEVEL = 0.05
"""Of the chance below which follow-up is called sufficient, as in Maller 1994."""


@dataclass(frozen=True)
class Plateau:
    """How the last events lie within follow-up.

    Parameters
    ----------
    last_event, last_followed : the largest time with the event, and the largest of all, in the unit given;
        ``last_event`` is NaN where nobody had the event.
    events_near : events before the last one in as much time at risk as there is after it.
    chance : of so many of them if events went on at the pace that they had there.
    """

    last_event: float
    last_followed: float
    events_near: int
    chance: float

    @property
    def reached(self) -> bool:
        """Whether follow-up reaches a plateau: the chance is below 0.05, which takes five events."""
        return self.chance < LEVEL


def plateau(time: ArrayLike, event: ArrayLike) -> Plateau:
    """Return whether follow-up reaches the plateau of a survival curve.

    After the last event patients are watched for a time at risk R, all together, without another one. ``chance = 2^-N``
    with N the events in the time at risk R before the last one: at a constant pace times at risk between events are
    independent and exponential, and each event is as likely to fall into the second half of 2 R as into the first. The
    question and the stretch are those of Maller 1994, doi:10.1080/01621459.1994.10476889, whose alpha,
    (1 - N / n)^n with the last event counted and stretches of the calendar, is below 0.05 in a quarter of the trials
    without a plateau. It is a rule and no proof: events that become fewer look like a plateau, and a curve may
    fall again later.

    Parameters
    ----------
    time, event : of each patient, the time and whether it ended in the event; in any unit.

    Raises
    ------
    InputError
        As `kaplan_meier`.
    """
    seen = observe(time, event)
    happened, last = seen.time[seen.event > 0], float(seen.time.max())
    if not len(happened):
        return Plateau(float("nan"), last, 0, 1.0)
    order = np.sort(seen.time)
    below = np.concatenate([[0.0], np.cumsum(order)])

    def at_risk(until: np.ndarray) -> np.ndarray:
        """Return the time at risk of all patients up to some times."""
        place = np.searchsorted(order, until, side="right")
        return np.asarray(below[place] + until * (len(order) - place))

    to_last = float(at_risk(happened.max()))
    beyond = float(below[-1]) - to_last
    near = int(np.sum(at_risk(happened) > to_last - beyond)) - 1 if beyond > 0 else 0
    return Plateau(float(happened.max()), last, near, 0.5**near)
