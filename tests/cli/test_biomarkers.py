"""``metachron biomarkers``: what it prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from benefit.sized_trials import SLOPE, sized_trial
from benefit.trials import small_trial
from metachron.cohort import write_folder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    folder = tmp_path / "trial"
    write_folder(small_trial(1, 160), folder)
    return folder


def test_answers_are_printed_and_the_report_begins_with_them(run: Run, trial: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    code, told, _ = run(
        "biomarkers", trial, "--outcome", "os", "--control", "old", "--treatment", "arm", "--randomised", "--markers",
        "number,yes", "--out", out, "--permutations", "10", "--external", trial,
    )  # fmt: skip
    assert code == 0
    assert "number" in told
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.index("Prognostic, predictive, both, or not shown") < page.index("How large, and how sure")
    assert page.count("<svg") == 4
    assert "nan" not in page.lower().replace("finance", "")
    assert pl.read_csv(out / "answers.csv")["marker"].to_list() == ["number", "yes"]
    assert {path.name for path in out.glob("*.svg")} == {"subgroups.svg", "curves.svg", "cutoffs.svg", "decisions.svg"}


def test_numbers_are_given_unrounded(run: Run, trial: Path, tmp_path: Path) -> None:
    code, told, _ = run(
        "biomarkers", trial, "--outcome", "response", "--control", "old", "--markers", "yes", "--out", tmp_path / "b",
        "--permutations", "0", "--json",
    )  # fmt: skip
    assert code == 0
    document = json.loads(told)
    assert document["answers"][0]["marker"] == "yes"
    assert document["answers"][0]["predictive_p"] is None
    assert "rules" not in document


def test_what_cannot_be_asked_is_an_error(run: Run, trial: Path, tmp_path: Path) -> None:
    for words, expected in (
        (("--markers", "nothing"), "neither a column nor a gene called nothing"),
        (("--markers", "yes", "--control", "older"), "no arm 'older'"),
        (("--markers", "yes"), "name the control arm"),
    ):
        code, _, err = run("biomarkers", trial, "--outcome", "os", "--out", tmp_path / "c", *words)
        assert code == 2
        assert expected in " ".join(err.split())


@pytest.mark.slow
def test_growth_is_asked_of_the_sizes(run: Run, tmp_path: Path) -> None:
    """A marker that moves the slope by 0.8 per year in the control arm alone, in 60 patients. About a minute."""
    trial = sized_trial(
        "random-slope-log", SLOPE, {"slope_per_year": ["x", "arm:x"]}, {"slope_per_year.beta": [0.8, -0.8]},
        per_arm=30, seed=3, observation="additive",
    )  # fmt: skip
    write_folder(trial, tmp_path / "sizes")
    code, told, _ = run(
        "biomarkers", tmp_path / "sizes", "--outcome", "growth", "--law", "random-slope-log", "--control", "old",
        "--randomised", "--markers", "x", "--out", tmp_path / "g", "--json",
    )  # fmt: skip
    assert code == 0
    row = json.loads(told)["simulated"][0]
    assert (row["conclusion"], row["parameter"]) == ("both", "slope_per_year")
    page = (tmp_path / "g" / "report.html").read_text(encoding="utf-8")
    assert page.index("Prognostic, predictive, both, or not shown") < page.index("How large, and how sure")
