"""``metachron summary FIT``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.console import note, show_json
from metachron.cli.fit_table import show_durable, show_fit


def summary(
    fit: FitPath, /, *, json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False
) -> None:
    """Show the population parameters of a fit and whether it has converged."""
    from metachron.inference import Fit

    loaded = Fit.load(fit)
    if json:
        show_json(loaded.as_dict())
        return
    patients = len(loaded.labels.patients)
    note(f"{loaded.provenance['cohort']}, {patients} patients; {loaded.model.describe()}\n")
    show_fit(loaded)
    if loaded.model.durable is not None and loaded.cohort is not None:
        show_durable(loaded)
