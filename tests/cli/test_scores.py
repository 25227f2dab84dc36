"""``metachron scores``: what it prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patients: one with both factors of LIPI, one without LDH, one with an impossible NLR."""
    rows = [
        "patient,study,arm,dnlr,ldh,ldh_upper_limit,nlr",
        "P1,T,A,3.5,300,250,4",
        "P2,T,A,2,,250,5",
        "P3,T,A,1,200,250,900",
    ]
    (tmp_path / "patients.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_groups_and_what_is_lacking_are_told(run: Run, folder: Path) -> None:
    code, out, err = run("scores", folder)
    assert code == 0
    assert "good: 1, intermediate: 0, poor: 1" in out
    assert "not computed: grim lacks albumin_g_per_dl" in out
    assert "outside the range, not used: patient P3, nlr = 900.0; expected 0 to 200" in out
    assert "3 patients" in err


def test_values_are_written_and_printed(run: Run, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    code, out, _ = run("scores", folder, "--score", "lipi", "--score", "nlr", "--out", path, "--json")
    assert code == 0
    document = json.loads(out)
    assert {row["score"] for row in document["values"]} == {"lipi", "nlr"}
    assert document["values"][1] == {"patient": "P2", "score": "lipi", "value": None, "group": None, "missing": ["ldh"]}
    written = pl.read_csv(path)
    assert written.columns == ["patient", "score", "value", "group", "missing"]
    assert written.rows()[:2] == [("P1", "lipi", 2, "poor", None), ("P2", "lipi", None, None, "ldh")]


def test_nothing_to_compute_is_an_error_with_the_columns(run: Run, folder: Path) -> None:
    code, out, err = run("scores", folder, "--score", "tmb-high")
    assert (code, out) == (2, "")
    assert "tmb-high: tmb_per_mb" in err


def test_an_unknown_score_is_an_error(run: Run, folder: Path) -> None:
    code, _, err = run("scores", folder, "--score", "lippi")
    assert code == 2
    assert "did you mean 'lipi'" in err


def test_a_folder_that_is_not_there_is_refused_first(run: Run, folder: Path, tmp_path: Path) -> None:
    code, _, err = run("scores", folder, "--out", tmp_path / "none" / "scores.csv")
    assert code == 2
    assert "is not a folder" in err


def test_help_ends_with_an_example(run: Run) -> None:
    code, out, _ = run("scores", "--help")
    assert code == 0
    assert "metachron scores my-trial --score lipi --score grim --out scores.csv" in out
