"""``metachron report FIT --out FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note


def report(
    fit: FitPath,
    /,
    *,
    out: Annotated[Path, Parameter(help="HTML file.")],
    title: Annotated[str | None, Parameter(help="Heading of the report.")] = None,
    patient: Annotated[
        list[str] | None, Parameter(help="Show the fit of this patient; repeatable. [default: a selection]")
    ] = None,
) -> None:
    """Write an HTML report of a fit: one file, readable without a network."""
    from metachron.inference import Fit
    from metachron.report import write_report

    loaded = Fit.load(fit)
    keep_compiled_models()
    write_report(loaded, out, title=title, patients=patient)
    note(f"written: {out}")
