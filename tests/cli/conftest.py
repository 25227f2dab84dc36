"""A tiny simulated trial as a folder, a tiny fit of it, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.cli import main
from metachron.cohort import write_folder
from metachron.joint.demo_trial import two_arm_trial

TINY = ("--chains", "1", "--warmup", "50", "--draws", "20")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line on words: exit code, stdout, stderr. What would print a traceback fails the test."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return run


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Options of a fit that takes a second and cannot converge."""
    return TINY


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve simulated patients in two arms."""
    return write_folder(two_arm_trial(seed=5, patients_per_arm=6), tmp_path_factory.mktemp("data") / "trial")


@pytest.fixture(scope="session")
def tiny_fit(trial: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of the trial, far too short to have converged, made by the command line."""
    path = tmp_path_factory.mktemp("fit") / "tiny.fit"
    assert main(["fit", str(trial), "--link", "log-growth", *TINY, "--no-check", "--out", str(path)]) == 0
    return path
