"""``metachron summary FIT``."""

from __future__ import annotations

import json as json_format
import math
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.console import note
from metachron.cli.fit_table import show_fit
from metachron.cli.model_options import describe_model


def summary(
    fit: FitPath, /, *, json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False
) -> None:
    """Show the population parameters of a fit and whether it has converged."""
    from metachron.inference import Fit

    loaded = Fit.load(fit)
    if json:
        print(json_format.dumps(_strict(loaded.as_dict()), allow_nan=False, indent=2))
        return
    patients = len(loaded.labels.patients)
    note(f"{loaded.provenance['cohort']}, {patients} patients; {describe_model(loaded.model)}\n")
    show_fit(loaded)


def _strict(value: object) -> object:
    """Return the value with null in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
