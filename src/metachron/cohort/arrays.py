"""Flat arrays of a cohort for computing: one row per measurement, lengths rounded up to size buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log2
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.cohort.schema import ORGANS, SINGLE_EVENT_KINDS
from metachron.cohort.size_rows import size_rows

_SMALLEST = 8
_PAD_YEAR = 0.5
_PAD_MM = 10.0
CENSORED, EXACT, INTERVAL, NOTHING = 0, 1, 2, -1

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SizeRows:
    """Sizes, sorted by patient and time; all arrays have one (bucketed) length.

    Padding rows have weight 0, 0.5 years, 10 mm, series 0 and patient 0, so that every formula stays finite on them.
    """

    time_year: Floats
    size_mm: Floats
    series: Ints
    patient: Ints
    weight: Floats


@dataclass(frozen=True, eq=False)
class EventArrays:
    """One event per patient, in years from day 0; all arrays have the (bucketed) number of patients.

    `code`: 0 right-censored at `lower_year`, 1 exact at `lower_year`, 2 in (`lower_year`, `upper_year`],
    -1 nothing known, or padding (entry 0, lower = upper = 0.5).
    """

    entry_year: Floats
    lower_year: Floats
    upper_year: Floats
    code: Ints


@dataclass(frozen=True, eq=False)
class CohortArrays:
    """A cohort as flat arrays; lengths are `bucket` sizes, so that a cohort of like size compiles nothing new.

    Parameters
    ----------
    patient_ids : the real patients, in the order of the index `patient`.
    series_ids : the real series in the order of the index `series`: patient and lesion (None for a sum).
    series_patient, series_organ : per series, index of the patient and of the organ in `ORGANS` (sums: unknown).
    measured, censored : sizes as measured, and sizes known to be below `size_mm`.
    events : one event per patient, or None where none was asked for.
    patient_weight : 1 for a real patient, 0 for padding.
    unused : rows of ``measurements`` in neither `measured` nor `censored`, each with its ``reason``.
    """

    patient_ids: tuple[str, ...]
    series_ids: tuple[tuple[str, str | None], ...]
    series_patient: Ints
    series_organ: Ints
    measured: SizeRows
    censored: SizeRows
    events: EventArrays | None
    patient_weight: Floats
    unused: pl.DataFrame

    @property
    def organs(self) -> list[str]:
        """The organ of each series, padding left out."""
        return [ORGANS[index] for index in self.series_organ[: len(self.series_ids)]]


def bucket(n: int) -> int:
    """Return the length to which n rows are padded: eight sizes per octave, at least 8, less than 12.5 % waste above.

    The next multiple of 2^max(0, floor(log2(n - 1)) - 3).
    """
    if n <= _SMALLEST:
        return _SMALLEST
    step = 2 ** max(0, floor(log2(n - 1)) - 3)
    return -(-n // step) * step


def flatten(
    tables: Mapping[str, pl.DataFrame], size: Literal["sum", "lesion"] | None, *, limit_mm: float, event: str | None
) -> CohortArrays:
    """Return the arrays of these tables; see `Cohort.to_arrays`.

    Raises
    ------
    ModelError
        if the sizes or events asked for are not in the cohort.
    """
    patients = tables["patients"].select("patient").with_row_index("p")
    rows = tables["measurements"] if size else tables["measurements"].clear()
    sizes = size_rows(rows, tables["lesions"], size or "sum", limit_mm=limit_mm)
    used = sizes.used.join(patients, on="patient", how="left")
    series = used.select("p", "patient", "lesion").unique().sort("p", "lesion", nulls_last=True).with_row_index("s")
    organs = series.join(tables["lesions"], on=["patient", "lesion"], how="left", maintain_order="left")["organ"]
    used = used.join(series.select("s", "patient", "lesion"), on=["patient", "lesion"], how="left", nulls_equal=True)
    used = used.sort("p", "day", "s", "size_mm")
    length = bucket(patients.height)
    return CohortArrays(
        patient_ids=tuple(patients["patient"].to_list()),
        series_ids=tuple(series.select("patient", "lesion").iter_rows()),
        series_patient=_ints(series["p"], bucket(series.height), 0),
        series_organ=_ints(_organ_index(organs), bucket(series.height), ORGANS.index("unknown")),
        measured=_size_rows(used.filter(~pl.col("censored"))),
        censored=_size_rows(used.filter("censored")),
        events=None if event is None else _events(tables, event, length),
        patient_weight=_floats(np.ones(patients.height), length, 0.0),
        unused=sizes.unused,
    )


def _organ_index(organs: pl.Series) -> pl.Series:
    index = {organ: i for i, organ in enumerate(ORGANS)}
    return organs.fill_null("unknown").replace_strict(index, return_dtype=pl.Int32)


def _size_rows(rows: pl.DataFrame) -> SizeRows:
    length = bucket(rows.height)
    return SizeRows(
        time_year=_floats(rows["day"] / DAYS_PER_YEAR, length, _PAD_YEAR),
        size_mm=_floats(rows["size_mm"], length, _PAD_MM),
        series=_ints(rows["s"], length, 0),
        patient=_ints(rows["p"], length, 0),
        weight=_floats(np.ones(rows.height), length, 0.0),
    )


def _events(tables: Mapping[str, pl.DataFrame], kind: str, length: int) -> EventArrays:
    followup = tables["followup"].filter(pl.col("kind") == kind)
    _refuse(tables, kind, followup)
    events = tables["events"].filter(pl.col("kind") == kind).select("patient", "day_lower", "day_upper")
    rows = (
        tables["patients"].select("patient")
        .join(followup.select("patient", "entry_day", "last_day"), on="patient", how="left", maintain_order="left")
        .join(events, on="patient", how="left", maintain_order="left")
    )  # fmt: skip
    happened, watched = pl.col("day_lower").is_not_null(), pl.col("last_day").is_not_null()
    exact = pl.col("day_lower") == pl.col("day_upper")
    pad = _PAD_YEAR * DAYS_PER_YEAR
    rows = rows.select(
        pl.col("entry_day").fill_null(0.0),
        pl.coalesce("day_lower", "last_day").fill_null(pad).alias("lower"),
        pl.coalesce("day_upper", "last_day").fill_null(pad).alias("upper"),
        pl.when(happened & exact).then(EXACT).when(happened).then(INTERVAL)
        .when(watched).then(CENSORED).otherwise(NOTHING).alias("code"),
    )  # fmt: skip
    return EventArrays(
        entry_year=_floats(rows["entry_day"] / DAYS_PER_YEAR, length, 0.0),
        lower_year=_floats(rows["lower"] / DAYS_PER_YEAR, length, _PAD_YEAR),
        upper_year=_floats(rows["upper"] / DAYS_PER_YEAR, length, _PAD_YEAR),
        code=_ints(rows["code"], length, NOTHING),
    )


def _refuse(tables: Mapping[str, pl.DataFrame], kind: str, followup: pl.DataFrame) -> None:
    if kind not in SINGLE_EVENT_KINDS:
        raise ModelError(
            f"one event per patient is asked for; {kind!r} is not one of {list_briefly(SINGLE_EVENT_KINDS)}"
        )
    if followup.is_empty() and not tables["patients"].is_empty():
        kinds = tables["followup"]["kind"].unique().sort().to_list()
        raise ModelError(
            f"the cohort has no follow-up for {kind!r}; it has follow-up for: {list_briefly(kinds) or 'nothing'}. "
            "Add rows to the table followup, or ask for another event (event=None: none)"
        )


def _floats(values: pl.Series | Floats, length: int, pad: float) -> Floats:
    out = np.full(length, pad, dtype=np.float64)
    out[: len(values)] = values if isinstance(values, np.ndarray) else values.to_numpy()
    return out


def _ints(values: pl.Series, length: int, pad: int) -> Ints:
    out = np.full(length, pad, dtype=np.int32)
    out[: len(values)] = values.to_numpy()
    return out
