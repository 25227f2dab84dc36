"""New lesions as rows for computing: stretches of time at risk, and the days or intervals in which lesions appeared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from metachron.base import ModelError, list_briefly

NEW_LESION = "new_lesion"
Clock = Literal["calendar", "gap"]
Timing = Literal["as-recorded", "between-visits"]
_LOWER, _UPPER = pl.col("day_lower"), pl.col("day_upper")
_OWN = ("patient", "day_lower", "day_upper")


def new_lesions_found(events: pl.DataFrame) -> pl.DataFrame:
    """Return patient, day and organ (null where it is not known) of new lesions, on the day that showed them."""
    found = events.filter(pl.col("kind") == NEW_LESION).sort("patient", "day_upper", maintain_order=True)
    return found.select("patient", _UPPER.alias("day"), "organ")


def new_lesion_stretches(tables: Mapping[str, pl.DataFrame], clock: Clock, timing: Timing) -> pl.DataFrame:
    """Return one row per stretch of time at risk of new lesions, and per day or interval in which some were found.

    Columns ``patient``; ``start_day`` and ``stop_day`` on the clock; ``origin_day``, the day on which the clock shows
    0; ``survived``, 1 where the stretch is time at risk; ``exact`` and ``interval``, the number of lesions that
    appeared at its end, or at an unknown time within it; ``organs``, their organs.

    Parameters
    ----------
    clock : ``"calendar"`` counts from day 0 of the patient; ``"gap"`` from the last detection of a new lesion,
        whatever its organ (from day 0 before the first).
    timing : ``"as-recorded"`` takes an event with equal days as exact. ``"between-visits"`` places it after the visit
        before, and ends the time at risk at the last visit: nothing is seen after it.

    Raises
    ------
    ModelError
        When there is no follow-up for new lesions, times between visits are asked for patients without any, or gap
        time is asked for where the time of a lesion is known as an interval.
    """
    followup = _followup(tables)
    events = tables["events"].filter(pl.col("kind") == NEW_LESION).select(*_OWN, pl.col("organ").fill_null("unknown"))
    events = events.join(followup, on="patient", how="inner", maintain_order="left")
    if timing == "between-visits":
        visits = _visits(tables, followup)
        events, followup = _between(events, visits), _to_last_visit(followup, visits)
    found = events.group_by(_OWN, maintain_order=True).agg(pl.len().alias("count"), pl.col("organ").alias("organs"))
    found = found.sort(_OWN)
    return _by_gap(found, followup) if clock == "gap" else _by_calendar(found, followup)


def _followup(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    found = tables["followup"].filter(pl.col("kind") == NEW_LESION).select("patient", "entry_day", "last_day")
    if found.is_empty() and not tables["patients"].is_empty():
        raise ModelError(
            "the cohort has no follow-up for 'new_lesion' in table followup, and the model has a process of new "
            "lesions; add a row per patient (entry_day, and last_day: the last assessment), or leave the process out"
        )
    early = found.filter(pl.col("entry_day") < 0)["patient"].to_list()
    if early:
        raise ModelError(
            f"entry_day of new_lesion in table followup lies before day 0 for {len(early)} patients "
            f"({list_briefly(early)}); hazards begin at day 0: set entry_day to 0"
        )
    return found


def _visits(tables: Mapping[str, pl.DataFrame], followup: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which a patient was assessed, each once."""
    days = [tables[name].select("patient", "day") for name in ("visits", "measurements")]
    visits = pl.concat(days).drop_nulls().unique().sort("patient", "day")
    without = followup.join(visits, on="patient", how="anti")["patient"].to_list()
    if without:
        raise ModelError(
            f"new lesions are to be placed between visits, and {len(without)} patients have no visit in tables visits "
            f"and measurements ({list_briefly(without)}); add the days of their assessments, or take times as recorded"
        )
    return visits


def _between(events: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Return the events with exact ones placed after the visit before; the first time at risk is the entry."""
    numbered = events.with_row_index("event")
    before = numbered.join(visits, on="patient", how="inner").filter(pl.col("day") < _LOWER)
    latest = before.group_by("event").agg(pl.col("day").max())
    known = numbered.join(latest, on="event", how="left", maintain_order="left")
    lower = pl.max_horizontal("day", "entry_day")
    return known.with_columns(pl.when(_LOWER == _UPPER).then(lower).otherwise(_LOWER).alias("day_lower")).drop(
        "event", "day"
    )


def _to_last_visit(followup: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    seen = followup.join(visits, on="patient", how="left").filter(pl.col("day") <= pl.col("last_day"))
    last = seen.group_by("patient").agg(pl.col("day").max())
    return (
        followup.join(last, on="patient", how="left", maintain_order="left")
        .with_columns(pl.max_horizontal("entry_day", pl.col("day").fill_null(0.0)).alias("last_day"))
        .drop("day")
    )


def _by_calendar(found: pl.DataFrame, followup: pl.DataFrame) -> pl.DataFrame:
    exact = _LOWER == _UPPER
    at_risk = followup.select(
        "patient",
        pl.col("entry_day").alias("start_day"),
        pl.col("last_day").alias("stop_day"),
        *_numbers(survived=1.0, exact=0.0, interval=0.0),
        pl.lit([], pl.List(pl.String)).alias("organs"),
    )
    seen = found.select(
        "patient",
        _LOWER.alias("start_day"),
        _UPPER.alias("stop_day"),
        *_numbers(survived=0.0),
        pl.when(exact).then("count").otherwise(0).cast(pl.Float64).alias("exact"),
        pl.when(exact).then(0).otherwise("count").cast(pl.Float64).alias("interval"),
        "organs",
    )
    rows = pl.concat([at_risk, seen.select(at_risk.columns)])
    return rows.with_columns(pl.lit(0.0).alias("origin_day"))


def _by_gap(found: pl.DataFrame, followup: pl.DataFrame) -> pl.DataFrame:
    unknown = found.filter(_LOWER != _UPPER)["patient"].unique(maintain_order=True).to_list()
    if unknown:
        raise ModelError(
            f"gap time needs the day on which each new lesion was found, and table events has intervals for "
            f"{len(unknown)} patients ({list_briefly(unknown)}); use the calendar clock, or give day_lower = day_upper "
            "= the visit of detection"
        )
    days = found.select("patient", _UPPER.alias("end_day"), pl.col("count").cast(pl.Float64).alias("exact"), "organs")
    last = followup.select(
        "patient",
        pl.col("last_day").alias("end_day"),
        pl.lit(0.0).alias("exact"),
        pl.lit([], pl.List(pl.String)).alias("organs"),
    )
    ends = pl.concat([days, last.select(days.columns)]).sort("patient", "end_day", maintain_order=True)
    ends = ends.with_columns(pl.col("end_day").shift(1).over("patient").fill_null(0.0).alias("origin_day"))
    ends = ends.join(followup.select("patient", "entry_day"), on="patient", how="left", maintain_order="left")
    start = pl.max_horizontal(pl.col("entry_day") - pl.col("origin_day"), 0.0)
    rows = ends.with_columns(
        start.alias("start_day"),
        (pl.col("end_day") - pl.col("origin_day")).alias("stop_day"),
        *_numbers(survived=1.0, interval=0.0),
    )
    return rows.filter((pl.col("stop_day") > pl.col("start_day")) | (pl.col("exact") > 0))


def _numbers(**values: float) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in values.items()]
