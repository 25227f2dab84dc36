"""Bad input ends with exit code 2 and a message that names it and what to do; never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from metachron.cli import run as entry

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bad(trial: Path, tiny_fit: Path, tmp_path: Path) -> dict[str, Path]:
    """Paths of good and bad inputs by name."""
    paths = {name: tmp_path / name for name in ("malformed", "corrupt.fit", "old.fit", "other.nc", "model.toml")}
    paths["malformed"].mkdir()
    (paths["malformed"] / "patients.csv").write_text("patient;study;arm\nP1;T;A\n")
    paths["corrupt.fit"].write_bytes(tiny_fit.read_bytes()[:5000])
    paths["old.fit"].write_bytes(tiny_fit.read_bytes())
    with h5py.File(paths["old.fit"], "r+") as file:
        file.attrs["format_version"] = 999
    with h5py.File(paths["other.nc"], "w") as file:
        file.attrs["format"] = "something else"
    paths["model.toml"].write_text('[dynamics]\nlaw = "stein-fojo"\nlimit_cm = 0.5\n')
    return paths | {"trial": trial, "fit": tiny_fit, "tmp": tmp_path, "out": tmp_path / "new.fit"}


CASES = {
    "missing folder": ("check {tmp}/nowhere", "neither a folder nor a public data set"),
    "malformed folder": ("check {malformed}", "[missing-column]"),
    "unknown data set": ("data describe oak204", "did you mean 'oak203'"),
    "unknown data set to export": ("data export nonesuch {tmp}/new", "no public data set called 'nonesuch'"),
    "folder in use": ("data export oak203 {trial}/measurements.csv", "[folder-not-usable]"),
    "template over data": ("template {trial}", "[folder-not-usable]"),
    "missing mapping": ("check {trial} --mapping {tmp}/nowhere.toml", "nowhere.toml"),
    "fit of a missing folder": ("fit {tmp}/nowhere --out {out}", "neither a folder nor a public data set"),
    "unknown law": ("fit {trial} --dynamics stein-foyo --out {out}", "did you mean 'stein-fojo'"),
    "unknown hazard": ("fit {trial} --hazard cox --out {out}", "no baseline hazard called 'cox'"),
    "unknown link": ("fit {trial} --link growth --out {out}", "no link called 'growth'"),
    "unknown covariate": ("fit {trial} --covariate albumin --out {out}", "covariate 'albumin'"),
    "unknown engine": ("fit {trial} --engine stan --out {out}", "no engine 'stan'"),
    "no follow-up": ("fit {trial} --event progression --out {out}", "progression"),
    "too few draws": ("fit {trial} --draws 1 --out {out}", "draws must be at least 10"),
    "model file with a wrong key": ("fit {trial} --model {model.toml} --out {out}", "dynamics.limit_cm"),
    "missing model file": ("model show --model {tmp}/nowhere.toml", "nowhere.toml: cannot be read"),
    "fit into a missing folder": ("fit {trial} --out {tmp}/nowhere/a.fit", "[output]"),
    "fit onto a folder": ("fit {trial} --out {tmp}", "[output]"),
    "missing fit": ("summary {tmp}/nowhere.fit", "there is no such file"),
    "report on a missing fit": ("report {tmp}/nowhere.fit --out {tmp}/r.html", "there is no such file"),
    "report into a missing folder": ("report {fit} --out {tmp}/nowhere/r.html", "[unwritable]"),
    "export of a missing fit": ("export {tmp}/nowhere.fit --out {tmp}/tables", "there is no such file"),
    "export onto a file": ("export {fit} --out {model.toml}", "[folder-not-usable]"),
    "demo onto a file": ("demo --out {model.toml}", "[folder-not-usable]"),
    "corrupt fit": ("summary {corrupt.fit}", "cannot be read as netCDF"),
    "fit of another version": ("summary {old.fit}", "format version 999"),
    "netCDF that is no fit": ("summary {other.nc}", "not a metachron fit"),
    "comparison of one model": ("compare {trial} --dynamics gsf --out {out}", "at least two models"),
    "comparison with an unknown law": ("compare {trial} --dynamics gsf,claret --out {out}", "no tumour law called"),
    "comparison with an unknown link": ("compare {trial} --link none,growth --out {out}", "no link called 'growth'"),
    "comparison of one law twice": ("compare {trial} --dynamics gsf,gsf --out {out}", "gsf named more than once"),
    "comparison of outcomes": ("compare {trial} --hazard none,weibull --out {out}", "different outcomes"),
    "comparison of impossible models": (
        "compare {trial} --dynamics random-slope-log --link log-growth,resistant-fraction --out {out}",
        "none of these models is possible",
    ),
    "comparison with a wrong model file": ("compare {trial} --model {model.toml} --out {out}", "dynamics.limit_cm"),
    "comparison with too few draws": (
        "compare {trial} --dynamics gsf,wang --draws 1 --out {out}",
        "draws must be at least 10",
    ),
    "comparison by an unknown engine": (
        "compare {trial} --dynamics gsf,wang --engine stan --out {out}",
        "no engine 'stan'",
    ),
    "comparison without follow-up": (
        "compare {trial} --hazard weibull,gamma --event progression --out {out}",
        "no follow-up for 'progression'",
    ),
    "comparison onto a file": ("compare {trial} --dynamics gsf,wang --out {model.toml}", "[output]"),
    "two stages without a link": ("two-stage {trial} --out {out}", "a link between them"),
    "two stages without a hazard": ("two-stage {trial} --hazard none --out {out}", "a link between them"),
    "two stages with few imputations": (
        "two-stage {trial} --link log-growth --imputations 1 --out {out}",
        "imputations must be at least 5",
    ),
    "two stages onto a file": ("two-stage {trial} --link log-growth --out {model.toml}", "[output]"),
    "two stages in a missing folder": ("two-stage {tmp}/nowhere --link slope --out {out}", "neither a folder"),
    "unknown command": ("fitt {trial}", 'Did you mean "fit"?'),
    "unknown option": ("fit {trial} --lnk slope --out {out}", "Unknown option: --lnk"),
    "option without value": ("fit {trial}", "--out"),
    "word for a number": ("fit {trial} --chains two --out {out}", "--chains"),
    "limit of zero": ("model show --limit-mm 0", "--limit-mm"),
    "unknown size": ("model show --size volume", "--size"),
}


def words(line: str, bad: dict[str, Path]) -> list[str]:
    """Return the words of a command line with paths in place of their names."""
    for name, path in bad.items():
        line = line.replace(f"{{{name}}}", str(path))
    return line.split()


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told(case: str, run: Run, bad: dict[str, Path], request: pytest.FixtureRequest) -> None:
    """A public data set is read before the folder that it is to go to is looked at."""
    line, named = CASES[case]
    if "oak203" in line.split():
        request.getfixturevalue("data_dir")
    code, out, err = run(*words(line, bad))
    assert (code, out) == (2, "")
    assert named in " ".join(err.split())
    assert not bad["out"].exists()


@pytest.mark.parametrize("case", ["malformed folder", "unknown option", "unknown data set"])
def test_bad_input_end_to_end(case: str, bad: dict[str, Path]) -> None:
    line, named = CASES[case]
    command = [sys.executable, "-m", "metachron.cli", *words(line, bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unexpected_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(tokens: object, *, result_action: str) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(entry, "app", fails)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        entry.main(["anything"])


def test_ctrl_c_outside_a_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(tokens: object, *, result_action: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "app", stopped)
    assert entry.main(["anything"]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
