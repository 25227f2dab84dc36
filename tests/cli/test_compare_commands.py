"""compare and two-stage: what they print and write, how they end, and that they go on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.cli.grid_options import GridOptions, build_grid
from metachron.inference import Fit
from metachron.joint import compose

Run = Callable[..., tuple[int, str, str]]
HAZARDS = ("--dynamics", "none", "--hazard", "weibull,exponential")
SAMPLING = ("--chains", "2", "--warmup", "150", "--draws", "300")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared") / "out"


@pytest.fixture
def compared(run: Run, trial: Path, folder: Path) -> tuple[int, str, str]:
    """The command line on two hazards without dynamics; after its first run it takes its own fits."""
    return run("compare", trial, *HAZARDS, *SAMPLING, "--out", folder)


def test_compare_ranks_and_writes(compared: tuple[int, str, str], folder: Path) -> None:
    code, shown, messages = compared
    assert code == 0
    header, _, first, second, *rest = shown.splitlines()
    assert header.split() == [
        "model", "elpd", "se", "difference", "difference_se", "p_loo", "weak", "weight", "verdict",
    ]  # fmt: skip
    assert first.split()[-1] == "best"
    assert {line.split("  ")[0] for line in (first, second)} == {"none, weibull", "none, exponential"}
    assert "with 12 patients" in rest[0]
    assert "1 of 2: none, weibull" in messages
    with (folder / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ranked", "ranked"]
    assert "<h2>Ranking</h2>" in (folder / "report.html").read_text()
    assert Fit.load(folder / "fits" / "none_weibull.fit").model == compose(dynamics=None)


def test_compare_again_takes_what_is_kept(compared: tuple[int, str, str], run: Run, trial: Path, folder: Path) -> None:
    code, shown, messages = run("compare", trial, *HAZARDS, *SAMPLING, "--json", "--out", folder)
    assert code == 0
    assert messages.count("taken from") == 2
    document = json.loads(shown, parse_constant=pytest.fail)
    assert {row["model"] for row in document["ranking"]} == {"none, weibull", "none, exponential"}
    assert document["settings"]["draws"] == 300
    assert document["models"]["none, weibull"]["provenance"]["seed"] == 1
    code, shown, messages = run("compare", trial, *HAZARDS, *SAMPLING, "--seed", 2, "--out", folder)
    assert (code, shown) == (2, "")
    assert "it is another fit (seed 1, not 2)" in messages


def test_compare_without_a_fit_to_rank(run: Run, trial: Path, tiny: tuple[str, ...], tmp_path: Path) -> None:
    code, shown, messages = run("compare", trial, *HAZARDS, *tiny, "--out", tmp_path / "out")
    assert code == 3
    assert "none, weibull: not converged: one chain cannot show convergence" in shown
    assert "no model could be ranked" in messages
    assert "No model could be ranked" in (tmp_path / "out" / "report.html").read_text()


def test_two_stage_shows_three_side_by_side(run: Run, trial: Path, tiny: tuple[str, ...], tmp_path: Path) -> None:
    words = ("two-stage", trial, "--link", "slope", *tiny, "--engine", "nuts", "--imputations", "5")
    out = tmp_path / "stages"
    code, shown, messages = run(*words, "--out", out)
    assert code == 3
    assert "error: the dynamics alone: not converged" in messages
    code, shown, messages = run(*words, "--no-check", "--out", out)
    assert code == 0
    assert f"taken from {out / 'dynamics.fit'}" in messages
    assert "estimate_plug-in" in shown
    assert "death.link[slope]" in shown
    assert "immortal time" in shown
    with (out / "two_stage.csv").open() as file:
        assert [row["stage"] for row in csv.DictReader(file)] == 3 * ["plug-in", "imputed", "joint"]
    assert "<h2>Side by side</h2>" in (out / "report.html").read_text()
    code, shown, _ = run(*words, "--no-check", "--json", "--out", out)
    document = json.loads(shown, parse_constant=pytest.fail)
    assert set(document["parameters"]["death.link[slope]"]) == {"plug-in", "imputed", "joint"}


def test_a_grid_names_its_models_by_what_varies(tmp_path: Path) -> None:
    grid = build_grid(GridOptions(dynamics=["gsf,wang"], link=["none", "log-growth+slope"], covariance="full"))
    assert [one.name for one in grid] == [
        "gsf, no link", "gsf, log-growth+slope", "wang, no link", "wang, log-growth+slope",
    ]  # fmt: skip
    wanted = compose(dynamics="gsf", links=["log-growth", "slope"], covariance="full")
    assert grid[1].model == wanted
    file = tmp_path / "slow.toml"
    file.write_text(compose(links=["slope"]).to_toml())
    other = tmp_path / "other.toml"
    other.write_text(compose(hazard="gompertz").to_toml())
    files = build_grid(GridOptions(model=[file, other], dynamics=["gsf"]))
    assert [one.name for one in files] == ["slow, gsf", "other, gsf"]
    assert files[0].model == compose(dynamics="gsf", links=["slope"])
