"""Whether follow-up is long enough for a class of durable responders: cautions that go with a fit."""

from __future__ import annotations

from itertools import pairwise

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from metachron.dynamics.progression import progression_threshold_mm
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.survival.plateau import LEVEL, Plateau, plateau

GROWTH = "growth"
Times = tuple[Float[np.ndarray, " patient"], Bool[np.ndarray, " patient"]]


def follow_up_plateaus(model: JointModel, binding: Binding) -> dict[str, Plateau]:
    """Return how follow-up ends for growth of the tumour, and for the event of the model: in years from day 0.

    Growth is the first size 20 % and 5 mm above the smallest one before it, of any series of the patient; a patient
    without it is followed to the last size. An event between two days counts at the later one. Patients without a size
    after day 0, or without follow-up, do not count.
    """
    growth = _growth_plateau(model, binding)
    found = {} if growth is None else {GROWTH: growth}
    if model.hazard is not None and (events := binding.design.events) is not None:
        known = np.asarray(events.known) > 0
        happened = np.asarray(events.exact + events.interval) > 0
        time = np.where(happened, np.asarray(events.upper_year), np.asarray(events.lower_year))
        found[model.hazard.event] = plateau(time[known], happened[known])
    return found


def follow_up_cautions(model: JointModel, binding: Binding) -> tuple[str, ...]:
    """Return a sentence where follow-up for growth does not reach a plateau; none without a durable class.

    The event is not asked: durable responders have it too, so that its curve need not end in a plateau.
    """
    found = None if model.durable is None else _growth_plateau(model, binding)
    if found is None or found.reached:
        return ()
    return (
        f"follow-up for growth does not reach a plateau: {_words(found)}, so that durable responders are told from "
        "slow growth by the form of the law alone",
    )


def _words(found: Plateau) -> str:
    if np.isnan(found.last_event):
        return f"nobody had it in {found.last_followed:.1f} years"
    share = (
        f"{100 * found.chance:.0f} % of trials without a plateau look like it, and {100 * LEVEL:.0f} % at most should"
    )
    return f"the last one is in year {found.last_event:.1f} of {found.last_followed:.1f}, and {share}"


def _growth_plateau(model: JointModel, binding: Binding) -> Plateau | None:
    """Return how follow-up ends for growth of the tumour; None without dynamics, or without a size after day 0."""
    if model.dynamics is None:
        return None
    time, event = _growth(model, binding)
    return plateau(time, event) if len(time) else None


def _growth(model: JointModel, binding: Binding) -> Times:
    """Return for each patient with a size after day 0 the time of growth or of the last size, and which it is."""
    part, design = model.dynamics, binding.design
    assert part is not None
    rows = [rows for rows in (design.measured, design.censored) if rows is not None]
    time, value, patient, series, weight = (
        np.concatenate([np.asarray(getattr(r, name)) for r in rows])
        for name in ("time_year", "value", "patient", "series", "weight")
    )
    size = np.asarray(part.observation.value_scale(part.law).to_mm(jnp.asarray(value)))
    real = weight > 0
    order = np.lexsort((time[real], series[real], patient[real]))
    time, size, patient, series = (column[real][order] for column in (time, size, patient, series))
    lowest = np.full(len(size), np.inf)
    begins = np.flatnonzero(np.diff(patient, prepend=-1) | np.diff(series, prepend=-1))
    for start, stop in pairwise([*begins, len(size)]):
        lowest[start + 1 : stop] = np.minimum.accumulate(size[start : stop - 1])
    grown = (time > 0) & np.isfinite(lowest) & (size >= np.asarray(progression_threshold_mm(jnp.asarray(lowest))))
    first, last = np.full(binding.dims.patients, np.inf), np.zeros(binding.dims.patients)
    np.minimum.at(first, patient[grown], time[grown])
    np.maximum.at(last, patient, time)
    happened, seen = np.isfinite(first), last > 0
    return np.where(happened, first, last)[seen], happened[seen]
