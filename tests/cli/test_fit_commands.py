"""fit and summary, and the ways a fit can end: saved, not converged, interrupted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import pytest

from metachron.cli import fitting
from metachron.inference import ChainProgress, Fit
from metachron.joint import compose

Run = Callable[..., tuple[int, str, str]]
COLUMNS = {"mean", "sd", "q05", "q95", "rhat", "ess_bulk", "ess_tail", "mcse_mean"}


def test_fit_saves_what_was_asked_for(tiny_fit: Path) -> None:
    fit = Fit.load(tiny_fit)
    assert fit.model == compose(links=["log-growth"])
    assert fit.sample_stats.sizes == {"chain": 1, "draw": 20}
    assert fit.provenance["seed"] == 1
    assert fit.provenance["cohort"] == "demonstration"


def test_fit_without_convergence_keeps_the_draws(run: Run, trial: Path, tiny: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "bad.fit"
    code, shown, messages = run("fit", trial, "--link", "log-growth", *tiny, "--seed", 3, "--out", out)
    assert code == 3
    assert "death.link[log-growth]" in shown
    assert f"the draws are kept in {out}" in messages
    assert "error: not converged: one chain cannot show convergence" in messages
    assert "what usually helps" in messages
    assert "chain 1: warm-up, 25 of 75 steps" in messages
    assert "chain 1: done, 75 of 75 steps" in messages
    assert Fit.load(out).provenance["seed"] == 3


def test_fit_with_a_model_file_and_an_option(run: Run, trial: Path, tiny: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "model.toml"
    file.write_text(compose(links=["slope"]).to_toml())
    words = ("--model", file, "--link", "log-growth", *tiny, "--no-check", "--out", tmp_path / "a.fit")
    code, shown, messages = run("fit", trial, *words)
    assert code == 0
    assert "not converged" in shown
    assert "links: log-growth" in messages
    assert "simulated by metachron" in messages
    assert Fit.load(tmp_path / "a.fit").model == compose(links=["log-growth"])


@contextmanager
def interrupting(while_warming_up: bool) -> Iterator[Callable[[ChainProgress], None]]:
    """Press Ctrl-C once, from the chain that reports, during warm-up or after it."""
    pressed: list[int] = []

    def press(progress: ChainProgress) -> None:
        if progress.warming_up == while_warming_up and not pressed:
            pressed.append(progress.done)
            os.kill(os.getpid(), signal.SIGINT)

    yield press


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_fit_keeps_its_draws(
    run: Run, trial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "chain_progress", lambda chains: interrupting(while_warming_up=False))
    out = tmp_path / "half.fit"
    settings = ("--chains", 1, "--warmup", 50, "--draws", 100_000)
    code, shown, messages = run("fit", trial, "--link", "log-growth", *settings, "--out", out)
    assert code == 130
    fit = Fit.load(out)
    draws = fit.sample_stats.sizes["draw"]
    assert 25 <= draws < 100_000
    assert fit.provenance["interrupted"]
    assert f"interrupted: the {draws} draws of each chain made so far are kept in {out}" in messages
    assert "death.link[log-growth]" in shown


@pytest.mark.usefixtures("interruptible")
def test_a_fit_interrupted_in_warm_up_has_nothing_to_keep(
    run: Run, trial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "chain_progress", lambda chains: interrupting(while_warming_up=True))
    settings = ("--chains", 1, "--warmup", 100_000, "--draws", 50)
    code, shown, messages = run("fit", trial, "--link", "log-growth", *settings, "--out", tmp_path / "none.fit")
    assert (code, shown) == (130, "")
    assert "interrupted: during warm-up: no draws to keep" in messages
    assert not (tmp_path / "none.fit").exists()


def test_summary_shows_parameters_and_verdict(run: Run, tiny_fit: Path) -> None:
    code, shown, messages = run("summary", tiny_fit)
    assert code == 0
    for name in Fit.load(tiny_fit).summary()["parameter"]:
        assert name in shown
    assert "not converged" in shown
    assert "demonstration, 12 patients; stein-fojo" in messages


def test_summary_as_json(run: Run, tiny_fit: Path) -> None:
    code, shown, messages = run("summary", tiny_fit, "--json")
    assert (code, messages) == (0, "")
    document = json.loads(shown, parse_constant=pytest.fail)
    table = Fit.load(tiny_fit).summary()
    assert list(document["parameters"]) == table["parameter"].to_list()
    for row in table.iter_rows(named=True):
        name = row.pop("parameter")
        assert set(row) == COLUMNS
        assert document["parameters"][name] == {key: None if value != value else value for key, value in row.items()}
    assert document["diagnostics"]["converged"] is False
    assert document["diagnostics"]["chains"] == 1


def test_summary_as_json_has_null_for_what_is_not_a_number(
    run: Run, tiny_fit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_dict(self: Fit) -> dict[str, Any]:
        values = {"rhat": float("nan"), "ess_bulk": float("inf"), "mean": 0.5}
        return {"parameters": {"x": values}, "diagnostics": {"bfmi": [float("nan"), 1.0], "converged": True}}

    monkeypatch.setattr(Fit, "as_dict", as_dict)
    document = json.loads(run("summary", tiny_fit, "--json")[1], parse_constant=pytest.fail)
    assert document["parameters"]["x"] == {"rhat": None, "ess_bulk": None, "mean": 0.5}
    assert document["diagnostics"] == {"bfmi": [None, 1.0], "converged": True}


def test_the_compilation_cache_is_used(
    run: Run, trial: Path, tiny: tuple[str, ...], tmp_path: Path, own_cache: Path
) -> None:
    jax.clear_caches()
    run("fit", trial, "--dynamics", "none", "--hazard", "exponential", *tiny, "--no-check", "--out", tmp_path / "a.fit")
    assert list((own_cache / "jax").glob("jit_run_chunk*"))
