"""From the futures of a patient's draws to what is told: quantiles, probabilities, differences between options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import DAYS_PER_YEAR
from metachron.forecast.futures import Futures, Times
from metachron.inference.predict.bands import band

SURVIVAL = "alive at the horizon"
RESTRICTED_MEAN = "days alive up to the horizon"
PROGRESSION_FREE = "alive without progression by size at the horizon"
PROGRESSED = "progression by size shown by the horizon, if alive"
SIZE = "size at the horizon, mm"


Who = Sequence[str]


def size_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, size_mm_q05, size_mm_q50, size_mm_q95."""
    return _long(patients, options, times.size_year, band(_draws_first(found.size_mm), prefix="size_mm_"))


def survival_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, survival, survival_q05, survival_q50, survival_q95."""
    each = _draws_first(found.survival)
    columns = {"survival": each.mean(0), **band(each, prefix="survival_")}
    return _long(patients, options, times.hazard.time_year, columns)


def progression_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, progressed, and with a hazard progressed_alive and progression_free."""
    first, survival = _draws_first(found.progressed), _draws_first(found.survival)
    shown = np.cumsum(first, axis=-1)
    columns = {"progressed": shown.mean(axis=0)}
    if survival.size:
        alive = survival[..., np.asarray(times.scan_place)]
        columns["progressed_alive"] = np.cumsum(first * alive, axis=-1).mean(axis=0)
        columns["progression_free"] = ((1.0 - shown) * alive).mean(axis=0)
    return _long(patients, options, times.scan_year, columns)


def _draws_first(values: Float[Array, "patient option draw time"]) -> Float[np.ndarray, "draw patient option time"]:
    return np.moveaxis(np.asarray(values), 2, 0)


def _long(
    patients: Who,
    options: Who,
    year: Float[Array, " time"],
    columns: Mapping[str, Float[np.ndarray, "patient option time"]],
) -> pl.DataFrame:
    day = np.round(np.asarray(year) * DAYS_PER_YEAR, 6)
    return pl.DataFrame(
        {
            "patient": np.repeat(np.asarray(patients, dtype=object), len(options) * len(day)).tolist(),
            "option": np.tile(np.repeat(np.asarray(options, dtype=object), len(day)), len(patients)).tolist(),
            "day": np.tile(day, len(patients) * len(options)),
            **{name: value.ravel() for name, value in columns.items()},
        }
    )


def outcomes(found: Futures, times: Times) -> dict[str, Float[np.ndarray, "draw patient option"]]:
    """Return each quantity at the horizon; the probability of an event where it is one."""
    each: dict[str, np.ndarray] = {}
    survival, first, size = (_draws_first(values) for values in (found.survival, found.progressed, found.size_mm))
    if survival.size:
        each[SURVIVAL] = survival[..., -1]
        each[RESTRICTED_MEAN] = np.trapezoid(survival, np.asarray(times.hazard.time_year) * DAYS_PER_YEAR, axis=-1)
    if first.size:
        shown = first.sum(axis=-1)
        if survival.size:
            each[PROGRESSION_FREE] = (1.0 - shown) * survival[..., -1]
        each[PROGRESSED] = shown
        each[SIZE] = size[..., -1]
    return each


def outcome_table(
    each: Mapping[str, Float[np.ndarray, "draw patient option"]], patients: Who, options: Who
) -> pl.DataFrame:
    """Return patient, option, quantity, value (the mean; of a size the median), q05, q95."""
    frames = [_one(quantity, values, patients, {"option": options}, "value") for quantity, values in each.items()]
    return pl.concat(frames)


def difference_table(
    each: Mapping[str, Float[np.ndarray, "draw patient option"]], patients: Who, options: Who
) -> pl.DataFrame:
    """Return patient, option, against, quantity, difference (mean; of a size the median), q05, q95,
    probability_higher; every option against each one before it.
    """
    pairs = [(later, earlier) for later in range(len(options)) for earlier in range(later)]
    ahead, behind = [later for later, _ in pairs], [earlier for _, earlier in pairs]
    names = {"option": [options[k] for k in ahead], "against": [options[k] for k in behind]}
    frames = []
    for quantity, values in each.items():
        own = values[..., ahead] - values[..., behind]
        higher = np.mean(own > 0, axis=0) + 0.5 * np.mean(own == 0, axis=0)
        frame = _one(quantity, own, patients, names, "difference")
        frames.append(frame.with_columns(pl.Series("probability_higher", higher.ravel(), pl.Float64)))
    return pl.concat(frames)


def _one(
    quantity: str,
    values: Float[np.ndarray, "draw patient column"],
    patients: Who,
    columns: Mapping[str, Who],
    centre: str,
) -> pl.DataFrame:
    middle = np.median(values, axis=0) if quantity == SIZE else values.mean(axis=0)
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    count = values.shape[2]
    who = [patient for patient in patients for _ in range(count)]
    names = {name: list(entries) * len(patients) for name, entries in columns.items()}
    cells = {centre: middle.ravel(), "q05": low.ravel(), "q95": high.ravel()}
    kinds = {"patient": pl.String, **dict.fromkeys(names, pl.String), "quantity": pl.String}
    frame = {"patient": who, **names, "quantity": [quantity] * len(who), **cells}
    return pl.DataFrame(frame, schema_overrides=kinds)
