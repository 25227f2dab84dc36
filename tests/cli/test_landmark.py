"""``metachron landmark``: what waiting gains, from a folder of tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

Run = Callable[..., tuple[int, str, str]]
ASKED = ("--baseline", "age_year,sex", "--repeats", "2")
MARKER = ("--markers", "log_ratio:ctdna")
AHEAD = ("--days-ahead", "300")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 patients; ctDNA on day 40 over that of day 0 tells who dies soon, age and sex tell nothing."""
    rng = np.random.default_rng(5)
    path, count = tmp_path_factory.mktemp("waiting"), 120
    names = [f"P{number:03d}" for number in range(count)]
    change = rng.normal(size=count)
    death = np.round(rng.exponential(400.0 * np.exp(-1.2 * change)) + 1.0)
    last = np.minimum(death, 900.0)
    patients = pl.DataFrame({"patient": names, "study": "S", "arm": "A", "age_year": rng.normal(60, 9, count).round(1),
                             "sex": rng.choice(["female", "male"], count)})  # fmt: skip
    later = death > 40.0
    markers = [(name, 0.0, "ctdna", 10.0, "ng/mL") for name in names]
    markers += [(names[k], 40.0, "ctdna", 10.0 * float(np.exp(change[k])), "ng/mL") for k in np.flatnonzero(later)]
    died = [(names[k], "death", death[k], death[k]) for k in np.flatnonzero(death <= 900.0)]
    patients.write_csv(path / "patients.csv")
    for table, rows, columns in (
        ("markers", markers, ["patient", "day", "marker", "value", "unit"]),
        ("events", died, ["patient", "kind", "day_lower", "day_upper"]),
        (
            "followup",
            [(n, "death", 0.0, d) for n, d in zip(names, last, strict=True)],
            ["patient", "kind", "entry_day", "last_day"],
        ),
    ):
        pl.DataFrame(rows, schema=columns, orient="row").write_csv(path / f"{table}.csv")
    return path


def test_what_a_marker_adds_at_each_landmark(run: Run, folder: Path, tmp_path: Path) -> None:
    path, days = tmp_path / "scores.csv", ("--landmark-day", "42", "--landmark-day", "84")
    code, out, _ = run("landmark", folder, *ASKED, *MARKER, *AHEAD, *days, "--json", "--out", path)
    assert code == 0
    first, second = json.loads(out)
    assert (first["landmark_day"], second["landmark_day"]) == (42.0, 84.0)
    auc = first["scores"][0]
    assert auc["score"] == "AUC"
    assert auc["lower"] > 0.1
    assert first["p_value"] < 1e-6
    assert second["patients"] < first["patients"] == 120 - sum(row["patients"] for row in first["left_out"])
    assert "sex=male" in [row["term"] for row in first["cox"]]
    written = pl.read_csv(path)
    assert written.height == 10
    assert written["difference"][0] == pytest.approx(auc["difference"])


def test_the_answer_in_words(run: Run, folder: Path) -> None:
    code, out, err = run("landmark", folder, *ASKED, *MARKER, *AHEAD, "--landmark-day", "42", "--threshold", "0.4")
    assert code == 0
    assert "event by the landmark (" in out
    assert "net benefit      0.400" in out
    assert "patients at risk of whom everything is known" in err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((*MARKER, "--landmark-day", "0"), "not on day 0"),
        (("--landmark-day", "42", "--markers", "log_ratio:psa"), "recorded are ctdna"),
        ((*MARKER, "--landmark-day", "42", "--days-ahead", "5000"), "choose another horizon"),
    ],
)
def test_what_cannot_be_asked_is_told(run: Run, folder: Path, arguments: tuple[str, ...], found: str) -> None:
    code, _, err = run("landmark", folder, *ASKED, *arguments)
    assert code == 2
    assert found in err
