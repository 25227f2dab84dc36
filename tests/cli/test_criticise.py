"""criticise: what it says is what the library finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.inference import Fit
from metachron.inference.criticism import Finding, criticise
from metachron.inference.criticism import criticism as module

Run = Callable[..., tuple[int, str, str]]
FEW = ("--draws", 100)


def test_criticise_shows_every_part(run: Run, tiny_fit: Path) -> None:
    code, shown, messages = run("criticise", tiny_fit, *FEW)
    found = criticise(Fit.load(tiny_fit), draws=100)
    assert code == 0
    assert f"leave-one-out by patient: elpd {found.leave_one_out.elpd:.1f}" in shown
    for what, one in (("sizes", found.sizes), ("events", found.events)):
        assert f"{what}: {one.tests.sentence}" in shown
    assert "what the data leave open:" in shown
    assert "demonstration, 12 patients; stein-fojo" in messages
    assert "not converged" in messages


def test_criticise_as_json(run: Run, tiny_fit: Path) -> None:
    code, shown, messages = run("criticise", tiny_fit, *FEW, "--seed", 3, "--json")
    assert (code, messages) == (0, "")
    document = json.loads(shown, parse_constant=pytest.fail)
    expected = criticise(Fit.load(tiny_fit), draws=100, seed=3).as_dict()
    assert set(document) == {"leave_one_out", "prediction_errors", "findings"}
    assert document == json.loads(json.dumps(expected))
    assert document["prediction_errors"]["events"]["count"] == 12
    assert document["leave_one_out"]["max_pareto_k"] is None, "k is not known from 20 draws"


def test_criticise_names_weak_patients_and_findings(run: Run, tiny_fit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.leave_one_out
    finding = Finding("bound", ("log_x.sd",), {"q05": 0.0}, "log_x.sd is at its bound 0", "take it out")

    def weak(fit: Fit, **options: int) -> object:
        found = real(fit, **options)
        object.__setattr__(found, "weak_patients", (fit.labels.patients[4],))
        return found

    monkeypatch.setattr(module, "leave_one_out", weak)
    monkeypatch.setattr(module, "find_unidentified", lambda fit, seed: [finding])
    _, shown, _ = run("criticise", tiny_fit, *FEW)
    after = shown.split("too large for their elpd to be trusted")[1]
    assert Fit.load(tiny_fit).labels.patients[4] in after
    assert "- log_x.sd is at its bound 0: take it out" in shown


def test_a_fit_without_patients_has_findings_alone(run: Run, tiny_fit: Path, tmp_path: Path) -> None:
    path = Fit.load(tiny_fit).without_cohort().save(tmp_path / "shared.fit")
    code, shown, _ = run("criticise", path)
    assert code == 0
    assert "leave-one-out: none (leave-one-out needs the data" in shown
    assert "prediction errors: none" in shown
    assert "what the data leave open:" in shown


def test_too_few_replicates_end_with_the_reason(run: Run, tiny_fit: Path) -> None:
    code, _, messages = run("criticise", tiny_fit, "--draws", 20)
    assert code == 2
    assert "at least 100 replicates" in messages
