"""A killed run goes on and gives the draws of one that was never stopped; other runs and damaged files are refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.killed_run import PATIENTS_PER_ARM, SETTINGS
from metachron.base import FitFileError
from metachron.cohort import Cohort
from metachron.inference import ChainProgress, Fit, fit
from metachron.inference.checkpoint import Checkpoint
from metachron.inference.marginal import verdict
from metachron.joint.demo_trial import demo_model, two_arm_trial

ENGINES = ("nuts", "marginal")
TOTAL = 7
"""Chunks of a chain: 100 steps of warm-up and 60 draws in chunks of 25."""


class KilledError(Exception):
    """What ends a run in these tests, from within."""


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return two_arm_trial(patients_per_arm=PATIENTS_PER_ARM)


@pytest.fixture(scope="module")
def whole(cohort: Cohort) -> dict[str, Fit]:
    """The run that was never stopped, of each engine."""
    return {engine: fit(demo_model(), cohort, engine=engine, **SETTINGS) for engine in ENGINES}


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chunk is written, not one in 20 seconds."""
    monkeypatch.setattr(Checkpoint, "due", lambda self, name: True)


@pytest.fixture(scope="module")
def stopped(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run of NUTS that stopped in its warm-up."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "due", lambda self, name: True)
        killed(folder, cohort)
    return folder


@pytest.fixture
def folder(stopped: Path, tmp_path: Path) -> Path:
    """A copy of that checkpoint."""
    return shutil.copytree(stopped, tmp_path / "run")


def same(one: Fit, other: Fit) -> bool:
    """Whether draws and statistics are equal bit by bit, patient effects among them."""
    return one.posterior.equals(other.posterior) and one.sample_stats.equals(other.sample_stats)


def dies_after(calls: int) -> Callable[[ChainProgress], None]:
    """Return a progress callback that raises when called for the given time."""
    seen: list[ChainProgress] = []

    def progress(step: ChainProgress) -> None:
        seen.append(step)
        if len(seen) == calls:
            raise KilledError

    return progress


def killed(folder: Path, cohort: Cohort, *, engine: str = "nuts", calls: int = 5) -> None:
    """Run until the given number of chunks, leaving a checkpoint."""
    with pytest.raises(KilledError):
        fit(demo_model(), cohort, engine=engine, checkpoint=folder, progress=dies_after(calls), **SETTINGS)


@pytest.mark.usefixtures("always_due")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("calls", [1, 6, 12])
def test_stopped_run_goes_on_to_the_same_draws(
    engine: str, calls: int, cohort: Cohort, whole: dict[str, Fit], tmp_path: Path
) -> None:
    """Stopped at the start, in warm-up (a window of the mass matrix half full), and among the draws."""
    folder = tmp_path / "run"
    killed(folder, cohort, engine=engine, calls=calls)
    assert list(folder.rglob("chain*.npz"))
    steps: list[ChainProgress] = []
    resumed = fit(demo_model(), cohort, engine=engine, checkpoint=folder, progress=steps.append, **SETTINGS)
    assert len(steps) <= 2 * TOTAL - calls, "chunks that were done are not done again"
    assert same(resumed, whole[engine])
    for key in ("gradients_warmup", "gradients_sampling"):
        assert resumed.provenance[key] == whole[engine].provenance[key]
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_process_killed_by_the_system_goes_on(
    engine: str, cohort: Cohort, whole: dict[str, Fit], tmp_path: Path
) -> None:
    """SIGKILL in a process of its own, twice, with nothing that could tidy up."""
    folder = tmp_path / "run"
    script = Path(__file__).with_name("killed_run.py")
    for calls in (5, 4):
        dead = subprocess.run([sys.executable, script, engine, folder, str(calls)], env=_environment(), check=False)
        assert dead.returncode == -signal.SIGKILL
    assert list(folder.rglob("chain*.npz"))
    assert same(fit(demo_model(), cohort, engine=engine, checkpoint=folder, **SETTINGS), whole[engine])


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "JAX_ENABLE_X64": "1"}


@pytest.mark.usefixtures("always_due")
def test_fallback_to_nuts_goes_on_without_repeating_the_marginal_run(
    cohort: Cohort, whole: dict[str, Fit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``auto`` fell back to NUTS and was killed there: the marginal draws are read, not drawn again."""
    monkeypatch.setattr(verdict, "ERROR_LIMIT", -1.0)
    folder = tmp_path / "run"
    killed(folder, cohort, engine="auto", calls=2 * TOTAL + 3)
    steps: list[ChainProgress] = []
    resumed = fit(demo_model(), cohort, engine="auto", checkpoint=folder, progress=steps.append, **SETTINGS)
    assert resumed.provenance["engine"] == "nuts"
    assert len(steps) < 2 * TOTAL
    assert same(resumed, whole["nuts"])
    assert not folder.exists()


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"seed": 8}, "settings"), ({"chains": 3}, "settings"), ({"model": "gsf"}, "model"), ({"patients": 9}, "cohort")],
)
def test_checkpoint_of_another_run_is_refused(changes: dict[str, Any], word: str, cohort: Cohort, folder: Path) -> None:
    """The error names what differs, and the checkpoint is left as it was."""
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    model = demo_model().replace(dynamics=changes["model"]) if "model" in changes else demo_model()
    other = two_arm_trial(patients_per_arm=changes["patients"]) if "patients" in changes else cohort
    settings = SETTINGS | {key: value for key, value in changes.items() if key in SETTINGS}
    with pytest.raises(FitFileError, match=rf"another run \(other {word}\).*remove the folder"):
        fit(model, other, engine="nuts", checkpoint=folder, **settings)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def _without(path: Path, name: str) -> None:
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored.files if key != name}
    np.savez(path, **arrays)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("chain0.npz", lambda path: path.write_bytes(path.read_bytes()[:1000])),
        ("chain0.npz", lambda path: path.write_bytes(b"")),
        ("chain0.npz", _flip),
        ("chain0.npz", lambda path: _without(path, "progress")),
        ("chain0.npz", lambda path: _without(path, "state0")),
        ("run.json", lambda path: path.write_bytes(b"{")),
        ("run.json", lambda path: path.write_bytes(b"[]")),
        ("run.json", lambda path: path.write_bytes(b"\xff\xfe")),
        ("run.json", Path.unlink),
    ],
)
def test_damaged_checkpoint_is_refused(file: str, damage: Callable[[Path], None], cohort: Cohort, folder: Path) -> None:
    damage(folder / "nuts" / file)
    with pytest.raises(FitFileError, match=rf"{file}.*(damaged|missing).*remove the folder to start anew"):
        fit(demo_model(), cohort, engine="nuts", checkpoint=folder, **SETTINGS)


@pytest.mark.usefixtures("always_due")
@pytest.mark.parametrize("name", ["mixture.weight", "hessian"])
def test_damaged_nodes_are_refused(name: str, cohort: Cohort, tmp_path: Path) -> None:
    killed(tmp_path, cohort, engine="marginal")
    _without(tmp_path / "marginal" / "prepared.npz", name)
    with pytest.raises(FitFileError, match=r"prepared.npz.*damaged.*remove the folder to start anew"):
        fit(demo_model(), cohort, engine="marginal", checkpoint=tmp_path, **SETTINGS)


def test_half_written_file_is_ignored(cohort: Cohort, whole: dict[str, Fit], folder: Path) -> None:
    """A file is replaced whole: what a kill in the middle of writing leaves is not read."""
    (folder / "nuts" / "chain0.npz.part").write_bytes(b"half")
    assert same(fit(demo_model(), cohort, engine="nuts", checkpoint=folder, **SETTINGS), whole["nuts"])


def test_files_of_others_stay(cohort: Cohort, folder: Path) -> None:
    """A completed run removes what it wrote, and nothing else."""
    (folder / "notes.txt").write_text("mine")
    fit(demo_model(), cohort, engine="nuts", checkpoint=folder, **SETTINGS)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_chains_that_first_write_together_do_not_collide(tmp_path: Path) -> None:
    """32 threads, a folder each round: none finds its file of the run taken away by another."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(32) as pool:
        for attempt in range(30):
            checkpoint = Checkpoint(tmp_path / str(attempt), {"seed": attempt})
            list(pool.map(lambda k, c=checkpoint: c.write(f"chain{k}", {"a": np.zeros(1)}), range(32)))
            assert Checkpoint(tmp_path / str(attempt), {"seed": attempt}).read("chain31") is not None
