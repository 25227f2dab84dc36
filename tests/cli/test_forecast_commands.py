"""forecast, score and reference: what they print is what the library finds, and bad patients get an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.cohort import write_folder
from metachron.joint.demo_trial import two_arm_trial

Run = Callable[..., tuple[int, str, str]]
LUNG = Path(__file__).resolve().parents[2] / "examples" / "patients" / "nsclc"
REFERENCE = ("--reference", "nsclc-2l-oak")


def test_a_forecast_from_a_reference(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "forecast.html"
    code, shown, messages = run("forecast", LUNG, *REFERENCE, "--out", page)
    assert code == 0
    assert "alive at the horizon" in shown
    assert shown.count("not a medical device") == 1
    assert f"written: {page}" in messages
    assert "Patient example" in page.read_text("utf-8")


def test_a_forecast_as_json(run: Run) -> None:
    code, shown, _ = run("forecast", LUNG, *REFERENCE, "--option", "docetaxel", "--json")
    document = json.loads(shown, parse_constant=pytest.fail)
    assert code == 0
    assert document["options"] == ["docetaxel"]
    assert {row["option"] for row in document["survival"]} == {"docetaxel"}


def test_one_posterior_has_to_be_given(run: Run, tiny_fit: Path) -> None:
    for given in ((), (*REFERENCE, "--fit", tiny_fit)):
        code, _, messages = run("forecast", LUNG, *given)
        assert code == 2
        assert "either --fit FILE or --reference NAME" in messages


@pytest.mark.parametrize(
    ("measurements", "more", "words"),
    [
        ("example,,30,42,measured\n", (), "no-size-by-landmark"),
        ("example,,-8,,not_evaluable\n", (), "no-size-by-landmark"),
        ("example,,-8,42,measured\n", ("--option", "surgery"), "not an arm of the fit"),
        ("example,,-8,42000,measured\n", (), "2000"),
        ("example,,-8,42,measured\n", ("--landmark-day", "30"), "undecided"),
        ("example,,-8,42,measured\n", ("--horizon-day", "0"), "must lie after the landmark"),
    ],
)
def test_bad_patients(run: Run, tmp_path: Path, measurements: str, more: tuple[str, ...], words: str) -> None:
    (tmp_path / "patients.csv").write_text("patient,study,arm\nexample,invented,undecided\n", "utf-8")
    (tmp_path / "measurements.csv").write_text("patient,lesion,day,size_mm,state\n" + measurements, "utf-8")
    code, _, messages = run("forecast", tmp_path, *REFERENCE, *more)
    assert code == 2
    assert words in messages
    assert "Traceback" not in messages


def test_a_patient_who_has_died(run: Run, tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("patient,study,arm\np,s,docetaxel\n", "utf-8")
    (tmp_path / "measurements.csv").write_text("patient,lesion,day,size_mm,state\np,,-8,42,measured\n", "utf-8")
    (tmp_path / "events.csv").write_text("patient,kind,day_lower,day_upper\np,death,20,20\n", "utf-8")
    (tmp_path / "followup.csv").write_text("patient,kind,entry_day,last_day\np,death,0,20\n", "utf-8")
    code, _, messages = run("forecast", tmp_path, *REFERENCE, "--landmark-day", "30")
    assert code == 2
    assert "death-before-landmark" in messages


def test_references_are_listed_and_described(run: Run) -> None:
    code, shown, _ = run("reference", "list")
    assert code == 0
    assert "mcrc-ffcd" in shown
    code, shown, _ = run("reference", "describe", "nsclc-2l-oak")
    assert code == 0
    assert "what it cannot tell" in shown
    code, _, messages = run("reference", "describe", "nothing")
    assert code == 2
    assert "nsclc-2l-oak" in messages


def test_scores(run: Run, tiny_fit: Path, tmp_path: Path) -> None:
    other = write_folder(two_arm_trial(seed=9, patients_per_arm=15), tmp_path / "other")
    text = (other / "patients.csv").read_text("utf-8").replace("demonstration", "another")
    (other / "patients.csv").write_text(text, "utf-8")
    code, shown, messages = run("score", other, "--fit", tiny_fit, "--horizon-day", 600, "--draws", 100, "--json")
    assert code == 2, "twenty draws are too few to forecast from"
    assert "draws" in messages + shown
