"""The card of a reference posterior: who is in it, what it may be used for, and what it cannot tell."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from metachron.base import FitFileError


@dataclass(frozen=True)
class Card:
    """What a reader has to know of a reference posterior.

    Parameters
    ----------
    name, title : name on the command line; what it is, in a line.
    data, citation, licence : where the patients come from.
    who : the patients in it. ``use`` : what it may be used for. ``cannot_tell`` : what it cannot tell.
    linked : whether sizes and survival are of the same patients, so that scans update survival.
    parts : file of each part.
    covariates : what a patient's table may hold, with its meaning and unit.
    record : what `metachron.reference.checks.record` found when it was made, part by part.
    """

    name: str
    title: str
    data: str
    citation: str
    licence: str
    who: str
    use: str
    cannot_tell: tuple[str, ...]
    linked: bool
    parts: tuple[str, ...]
    covariates: Mapping[str, str]
    record: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Write the card into a folder."""
        (folder / "card.toml").write_text(tomli_w.dumps(asdict(self), multiline_strings=True), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Card:
        """Return the card in a folder; `FitFileError` where it is missing or not a card."""
        path = folder / "card.toml"
        try:
            found = tomllib.loads(path.read_text("utf-8"))
            lists: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
            return cls(**lists)
        except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
            raise FitFileError(
                f"reference posterior {folder}: its card.toml cannot be read ({type(error).__name__}: {error}); "
                "make it again with `metachron reference make`"
            ) from error
