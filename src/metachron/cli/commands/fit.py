"""``metachron fit COHORT --out FIT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import note
from metachron.cli.fitting import estimate_and_save, fit_and_save
from metachron.cli.model_options import ModelOptions, build_model, describe_model
from metachron.cli.outputs import refuse_unwritable

_DEFAULTS = ModelOptions()
_SAMPLING = "Sampling"


def fit(
    cohort: CohortName,
    /,
    *,
    out: Annotated[Path, Parameter(help="File for the fit (netCDF).")],
    mapping: Mapping = None,
    options: ModelOptions = _DEFAULTS,
    engine: Annotated[
        str, Parameter(group=_SAMPLING, help="auto, marginal (patient effects integrated out) or nuts (all sampled).")
    ] = "auto",
    estimate: Annotated[
        str | None,
        Parameter(group=_SAMPLING, help="ml or map: the maximum with standard errors, written to --out as JSON."),
    ] = None,
    chains: Annotated[int, Parameter(group=_SAMPLING, help="Independent chains.")] = 4,
    warmup: Annotated[
        int | None, Parameter(group=_SAMPLING, help="Adaptation steps of each chain: 300 marginal, 1000 nuts.")
    ] = None,
    draws: Annotated[int, Parameter(group=_SAMPLING, help="Draws kept of each chain.")] = 1000,
    seed: Annotated[int, Parameter(group=_SAMPLING, help="The same seed gives the same draws.")] = 1,
    target_acceptance: Annotated[
        float, Parameter(group=_SAMPLING, help="Mean acceptance aimed at; 0.95 where steps diverge.")
    ] = 0.8,
    check: Annotated[
        bool, Parameter(group=_SAMPLING, help="End with exit code 3 when the draws have not converged.")
    ] = True,
    checkpoint: Annotated[
        Path | None,
        Parameter(group=_SAMPLING, help="Folder from which a killed run goes on; OUT.checkpoint unless given."),
    ] = None,
) -> None:
    """Fit a model to a cohort, save the draws and show the population parameters.

    Ctrl-C after warm-up keeps the draws made so far; the same command then goes on where it stopped.
    """
    from metachron.cohort.read import load

    refuse_unwritable(out)
    patients = load(cohort, mapping=mapping)
    model = build_model(options)
    note(f"cohort: {patients.name}, {patients.patients.height} patients, {patients.measurements.height} measurements")
    for remark in patients.notes:
        note(f"  note: {remark}")
    note(f"model: {describe_model(model)}\n")
    if estimate is not None:
        estimate_and_save(model, patients, out, estimate, seed=seed)
        return
    folder = checkpoint or out.with_name(out.name + ".checkpoint")
    if folder.exists():
        note(f"going on from {folder}")
    fit_and_save(
        model,
        patients,
        out,
        check=check,
        engine=engine,
        chains=chains,
        warmup=warmup,
        draws=draws,
        seed=seed,
        target_acceptance=target_acceptance,
        checkpoint=folder,
    )
