"""New lesions as stretches of time at risk: both clocks, times between visits, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.cohort.new_lesions import new_lesion_stretches

PATIENTS = {"patient": ["a", "b"], "study": ["S", "S"], "arm": ["x", "x"]}
VISITS = {"patient": ["a"] * 4 + ["b"] * 2, "day": [-5.0, 50.0, 100.0, 150.0, 0.0, 60.0]}


def cohort(events: Mapping[str, list], last: tuple[float, float] = (200.0, 90.0)) -> Cohort:
    """Return two patients; events have columns patient, day_lower, day_upper, organ."""
    followup = pl.DataFrame(
        {"patient": ["a", "b"], "kind": ["new_lesion"] * 2, "entry_day": [0.0, 10.0], "last_day": list(last)}
    )
    found = pl.DataFrame(events).with_columns(pl.lit("new_lesion").alias("kind"))
    tables = {"patients": pl.DataFrame(PATIENTS), "visits": pl.DataFrame(VISITS), "events": found, "followup": followup}
    return Cohort.create("made", tables)


def exact(*rows: tuple[str, float, str]) -> dict[str, list]:
    patients, days, organs = zip(*rows, strict=True)
    return {"patient": list(patients), "day_lower": list(days), "day_upper": list(days), "organ": list(organs)}


TWO_AT_ONCE = exact(("a", 50.0, "liver"), ("a", 50.0, "lung"), ("a", 150.0, "liver"), ("b", 60.0, "bone"))


def numbers(rows: pl.DataFrame, *columns: str) -> list[tuple]:
    return list(rows.select("patient", *columns).iter_rows())


def test_gap_time_restarts_at_every_detection() -> None:
    """Two lesions of one day end one stretch; the last stretch has none; the clock of b starts at its entry."""
    rows = new_lesion_stretches(cohort(TWO_AT_ONCE).tables, "gap", "as-recorded")
    assert numbers(rows, "start_day", "stop_day", "origin_day", "exact") == [
        ("a", 0.0, 50.0, 0.0, 2.0),
        ("a", 0.0, 100.0, 50.0, 1.0),
        ("a", 0.0, 50.0, 150.0, 0.0),
        ("b", 10.0, 60.0, 0.0, 1.0),
        ("b", 0.0, 30.0, 60.0, 0.0),
    ]
    assert rows["survived"].sum() == len(rows)
    assert rows["organs"].to_list()[0] == ["liver", "lung"]


def test_calendar_time_runs_through() -> None:
    rows = new_lesion_stretches(cohort(TWO_AT_ONCE).tables, "calendar", "as-recorded")
    at_risk, found = rows.filter(pl.col("survived") == 1), rows.filter(pl.col("survived") == 0)
    assert numbers(at_risk, "start_day", "stop_day") == [("a", 0.0, 200.0), ("b", 10.0, 90.0)]
    assert numbers(found, "stop_day", "exact", "interval") == [("a", 50.0, 2.0, 0.0), ("a", 150.0, 1.0, 0.0),
                                                               ("b", 60.0, 1.0, 0.0)]  # fmt: skip
    assert (rows["origin_day"] == 0).all()


def test_between_visits_a_lesion_appears_after_the_visit_before_and_risk_ends_at_the_last_visit() -> None:
    """The first visit of a before day 0, and of b before its entry, are no start: the entry is."""
    rows = new_lesion_stretches(cohort(TWO_AT_ONCE).tables, "calendar", "between-visits")
    at_risk, found = rows.filter(pl.col("survived") == 1), rows.filter(pl.col("survived") == 0)
    assert numbers(at_risk, "start_day", "stop_day") == [("a", 0.0, 150.0), ("b", 10.0, 60.0)]
    assert numbers(found, "start_day", "stop_day", "interval") == [
        ("a", 0.0, 50.0, 2.0), ("a", 100.0, 150.0, 1.0), ("b", 10.0, 60.0, 1.0),
    ]  # fmt: skip


def test_recorded_intervals_stay_as_they_are() -> None:
    events = {"patient": ["a"], "day_lower": [20.0], "day_upper": [100.0], "organ": [None]}
    for timing in ("as-recorded", "between-visits"):
        rows = new_lesion_stretches(cohort(events).tables, "calendar", timing)
        assert numbers(rows.filter(pl.col("interval") > 0), "start_day", "stop_day") == [("a", 20.0, 100.0)]
        assert rows.filter(pl.col("interval") > 0)["organs"].to_list() == [["unknown"]]


def test_gap_time_refuses_intervals_and_names_the_patients() -> None:
    events = {"patient": ["a"], "day_lower": [20.0], "day_upper": [100.0], "organ": ["liver"]}
    with pytest.raises(ModelError, match=r"intervals for 1 patients \(a\); use the calendar clock"):
        new_lesion_stretches(cohort(events).tables, "gap", "as-recorded")


def test_without_followup_or_visits_what_is_missing_is_said() -> None:
    made = cohort(TWO_AT_ONCE)
    with pytest.raises(ModelError, match="no follow-up for 'new_lesion' in table followup"):
        new_lesion_stretches({**made.tables, "followup": made.followup.clear()}, "gap", "as-recorded")
    visits = made.visits.filter(pl.col("patient") == "a")
    with pytest.raises(ModelError, match=r"1 patients have no visit in tables visits and measurements \(b\)"):
        new_lesion_stretches({**made.tables, "visits": visits}, "calendar", "between-visits")
