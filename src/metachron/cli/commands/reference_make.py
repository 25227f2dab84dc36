"""``metachron reference make NAME --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say


def make_reference(
    name: Annotated[str, Parameter(help="Name in `metachron reference list`.")],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for its files.")],
) -> None:
    """Fit a reference posterior again from the public files, and write it with its card.

    metachron reference make mcrc-ffcd --out mcrc-ffcd
    """
    from metachron.reference import check_reference
    from metachron.reference import make_reference as make

    keep_compiled_models()
    make(name, out, note)
    for problem in check_reference(out):
        note(f"problem: {problem}")
    say(f"written: {out}")
