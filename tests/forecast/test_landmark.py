"""What is known at a landmark, and patients who cannot be forecast there."""

from __future__ import annotations

import polars as pl
import pytest

from metachron.base import InputError
from metachron.cohort import Cohort
from metachron.forecast.landmark import known_at
from metachron.joint.demo_trial import demo_model

MODEL = demo_model()


def patient(**changes: list[dict[str, object]]) -> Cohort:
    """Return one patient with two visits and follow-up to day 300, rows of tables exchanged."""
    tables: dict[str, list[dict[str, object]]] = {
        "patients": [{"patient": "p", "study": "s", "arm": "a"}],
        "measurements": [
            {"patient": "p", "lesion": None, "day": day, "size_mm": size, "state": "measured"}
            for day, size in ((-7.0, 60.0), (56.0, 40.0), (112.0, 44.0))
        ],
        "events": [],
        "followup": [{"patient": "p", "kind": "death", "entry_day": 0.0, "last_day": 300.0}],
    }
    filled = {**tables, **changes}
    return Cohort.create("one", {name: pl.DataFrame(rows) for name, rows in filled.items() if rows})


def test_nothing_of_the_future_is_known() -> None:
    died = [{"patient": "p", "kind": "death", "day_lower": 300.0, "day_upper": 300.0}]
    known = known_at(patient(events=died), 60.0, MODEL)
    assert known.measurements["day"].to_list() == [-7.0, 56.0]
    assert known.events.is_empty()
    assert known.followup.select("entry_day", "last_day").row(0) == (0.0, 60.0)


def test_a_patient_without_follow_up_is_taken_to_be_alive() -> None:
    known = known_at(patient(followup=[]), 60.0, MODEL)
    assert known.followup.select("patient", "kind", "last_day").row(0) == ("p", "death", 60.0)


def test_all_problems_are_told_at_once() -> None:
    died = [{"patient": "p", "kind": "death", "day_lower": 40.0, "day_upper": 40.0}]
    early = [{"patient": "p", "kind": "death", "entry_day": 0.0, "last_day": 40.0}]
    late = [{"patient": "p", "lesion": None, "day": 10.0, "size_mm": None, "state": "not_evaluable"}]
    with pytest.raises(InputError) as caught:
        known_at(patient(events=died, followup=early, measurements=late), 60.0, MODEL)
    assert [problem.rule for problem in caught.value.problems] == ["death-before-landmark", "no-size-by-landmark"]
    assert all("p" in problem.patients for problem in caught.value.problems)
    assert "not_evaluable" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "landmark", "rule"),
    [
        ({"followup": [{"patient": "p", "kind": "death", "entry_day": 0.0, "last_day": 30.0}]}, 60.0,
         "not-followed-to-landmark"),
        ({"followup": [{"patient": "p", "kind": "death", "entry_day": 90.0, "last_day": 300.0}]}, 60.0,
         "entered-after-landmark"),
        ({"measurements": [{"patient": "p", "lesion": None, "day": 80.0, "size_mm": 30.0, "state": "measured"}]}, 60.0,
         "no-size-by-landmark"),
        ({"measurements": []}, 60.0, "no-size-by-landmark"),
        ({}, -1.0, "landmark-before-day-0"),
    ],
)  # fmt: skip
def test_who_cannot_be_forecast(changes: dict[str, list[dict[str, object]]], landmark: float, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        known_at(patient(**changes), landmark, MODEL)
    assert rule in [problem.rule for problem in caught.value.problems]
    assert "what to do" in str(caught.value)
