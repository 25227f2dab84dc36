"""``metachron fit COHORT --out FIT``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import note
from metachron.cli.fitting import estimate_and_save, fit_and_save
from metachron.cli.model_options import ModelOptions, build_model
from metachron.cli.outputs import refuse_unwritable
from metachron.cli.reading import read_cohort
from metachron.cli.sampling_options import SamplingOptions

_DEFAULTS = ModelOptions()
_SAMPLING = SamplingOptions()


def fit(
    cohort: CohortName,
    /,
    *,
    out: Annotated[Path, Parameter(help="File for the fit (netCDF).")],
    mapping: Mapping = None,
    options: ModelOptions = _DEFAULTS,
    sampling: SamplingOptions = _SAMPLING,
    estimate: Annotated[
        str | None,
        Parameter(group="Sampling", help="ml or map: the maximum with standard errors, written to --out as JSON."),
    ] = None,
    check: Annotated[
        bool, Parameter(group="Sampling", help="End with exit code 3 when the draws have not converged.")
    ] = True,
    checkpoint: Annotated[
        Path | None,
        Parameter(group="Sampling", help="Folder from which a killed run goes on; OUT.checkpoint unless given."),
    ] = None,
) -> None:
    """Fit a model to a cohort, save the draws and show the population parameters.

    Ctrl-C after warm-up keeps the draws made so far; the same command then goes on where it stopped.
    """
    refuse_unwritable(out)
    patients = read_cohort(cohort, mapping)
    model = build_model(options)
    note(f"model: {model.describe()}\n")
    if estimate is not None:
        estimate_and_save(model, patients, out, estimate, seed=sampling.seed)
        return
    folder = checkpoint or out.with_name(out.name + ".checkpoint")
    if folder.exists():
        note(f"going on from {folder}")
    fit_and_save(model, patients, out, check=check, checkpoint=folder, **asdict(sampling))
