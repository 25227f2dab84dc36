"""Markers on treatment by hand, and patients at a landmark."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.benefit.landmark import landmark_table
from metachron.benefit.on_treatment import baseline_size, on_treatment_markers
from metachron.cohort import Cohort

PATIENTS = ("shrinks", "grows", "vanishes", "late", "dead", "gone", "unknown")
ENDS = {
    "shrinks": (400, 1),
    "grows": (300, 1),
    "vanishes": (500, 0),
    "late": (200, 0),
    "dead": (90, 1),
    "gone": (90, 0),
}
SIZES = [
    ("shrinks", 0, 100.0), ("shrinks", 40, 50.0), ("shrinks", 80, 60.0), ("shrinks", 91, 10.0),
    ("grows", -5, 30.0), ("grows", 45, 40.0),
    ("vanishes", 0, 20.0), ("vanishes", 30, None),
    ("late", 0, 50.0), ("late", 120, 10.0),
    ("dead", 0, 50.0), ("dead", 40, 60.0),
    ("gone", 0, 50.0), ("gone", 40, 60.0),
]  # fmt: skip


def _cohort() -> Cohort:
    patients = {
        "patient": PATIENTS,
        "study": ["s"] * 7,
        "arm": ["a"] * 7,
        "age_year": [50.0, 60.0, None, 70, 50, 50, 50],
    }
    sizes = pl.DataFrame(SIZES, schema=["patient", "day", "size_mm"], orient="row")
    state = pl.when(pl.col("size_mm").is_null()).then(pl.lit("absent")).otherwise(pl.lit("measured"))
    names = list(ENDS)
    last = [float(day) for day, _ in ENDS.values()]
    dead = [name for name, (_, event) in ENDS.items() if event]
    tables: dict[str, Any] = {
        "patients": patients,
        "measurements": sizes.with_columns(state.alias("state"), pl.col("day").cast(pl.Float64)),
        "followup": {"patient": names, "kind": ["death"] * 6, "entry_day": [0.0] * 6, "last_day": last},
        "events": {"patient": dead, "kind": ["death"] * len(dead), "day_lower": [float(ENDS[p][0]) for p in dead]},
        "markers": {
            "patient": ["shrinks"] * 4 + ["grows", "vanishes"],
            "marker": ["ctdna"] * 6,
            "day": [0.0, 20.0, 60.0, 120.0, 10.0, 0.0],
            "value": [8.0, 4.0, 2.0, 1.0, 3.0, 5.0],
            "unit": ["copies"] * 6,
        },
    }
    tables["events"]["day_upper"] = tables["events"]["day_lower"]
    return Cohort.create("small", {name: pl.DataFrame(table) for name, table in tables.items()})


def test_markers_by_hand() -> None:
    names = ("log_change_in_size", "log_best_change_in_size", "regrowth_per_year", "last:ctdna", "change:ctdna",
             "log_ratio:ctdna")  # fmt: skip
    found = {row[0]: row[1:] for row in on_treatment_markers(_cohort(), names, landmark_day=90.0).iter_rows()}
    regrowth = np.log(1.2) / (40.0 / 365.25)
    assert found["shrinks"] == pytest.approx((np.log(0.6), np.log(0.5), regrowth, 2.0, -6.0, np.log(0.25)))
    growth = np.log(40 / 30) / (50.0 / 365.25)
    assert found["grows"][:4] == pytest.approx((np.log(40 / 30), np.log(40 / 30), growth, 3.0))
    assert found["grows"][4:] == (None, None)
    assert found["vanishes"][:3] == pytest.approx((np.log(5 / 20), np.log(5 / 20), 0.0))  # counts as the limit
    assert found["vanishes"][3:] == (None, None, None)
    assert found["late"] == (None,) * 6  # the second size comes after the landmark
    assert dict(baseline_size(_cohort()).iter_rows())["grows"] == pytest.approx(np.log(30.0))


def test_who_is_at_risk_and_who_is_left_out_and_why() -> None:
    found = landmark_table(
        _cohort(), landmark_day=90.0, baseline=["age_year"], on_treatment=["log_change_in_size", "last:ctdna"]
    )
    assert found.table["patient"].to_list() == ["shrinks", "grows"]
    assert (found.table["time_year"] * 365.25).to_list() == pytest.approx([310.0, 210.0])
    assert dict(found.left_out.iter_rows()) == {
        "vanishes": "no age_year, last:ctdna",
        "late": "no log_change_in_size, last:ctdna",
        "dead": "event by the landmark",
        "gone": "last seen by the landmark",
        "unknown": "not followed for the endpoint",
    }
    assert found.reasons()["patients"].sum() == 5


def test_nothing_after_the_landmark_counts() -> None:
    """Sizes, samples and outcomes later than the landmark do not change what is known on it."""
    cohort = _cohort()
    cut = cohort.with_rows(
        {name: getattr(cohort, name).filter(pl.col("day") <= 90.0) for name in ("measurements", "markers")}
    )
    names = ("log_change_in_size", "regrowth_per_year", "last:ctdna")
    later, earlier = (on_treatment_markers(each, names, landmark_day=90.0) for each in (cohort, cut))
    assert later.equals(earlier)


def test_what_is_not_known_is_refused() -> None:
    cohort, asked = _cohort(), {"baseline": ["age_year"], "on_treatment": ["last:ctdna"]}
    with pytest.raises(ModelError, match="recorded are ctdna"):
        on_treatment_markers(cohort, ["last:psa"], landmark_day=90.0)
    with pytest.raises(ModelError, match="after day 0"):
        on_treatment_markers(cohort, ["last:ctdna"], landmark_day=0.0)
    with pytest.raises(ModelError, match="no baseline covariate ecog"):
        landmark_table(cohort, landmark_day=90.0, baseline=["ecog"], on_treatment=["last:ctdna"])
    with pytest.raises(ModelError, match="not 'response'"):
        landmark_table(cohort, landmark_day=90.0, endpoint="response", **asked)
    with pytest.raises(ModelError, match="named once"):
        landmark_table(cohort, landmark_day=90.0, baseline=["age_year", "age_year"], on_treatment=["last:ctdna"])
    with pytest.raises(ModelError, match="event by the landmark"):
        landmark_table(cohort, landmark_day=600.0, **asked)
