"""Checkpoints of a run: what each chain needs to go on as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from metachron.base import FitFileError

EVERY_SECONDS = 20.0


@dataclass
class Checkpoint:
    """A folder that holds the latest state of every chain of one run.

    Parameters
    ----------
    folder : is made when first written, and removed by `discard` when the run is complete.
    run : everything that decides the draws (model, cohort, settings, versions); a folder of another run is refused.
    every_seconds : how often a chain writes, at most.

    Raises
    ------
    FitFileError
        When the folder holds another run, or cannot be read.
    """

    folder: Path
    run: Mapping[str, Any]
    every_seconds: float = EVERY_SECONDS
    _written: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self._about.exists():
            return
        try:
            found = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FitFileError(f"checkpoint {self.folder}: cannot be read ({error}); remove the folder") from error
        if found.get("run") != self._digest:
            differs = [key for key in self._plain if found.get("parts", {}).get(key) != self._plain[key]]
            raise FitFileError(
                f"checkpoint {self.folder}: it is of another run (other {', '.join(differs) or 'format'}); repeat the "
                "command that wrote it, or remove the folder to start anew"
            )

    @property
    def _about(self) -> Path:
        return self.folder / "run.json"

    @property
    def _plain(self) -> dict[str, str]:
        return {
            key: hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest() for key, value in self.run.items()
        }

    @property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._plain).encode()).hexdigest()

    @property
    def found(self) -> bool:
        """Whether there is something to go on from."""
        return any(self.folder.glob("*.npz"))

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """Return the arrays stored under a name, or None when there are none."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise FitFileError(f"checkpoint {path}: damaged ({error}); remove the folder to start anew") from error

    def due(self, name: str) -> bool:
        """Return whether the arrays of a name were last written long enough ago."""
        return time.monotonic() - self._written.setdefault(name, time.monotonic()) >= self.every_seconds

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store arrays under a name; the file is replaced whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._about.exists():
            about = {"run": self._digest, "parts": self._plain}
            _replace(self._about, json.dumps(about).encode())
        temporary = self.folder / f"{name}.npz.part"
        with temporary.open("wb") as handle:
            np.savez(handle, **arrays)  # type: ignore[arg-type]
        temporary.replace(self.folder / f"{name}.npz")
        self._written[name] = time.monotonic()

    def discard(self) -> None:
        """Remove the folder: the run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    temporary.replace(path)
