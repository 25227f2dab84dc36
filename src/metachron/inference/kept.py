"""Fits kept in files: made once, and used again by whoever asks for the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from metachron.base import FitFileError, InputError, Problem
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.fitting import fit
from metachron.inference.progress import Progress
from metachron.inference.settings import FitSettings
from metachron.joint import JointModel

ASKED = "asked"
"""Key of the provenance that holds the settings as they were asked for: the engine may have been chosen since."""

Watch = Callable[[], AbstractContextManager[Progress | None]]
"""Gives, for each fit, a context with the function that is called after every 25 steps of a chain."""


@dataclass(frozen=True)
class Keeper:
    """Makes fits of one cohort with one set of settings, and keeps them in a folder.

    Parameters
    ----------
    folder : where fits are kept, by name; None keeps nothing.
    settings : of every fit.
    watch : how the chains of a fit are shown.
    tell : called with a sentence when another part of the work begins.
    """

    cohort: Cohort
    settings: FitSettings = field(default_factory=FitSettings)
    folder: Path | None = None
    watch: Watch = nullcontext
    tell: Callable[[str], None] = lambda sentence: None

    def path(self, name: str) -> Path | None:
        """Return the file of a fit."""
        return None if self.folder is None else self.folder / f"{name}.fit"

    def prepare(self, models: Mapping[str, JointModel]) -> None:
        """Make the folder, and see before any work that what it keeps under these names are fits of these models.

        Raises
        ------
        FitFileError
            When one is another fit; see `kept`.
        InputError
            When the folder cannot be made or written to.
        """
        for name, model in models.items():
            self.kept(model, name)
        if self.folder is not None:
            _make_folder(self.folder)

    def kept(self, model: JointModel, name: str) -> Fit | None:
        """Return the fit that is kept under a name; None where there is none.

        Raises
        ------
        FitFileError
            When the file holds a fit of another model, cohort or settings, or made by another version.
        """
        path = self.path(name)
        if path is None or not path.exists():
            return None
        found = Fit.load(path)
        if differs := self._differences(model, found):
            raise FitFileError(
                f"fit file {path}: it is another fit ({'; '.join(differs)}); repeat the command that wrote it, choose "
                "another folder, or remove the file to fit anew"
            )
        return found

    def fit(self, model: JointModel, name: str) -> Fit:
        """Return the fit of a model, converged or not: the kept one, or a new one, which is kept.

        Raises
        ------
        FitFileError
            When what is kept is another fit, or its checkpoint another run.
        KeyboardInterrupt
            When interrupted; with a folder, the next call goes on from the checkpoint.
        """
        if (found := self.kept(model, name)) is not None:
            self.tell(f"taken from {self.path(name)}")
            return found
        path = self.path(name)
        checkpoint = None if path is None else path.with_suffix(".checkpoint")
        options: dict[str, Any] = {"check": False, "checkpoint": checkpoint, "tell": self.tell}
        with self.watch() as progress:
            made = fit(model, self.cohort, progress=progress, **asdict(self.settings), **options)
        if made.provenance["interrupted"]:
            raise KeyboardInterrupt("interrupted while sampling")
        made = replace(made, provenance={**made.provenance, ASKED: asdict(self.settings)})
        if path is not None and checkpoint is not None:
            made.save(path)
            shutil.rmtree(checkpoint, ignore_errors=True)
        return made

    def _differences(self, model: JointModel, found: Fit) -> list[str]:
        """Return in what a kept fit differs from what is asked for."""
        asked, made = asdict(self.settings), found.provenance.get(ASKED, {})
        differs = [] if found.model == model else ["of another model"]
        if found.provenance.get("cohort_sha256") != self.cohort.fingerprint():
            differs.append("of other data")
        differs += [f"{key} {made.get(key)}, not {value}" for key, value in asked.items() if made.get(key) != value]
        own, current = found.provenance.get("versions", {}).get("metachron"), version("metachron")
        return differs if own == current else [*differs, f"made by metachron {own}, not {current}"]


def _make_folder(path: Path) -> None:
    found = ""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found = str(error)
    if not found and not os.access(path, os.W_OK):
        found = "a folder that may not be written to"
    if found:
        problem = Problem("output", found, "a folder that can be made", "choose another folder", file=str(path))
        raise InputError([problem], f"the output {path}")
