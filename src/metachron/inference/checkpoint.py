"""Checkpoints of a run: what each chain needs to go on as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from metachron.base import FitFileError

EVERY_SECONDS = 20.0


class Store(Protocol):
    """What a run keeps its state in under names; see `Checkpoint`."""

    def read(self, name: str) -> dict[str, np.ndarray] | None: ...

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None: ...

    def due(self, name: str) -> bool: ...

    def damaged(self, name: str, error: Exception) -> FitFileError: ...


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
        When the folder holds another run, or something that is no checkpoint, or cannot be read.
    """

    folder: Path
    run: Mapping[str, Any]
    every_seconds: float = EVERY_SECONDS
    _written: dict[str, float] = field(default_factory=dict)
    _describing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not self._about.exists():
            if any(self.folder.glob("*.npz")):
                raise FitFileError(
                    f"checkpoint {self.folder}: {self._about.name} is missing, so nothing says which run the arrays "
                    "belong to; remove the folder to start anew"
                )
            return
        try:
            found = json.loads(self._about.read_text(encoding="utf-8"))
            run, parts = found["run"], dict(found["parts"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FitFileError(
                f"checkpoint {self._about}: damaged ({error!r}); remove the folder to start anew"
            ) from error
        if run != self._digest:
            differs = [key for key in self._plain if parts.get(key) != self._plain[key]]
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

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """Return the arrays stored under a name, or None when there are none.

        Raises
        ------
        FitFileError
            When the file is damaged.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise self.damaged(name, error) from error

    def damaged(self, name: str, error: Exception) -> FitFileError:
        """Return the error that says the file of a name cannot be used, and why."""
        path = self.folder / f"{name}.npz"
        return FitFileError(f"checkpoint {path}: damaged ({error!r}); remove the folder to start anew")

    def due(self, name: str) -> bool:
        """Return whether the arrays of a name were last written long enough ago."""
        return time.monotonic() - self._written.setdefault(name, time.monotonic()) >= self.every_seconds

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store arrays under a name; the file is replaced whole or not at all."""
        self._describe()
        temporary = self.folder / f"{name}.npz.part"
        with temporary.open("wb") as handle:
            np.savez(handle, **arrays)  # type: ignore[arg-type]
        temporary.replace(self.folder / f"{name}.npz")
        self._written[name] = time.monotonic()

    def _describe(self) -> None:
        """Write which run the folder belongs to, once: chains that first write together take turns."""
        with self._describing:
            if self._about.exists():
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self._about.with_name(self._about.name + ".part")
            temporary.write_text(json.dumps({"run": self._digest, "parts": self._plain}), encoding="utf-8")
            temporary.replace(self._about)

    def discard(self) -> None:
        """Remove the folder, the run being complete, and the one it lies in if nothing else is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # other engines' checkpoints, or another's files, stay
            self.folder.parent.rmdir()


@dataclass
class MemoryStore:
    """The same for a run that goes on within one process: written at its end alone, and never damaged."""

    _arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """Return the arrays stored under a name, or None when there are none."""
        return self._arrays.get(name)

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store arrays under a name."""
        self._arrays[name] = dict(arrays)

    def due(self, name: str) -> bool:
        """Return that nothing needs to be written before the end."""
        return False

    def damaged(self, name: str, error: Exception) -> FitFileError:
        """Return the error that says the arrays of a name cannot be used."""
        return FitFileError(f"the state of {name} kept in memory cannot be used ({error!r})")
