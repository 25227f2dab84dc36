"""Where results go: checked before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from metachron.base import InputError, Problem


def refuse_unwritable(path: Path) -> None:
    """Raise `InputError` unless a file may be written at ``path``: its folder is there and can be written to."""
    folder = path.parent
    if path.is_dir():
        found, remedy = "a folder", "give the name of a file in it"
    elif not folder.is_dir():
        found, remedy = f"{folder} is not a folder", "make the folder, or choose another one"
    elif not os.access(folder, os.W_OK):
        found, remedy = f"{folder} may not be written to", "choose another folder"
    else:
        return
    problem = Problem("output", found, "a file name in a folder that may be written to", remedy, file=str(path))
    raise InputError([problem], f"the output {path}")
