"""What is known of patients at a landmark: everything up to that day, and nothing after it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metachron.base import InputError, Problem
from metachron.cohort import Cohort
from metachron.cohort.involvement import with_involvement
from metachron.cohort.schema import DATED
from metachron.cohort.size_rows import size_rows
from metachron.joint import JointModel


def known_at(cohort: Cohort, landmark_day: float, model: JointModel) -> Cohort:
    """Return the cohort as it was known on a day: sizes and samples up to it, everybody alive, nothing later.

    A patient without follow-up for the event of the model, or for new lesions where it has them, is taken to be free of
    them on that day: a forecast made then says so.

    Parameters
    ----------
    landmark_day : day from day 0 on which the forecast is made.
    model : what is to be forecast, which says what must be known.

    Raises
    ------
    InputError
        With all problems at once: a landmark before day 0, patients with the event at or before it, last seen or
        entered under observation on the wrong side of it, or without a usable size by then.
    """
    problems = list(_problems(cohort, landmark_day, model))
    if problems:
        raise InputError(problems, what=f"cohort {cohort.name!r} at landmark day {landmark_day:g}")
    tables = dict(cohort.tables)
    for name, column in DATED.items():
        day = pl.col(column)
        tables[name] = tables[name].filter(day.is_null() | (day <= landmark_day))
    tables["events"] = cohort.events.filter(pl.col("day_upper") <= landmark_day)
    seen = cohort.followup.with_columns(pl.min_horizontal("last_day", pl.lit(landmark_day)).alias("last_day"))
    tables["followup"] = seen.filter(pl.col("entry_day") <= pl.col("last_day"))
    for part in model.processes:
        tables["followup"] = _followed(cohort, tables["followup"], landmark_day, part.event)
    return with_involvement(cohort.with_rows(tables), model.covariate_columns)


def _followed(cohort: Cohort, followup: pl.DataFrame, landmark_day: float, event: str) -> pl.DataFrame:
    """Return the table with a row for the event for everybody: who has none is taken to be free of it."""
    known = followup.filter(pl.col("kind") == event)
    others = cohort.patients.join(known, on="patient", how="anti").select("patient")
    rows = others.with_columns(
        pl.lit(event).alias("kind"), pl.lit(0.0).alias("entry_day"), pl.lit(float(landmark_day)).alias("last_day")
    )
    return pl.concat([followup, rows.select(followup.columns)])


def _problems(cohort: Cohort, landmark_day: float, model: JointModel) -> Iterator[Problem]:
    if not landmark_day >= 0:
        yield Problem(
            "landmark-before-day-0", f"landmark day {landmark_day:g}", "0 or later",
            "day 0 is the start of the treatment under study; name that day or a later one",
        )  # fmt: skip
        return
    if model.hazard is not None:
        yield from _not_at_risk(cohort, landmark_day, model.hazard.event)
    if model.dynamics is not None:
        yield from _without_size(cohort, landmark_day, model.dynamics.size)


def _not_at_risk(cohort: Cohort, landmark_day: float, event: str) -> Iterator[Problem]:
    had = cohort.events.filter((pl.col("kind") == event) & (pl.col("day_lower") <= landmark_day))
    if had.height:
        days = ", ".join(f"{day:g}" for day in had["day_lower"].head(5))
        yield Problem(
            f"{event}-before-landmark", f"{event} on day {days}", f"no {event} up to day {landmark_day:g}",
            "choose an earlier landmark, or leave these patients out",
            why="a forecast is made for somebody to whom it can still happen",
            table="events", column="day_lower", patients=tuple(had["patient"].unique(maintain_order=True)),
        )  # fmt: skip
    own = cohort.followup.filter(pl.col("kind") == event)
    lost = own.join(had, on="patient", how="anti").filter(pl.col("last_day") < landmark_day)
    if lost.height:
        yield Problem(
            "not-followed-to-landmark", f"last day {', '.join(f'{day:g}' for day in lost['last_day'].head(5))}",
            f"follow-up for {event} to day {landmark_day:g} at least",
            "choose an earlier landmark, or correct last_day if the patient was seen later",
            why=f"whether the patient was free of {event} on that day is not known",
            table="followup", column="last_day", patients=tuple(lost["patient"]),
        )  # fmt: skip
    late = own.filter(pl.col("entry_day") > landmark_day)
    if late.height:
        yield Problem(
            "entered-after-landmark", f"entry on day {', '.join(f'{day:g}' for day in late['entry_day'].head(5))}",
            f"entry under observation by day {landmark_day:g}",
            "choose a later landmark, or correct entry_day",
            table="followup", column="entry_day", patients=tuple(late["patient"]),
        )  # fmt: skip


def _without_size(cohort: Cohort, landmark_day: float, size: str) -> Iterator[Problem]:
    rows = size_rows(cohort.measurements, cohort.lesions, size, limit_mm=cohort.limit_mm).used  # type: ignore[arg-type]
    known = rows.filter(pl.col("day") <= landmark_day)
    without = cohort.patients.join(known, on="patient", how="anti")["patient"]
    if without.len() == 0:
        return
    recorded = cohort.measurements.filter(pl.col("patient").is_in(without.to_list()))
    later = recorded.filter(pl.col("day") > landmark_day)
    if recorded.is_empty():
        found = "no row at all"
    elif later.height == recorded.height:
        found = f"the first measurement on day {float(later['day'].min()):g}"  # type: ignore[arg-type]
    else:
        found = f"states {', '.join(sorted(set(recorded['state'])))} and no usable size"
    yield Problem(
        "no-size-by-landmark", found, f"a measured size on or before day {landmark_day:g}",
        "add the size of that visit (or of the baseline), or choose a later landmark",
        why="the forecast starts from what is known of the patient's own tumour",
        table="measurements", column="size_mm", patients=tuple(without.to_list()),
    )  # fmt: skip
