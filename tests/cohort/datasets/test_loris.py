"""The ten cohorts of the LORIS workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
from scipy.stats import rankdata

from metachron.base import InputError
from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS, loris

Load = Callable[[str], Cohort]
Sheet = Callable[[str, str], pl.DataFrame]
NAMES = tuple(name for name in DATASETS if name.startswith("loris-"))


def test_patients(load: Load) -> None:
    treated = [name for name in NAMES if load(name).arms == (loris.CHECKPOINT_INHIBITOR,)]
    assert len(treated) == 9
    assert sum(load(name).patients.height for name in treated) == 2881
    (other,) = set(NAMES) - set(treated)
    assert load(other).patients.height == 841
    ids = [patient for name in NAMES for patient in load(name).patient_ids]
    assert len(set(ids)) == len(ids) == 2881 + 841


@pytest.mark.parametrize("name", NAMES)
def test_counts(load: Load, name: str) -> None:
    """Each patient is in follow-up for an outcome, or counted as unused."""
    cohort = load(name)
    assert cohort.patients.height == DATASETS[name].patients
    assert cohort.followup.height + cohort.unused["count"].sum() == 2 * cohort.patients.height


def test_response_and_tmb_belong_together(load: Load) -> None:
    """AUC of TMB for response in the training cohort, computed apart: 0.6087; 282 of 964 responded."""
    patients = load("loris-chowell-train").patients
    response, ranks = patients["response"].to_numpy(), rankdata(patients["tmb_per_mb"])
    responders = int(response.sum())
    auc = (ranks[response == 1].sum() - responders * (responders + 1) / 2) / (responders * (964 - responders))
    assert responders == 282
    assert round(auc, 4) == 0.6087
    assert (load("loris-chowell-train").assessments["response"] == "responder").sum() == 282


def test_ravi_times_are_days(load: Load, sheet: Sheet) -> None:
    frame = sheet(loris.FILE.name, "Ravi_NSCLC")
    last = load("loris-ravi-nsclc").followup.filter(pl.col("kind") == "death")["last_day"]
    assert last.max() == frame["OS_Months"].max() == 2779
    with pytest.raises(InputError) as caught:
        loris.tables_of(frame, "Ravi_NSCLC", unit="month")
    assert [problem.rule for problem in caught.value.problems] == ["time-unit"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "loris-ravi-nsclc"])
def test_other_times_are_months(sheet: Sheet, name: str) -> None:
    published = next(item for item in loris.SHEETS if item.data_set == name).name
    with pytest.raises(InputError, match="time-unit"):
        loris.tables_of(sheet(loris.FILE.name, published), published, unit="day")


def test_numbers_restart_in_every_sheet(sheet: Sheet) -> None:
    for item in loris.SHEETS:
        assert sheet(loris.FILE.name, item.name)["SAMPLE_ID"].to_list() == list(range(1, item.patients + 1))


@pytest.mark.parametrize("name", ["loris-kato-pancancer", "loris-ravi-nsclc"])
def test_filled_in_values_are_named(load: Load, name: str) -> None:
    patients = load(name).patients
    assert set(patients["albumin_g_per_dl"]) == {3.8}
    assert set(patients["nlr"]) == {6.2}
    assert any("Albumin (3.8) and NLR (6.2)" in note for note in load(name).notes)


def test_vanguri_warnings(load: Load) -> None:
    cohort = load("loris-vanguri-nsclc")
    assert (cohort.patients["nlr"] - 2 * cohort.patients["nlr_original"]).abs().max() < 1e-9
    assert cohort.followup.filter(pl.col("kind") == "death").height == 150
    assert cohort.events.filter(pl.col("kind") == "death").height == 150  # only the dead have a survival time


def test_progression_after_death_is_found_and_accepted(load: Load) -> None:
    accepted = load("loris-shim-nsclc").accepted
    with pytest.raises(InputError) as caught:
        replace(DATASETS["loris-shim-nsclc"], accepted=()).load()
    (problem,) = caught.value.problems
    assert problem.rule == "after-death"
    assert set(problem.patients) == {entry.patient for entry in accepted}
