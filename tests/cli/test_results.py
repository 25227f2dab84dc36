"""report, export and demo: the files they write."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

import metachron
from metachron.cli.commands import demo
from metachron.inference import Fit
from metachron.joint import JointModel, demo_trial

Run = Callable[..., tuple[int, str, str]]
TABLES = {"individual_estimates", "predictions", "clinical_parameters", "draws", "diagnostics"}


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_export_writes_every_table(format: str, run: Run, tiny_fit: Path, tmp_path: Path) -> None:
    code, out, err = run("export", tiny_fit, "--out", tmp_path / "tables", "--format", format)
    assert (code, out) == (0, "")
    files = {path.stem: path for path in (tmp_path / "tables").iterdir()}
    assert set(files) == TABLES
    assert all(path.suffix == f".{format}" and f"{path}: " in err for path in files.values())
    read = pl.read_csv if format == "csv" else pl.read_parquet
    fit = Fit.load(tiny_fit)
    draws = read(files["draws"])
    name = "death.link[log-growth]"
    assert draws[name].to_list() == pytest.approx(fit.posterior[name].to_numpy().ravel().tolist(), rel=1e-12)
    assert read(files["individual_estimates"])["patient"].to_list() == list(fit.labels.patients)


def test_report_writes_what_the_library_writes(run: Run, tiny_fit: Path, tmp_path: Path) -> None:
    fit = Fit.load(tiny_fit)
    patient = fit.labels.patients[3]
    words = ("--title", "A tiny trial", "--patient", patient)
    code, out, err = run("report", tiny_fit, "--out", tmp_path / "r.html", *words)
    assert (code, out, err) == (0, "", f"written: {tmp_path / 'r.html'}\n")
    page = metachron.write_report(fit, tmp_path / "same.html", title="A tiny trial", patients=[patient])
    assert (tmp_path / "r.html").read_bytes() == page.read_bytes()


def test_demo_leaves_data_model_fit_and_report(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few patients and few draws; the settings that ship are run by `make demo`."""
    small = partial(demo_trial.two_arm_trial, seed=5, patients_per_arm=6)
    quick = {"chains": 1, "warmup": 50, "draws": 20, "check": False}
    fit_and_save = demo.fit_and_save
    monkeypatch.setattr(demo_trial, "two_arm_trial", small)
    monkeypatch.setattr(demo, "fit_and_save", lambda *given, **settings: fit_and_save(*given, **settings | quick))
    folder = tmp_path / "demo"
    code, out, err = run("demo", "--out", folder)
    assert code == 0
    assert metachron.load(folder / "cohort") == small()
    assert JointModel.read(folder / "model.toml") == demo_trial.demo_model()
    assert Fit.load(folder / "demo.fit").cohort == small()
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "12 patients in arms chemotherapy and immunotherapy" in err
    assert "doubling time of growth" in out
    assert f"report: {folder / 'report.html'}" in out


def test_five_lines_of_python(trial: Path, tmp_path: Path) -> None:
    cohort = metachron.load(trial)
    model = metachron.compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])
    fit = metachron.fit(model, cohort, chains=1, warmup=50, draws=20, check=False)
    assert "death.link[log-growth]" in fit.summary()["parameter"].to_list()
    assert metachron.write_report(fit, tmp_path / "report.html").stat().st_size > 10_000
