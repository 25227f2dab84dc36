"""Endpoints of a cohort as tables: overall survival, progression-free survival, best response."""

from __future__ import annotations

import polars as pl

from metachron.base import DAYS_PER_YEAR, InputError, ModelError, Problem
from metachron.cohort import Cohort
from metachron.cohort.event_times import times_to_event

ENDPOINTS = ("os", "pfs", "response")
RESPONDERS = ("CR", "PR", "responder")
"""Recorded best responses that count as a response (RECIST 1.1: complete or partial; "responder" as published)."""


def read_endpoint(cohort: Cohort, endpoint: str) -> pl.DataFrame:
    """Return one row per patient who was followed for the endpoint.

    ``"os"``: patient, arm, time_year, event; event is death. ``"pfs"``: the same, event being the first of progression
    and death within the follow-up for progression; where progression is known to an interval, it stands at the day that
    showed it. ``"response"``: patient, arm, response, which is null where no best response was recorded: the caller
    decides, and says, whether such a patient is a non-responder.

    Raises
    ------
    InputError
        When no best response was recorded, or anyone entered later than day 0.
    ModelError
        When ``endpoint`` is none of `ENDPOINTS`, or nobody was followed for it.
    """
    if endpoint == "response":
        return _response(cohort)
    if endpoint == "os":
        found = times_to_event(cohort, "death")
    elif endpoint == "pfs":
        found = _progression_free(cohort)
    else:
        raise ModelError(f"there is no endpoint {endpoint!r}; known are {', '.join(ENDPOINTS)}")
    _refuse_delayed_entry(cohort, found)
    return found.select("patient", "arm", "time_year", "event")


def _progression_free(cohort: Cohort) -> pl.DataFrame:
    died = cohort.events.filter(pl.col("kind") == "death")
    died = died.select("patient", died_year=pl.col("day_upper") / DAYS_PER_YEAR)
    found = times_to_event(cohort, "progression").join(died, on="patient", how="left", maintain_order="left")
    before = (pl.col("died_year") <= pl.col("time_year")).fill_null(False)
    return found.with_columns(
        pl.min_horizontal("time_year", "died_year").alias("time_year"), event=pl.col("event") | before
    )


def _response(cohort: Cohort) -> pl.DataFrame:
    best = cohort.assessments.filter(pl.col("day").is_null()).group_by("patient", maintain_order=True)
    known = best.agg(pl.col("response").is_in(RESPONDERS).any())
    if known.is_empty():
        raise InputError([_no_response()], cohort.name)
    return cohort.patients.select("patient", "arm").join(known, on="patient", how="left", maintain_order="left")


def _refuse_delayed_entry(cohort: Cohort, found: pl.DataFrame) -> None:
    late = found.filter(pl.col("entry_year") > 0)["patient"].to_list()
    if late:
        problem = Problem(
            rule="delayed-entry",
            found="an entry_day after day 0",
            expected="patients observed from day 0 on",
            remedy="leave these patients out, or count their days from entry",
            table="followup",
            column="entry_day",
            patients=tuple(late),
        )
        raise InputError([problem], cohort.name)


def _no_response() -> Problem:
    return Problem(
        rule="no-outcome",
        found="no best response, which is a row without a day",
        expected="one for each patient who had any",
        remedy="give the rows, or choose another endpoint",
        table="assessments",
    )
