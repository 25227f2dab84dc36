"""From the futures of a patient's draws to what is told: quantiles, probabilities, differences between options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import DAYS_PER_YEAR
from metachron.forecast.futures import Futures, Times
from metachron.inference.predict.bands import LEVELS, band

SURVIVAL = "alive at the horizon"
RESTRICTED_MEAN = "days alive up to the horizon"
PROGRESSION_FREE = "alive without progression by size at the horizon"
PROGRESSED = "progression by size shown by the horizon"
NEW_LESION = "a new lesion by the horizon"
FREE_OF_BOTH = "alive without progression by size or new lesions at the horizon"
ANY = "any"
"""Organ of a new lesion wherever it is."""


Who = Sequence[str]


def size_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, size_mm_q05, size_mm_q50, size_mm_q95: of those who are alive at the time."""
    size, survival = _draws_first(found.size_mm), _draws_first(found.survival)
    if not survival.size:
        return _long(patients, options, times.size_year, band(size, prefix="size_mm_"))
    before = np.ones((*size.shape[:-1], size.shape[-1] - survival.shape[-1]))
    quantiles = weighted_quantiles(size, np.concatenate([before, survival], axis=-1), list(LEVELS.values()))
    columns = {f"size_mm_{name}": values for name, values in zip(LEVELS, quantiles, strict=True)}
    return _long(patients, options, times.size_year, columns)


def lesion_table(found: Futures, patients: Who, options: Who, times: Times, names: pl.DataFrame) -> pl.DataFrame:
    """Return patient, option, lesion, organ, in_sum, day and quantiles, of each lesion as `size_table` of the sum.

    Parameters
    ----------
    names : patient, column, lesion, organ, in_sum: what the lesions are (`LesionNames`).
    """
    frames = []
    for place, patient in enumerate(patients):
        own = slice(place, place + 1)
        for row in names.filter(pl.col("patient") == patient).iter_rows(named=True):
            alone = found._replace(size_mm=found.lesion_mm[own, :, :, row["column"]], survival=found.survival[own])
            about = [pl.lit(row[name]).alias(name) for name in ("lesion", "organ", "in_sum")]
            sizes = size_table(alone, [patient], options, times)
            frames.append(sizes.select("patient", "option", *about, pl.exclude("patient", "option")))
    return pl.concat(frames)


def weighted_quantiles(
    values: Float[np.ndarray, "draw ..."], weights: Float[np.ndarray, "draw ..."], levels: Sequence[float]
) -> list[Float[np.ndarray, "..."]]:
    """Return quantiles over the first axis: the first value up to which the share of the weights reaches the level."""
    values, weights = (np.ascontiguousarray(np.moveaxis(each, 0, -1)) for each in (values, weights))
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    share = np.cumsum(np.take_along_axis(weights, order, axis=-1), axis=-1)
    share /= share[..., -1:]
    places = [np.sum(share < level, axis=-1, keepdims=True) for level in levels]
    last = values.shape[-1] - 1
    return [np.take_along_axis(ordered, np.minimum(place, last), axis=-1)[..., 0] for place in places]


def survival_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, survival, survival_q05, survival_q50, survival_q95."""
    each = _draws_first(found.survival)
    columns = {"survival": each.mean(0), **band(each, prefix="survival_")}
    return _long(patients, options, times.hazard.time_year, columns)


def progression_table(found: Futures, patients: Who, options: Who, times: Times) -> pl.DataFrame:
    """Return patient, option, day, progressed, and with a hazard progressed_alive and progression_free.

    ``progressed`` is that of those who are alive on the day.
    """
    first, survival = _draws_first(found.progressed), _draws_first(found.survival)
    shown = np.cumsum(first, axis=-1)
    if not survival.size:
        return _long(patients, options, times.scan_year, {"progressed": shown.mean(axis=0)})
    alive = survival[..., np.asarray(times.scan_place)]
    columns = {
        "progressed": (shown * alive).mean(axis=0) / alive.mean(axis=0),
        "progressed_alive": np.cumsum(first * alive, axis=-1).mean(axis=0),
        "progression_free": ((1.0 - shown) * alive).mean(axis=0),
    }
    return _long(patients, options, times.scan_year, columns)


def new_lesion_table(
    found: Futures, patients: Who, options: Who, times: Times, organs: Sequence[str], *, gap: bool
) -> pl.DataFrame:
    """Return patient, option, organ, day, new_lesion, new_lesion_q05, new_lesion_q50, new_lesion_q95, free.

    ``new_lesion`` : probability that the patient lives to have one between the landmark and the day: death competes.
    ``free`` : probability to be alive then without any (of the organ ``any`` alone).
    In gap time, where every new lesion starts the clock anew, an organ's is that of the next new lesion of all.
    """
    expected, shares = _draws_first(found.new_lesions), _draws_first(found.organs)
    alive = _alive(found)
    any_organ = _incidence(expected, alive)
    frames = [(ANY, any_organ)]
    if len(organs) > 1 and shares.shape[-1] == len(organs):
        for place, organ in enumerate(organs):
            share = shares[..., place, None]
            frames.append((organ, share * any_organ if gap else _incidence(share * expected, alive)))
    tables = []
    for organ, each in frames:
        free = (alive * np.exp(-expected)).mean(0) if organ == ANY else np.full(each.shape[1:], np.nan)
        columns = {"new_lesion": each.mean(0), **band(each, prefix="new_lesion_"), "free": free}
        rows = _long(patients, options, times.hazard.time_year, columns)
        tables.append(rows.insert_column(2, pl.Series("organ", [organ] * len(rows))))
    return pl.concat(tables)


def _alive(found: Futures) -> Float[np.ndarray, "draw patient option time"]:
    """Return survival from the landmark to each time, 1 where the model has no hazard."""
    survival = _draws_first(found.survival)
    return survival if survival.size else np.ones(_draws_first(found.new_lesions).shape)


def _incidence(
    expected: Float[np.ndarray, "... time"], alive: Float[np.ndarray, "... time"]
) -> Float[np.ndarray, "... time"]:
    """Return the cumulative incidence of the first of events expected so many times by then, while alive."""
    appeared = np.diff(-np.expm1(-expected), axis=-1, prepend=0.0)
    before = np.concatenate([alive[..., :1], 0.5 * (alive[..., 1:] + alive[..., :-1])], axis=-1)
    return np.cumsum(appeared * before, axis=-1)


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
    survival, first = _draws_first(found.survival), _draws_first(found.progressed)
    if survival.size:
        each[SURVIVAL] = survival[..., -1]
        each[RESTRICTED_MEAN] = np.trapezoid(survival, np.asarray(times.hazard.time_year) * DAYS_PER_YEAR, axis=-1)
    if first.size:
        shown = first.sum(axis=-1)
        if survival.size:
            each[PROGRESSION_FREE] = (1.0 - shown) * survival[..., -1]
        else:
            each[PROGRESSED] = shown
    expected = _draws_first(found.new_lesions)
    if expected.size:
        each[NEW_LESION] = _incidence(expected, _alive(found))[..., -1]
        if first.size and survival.size:
            each[FREE_OF_BOTH] = each[PROGRESSION_FREE] * np.exp(-expected[..., -1])
    return each


def outcome_table(
    each: Mapping[str, Float[np.ndarray, "draw patient option"]], patients: Who, options: Who
) -> pl.DataFrame:
    """Return patient, option, quantity, value (the mean), q05, q95."""
    frames = [_one(quantity, values, patients, {"option": options}, "value") for quantity, values in each.items()]
    return _by_patient(frames, patients)


def difference_table(
    each: Mapping[str, Float[np.ndarray, "draw patient option"]], patients: Who, options: Who
) -> pl.DataFrame:
    """Return patient, option, against, quantity, difference (the mean), q05, q95, probability_higher.

    Every option stands against each one before it.
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
    return _by_patient(frames, patients)


def _by_patient(frames: Sequence[pl.DataFrame], patients: Who) -> pl.DataFrame:
    return pl.concat(frames).sort(pl.col("patient").cast(pl.Enum(list(patients))), maintain_order=True)


def _one(
    quantity: str,
    values: Float[np.ndarray, "draw patient column"],
    patients: Who,
    columns: Mapping[str, Who],
    centre: str,
) -> pl.DataFrame:
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    count = values.shape[2]
    who = [patient for patient in patients for _ in range(count)]
    names = {name: list(entries) * len(patients) for name, entries in columns.items()}
    cells = {centre: values.mean(axis=0).ravel(), "q05": low.ravel(), "q95": high.ravel()}
    kinds = {"patient": pl.String, **dict.fromkeys(names, pl.String), "quantity": pl.String}
    frame = {"patient": who, **names, "quantity": [quantity] * len(who), **cells}
    return pl.DataFrame(frame, schema_overrides=kinds)
