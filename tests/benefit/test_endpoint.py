"""Endpoints against the published analysis of OAK (Rittmeyer 2017, doi:10.1016/S0140-6736(16)32517-X), and what they
do with incomplete outcomes."""

from __future__ import annotations

import polars as pl
import pytest

import metachron
from metachron.base import InputError, ModelError
from metachron.benefit import read_endpoint
from metachron.cohort import Cohort
from metachron.survival import fit_cox, kaplan_meier

_MONTHS = 12.0


def _cohort(**tables: dict) -> Cohort:
    patients = {"patient": ["p", "q"], "study": ["s", "s"], "arm": ["a", "b"]}
    return Cohort.create("two", {"patients": pl.DataFrame(patients)} | {k: pl.DataFrame(v) for k, v in tables.items()})


@pytest.mark.parametrize(
    ("endpoint", "medians", "ratio"),
    [("os", (13.77, 9.63), (0.7286, 0.618, 0.859)), ("pfs", (2.79, 4.04), (0.9376, 0.812, 1.083))],
)
def test_oak_is_as_published(data_dir, endpoint, medians, ratio):
    found = read_endpoint(metachron.load("oak-clinical"), endpoint)
    for arm, median in zip(("atezolizumab", "docetaxel"), medians, strict=True):
        rows = found.filter(pl.col("arm") == arm)
        assert kaplan_meier(rows["time_year"], rows["event"]).median().value * _MONTHS == pytest.approx(
            median, abs=5e-3
        )
    cox = fit_cox(found, time="time_year", event="event", covariates=["arm"], reference={"arm": "docetaxel"})
    row = cox.table().row(0, named=True)
    assert (row["hazard_ratio"], row["lower"], row["upper"]) == pytest.approx(ratio, abs=5e-4)


def test_responders_of_oak_are_as_published(data_dir):
    found = read_endpoint(metachron.load("oak-clinical"), "response")
    counts = found.group_by("arm").agg(pl.col("response").sum(), pl.len()).sort("arm").rows()
    assert counts == [("atezolizumab", 58, 425), ("docetaxel", 57, 425)]
    assert found["response"].null_count() == 80


def test_progression_free_survival_ends_with_death_in_follow_up():
    followup = {"patient": ["p", "q"], "kind": ["progression"] * 2, "entry_day": [0.0, 0.0], "last_day": [50.0, 20.0]}
    followup = {
        k: v + w
        for (k, v), w in zip(followup.items(), (["p", "q"], ["death"] * 2, [0.0] * 2, [50.0, 90.0]), strict=True)
    }
    died = {"patient": ["p", "q"], "kind": ["death"] * 2, "day_lower": [50.0, 90.0], "day_upper": [50.0, 90.0]}
    found = read_endpoint(_cohort(followup=followup, events=died), "pfs")
    assert found["event"].to_list() == [True, False]
    assert (found["time_year"] * 365.25).to_list() == pytest.approx([50.0, 20.0])


def test_no_follow_up_and_late_entry_are_refused():
    with pytest.raises(ModelError, match="no follow-up for 'death'"):
        read_endpoint(_cohort(), "os")
    late = {"patient": ["q"], "kind": ["death"], "entry_day": [10.0], "last_day": [20.0]}
    with pytest.raises(InputError, match=r"patients q: found an entry_day after day 0"):
        read_endpoint(_cohort(followup=late), "os")
    with pytest.raises(ModelError, match="known are os, pfs, response"):
        read_endpoint(_cohort(), "growth")
