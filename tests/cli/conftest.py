"""A tiny simulated trial as a folder, a tiny fit of it, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from metachron.cli import main
from metachron.cli.compilation_cache import CACHE_VARIABLE
from metachron.cohort import write_folder
from metachron.joint.demo_trial import two_arm_trial

TINY = ("--chains", "1", "--warmup", "50", "--draws", "20")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test's own, still to be made; JAX is as before when the test ends."""
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "new"))
    yield tmp_path / "new"
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()


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
