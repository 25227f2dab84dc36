"""``metachron two-stage COHORT --link LINK --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.model_options import ModelOptions, build_model
from metachron.cli.progress import chain_progress
from metachron.cli.reading import read_cohort
from metachron.cli.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from metachron.inference.two_stage import TwoStage

_DEFAULTS = ModelOptions()
_SAMPLING = SamplingOptions()


def two_stage(
    cohort: CohortName,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the fits, two_stage.csv and report.html.")],
    mapping: Mapping = None,
    options: ModelOptions = _DEFAULTS,
    sampling: SamplingOptions = _SAMPLING,
    imputations: Annotated[
        int, Parameter(group="Sampling", help="Sets of link values drawn from the dynamics alone.")
    ] = 50,
    check: Annotated[
        bool, Parameter(group="Sampling", help="End with exit code 3 when a fit has not converged.")
    ] = True,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Fit dynamics, then survival on what they estimate; the same with its uncertainty; and jointly, side by side.

    Shows what the shortcut costs. A fit is kept as it ends: after Ctrl-C the same command goes on where it stopped.

    metachron two-stage oak203 --link log-growth --out two-stage
    """
    from metachron.cohort.table_files import write_csv
    from metachron.inference import two_stage as stages
    from metachron.report import write_two_stage_report

    settings = sampling.settings()
    model = build_model(options)
    patients = read_cohort(cohort, mapping)
    note(f"model: {model.describe()}\n")
    keep_compiled_models()
    try:
        found = stages.two_stage(
            model,
            patients,
            settings=settings,
            imputations=imputations,
            folder=out,
            check=check,
            watch=lambda: chain_progress(settings.chains),
            tell=note,
        )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"what has ended is kept in {out}; the same command goes on") from stop
    write_csv(found.table, out / "two_stage.csv")
    write_two_stage_report(found, out / "report.html")
    if json:
        show_json(found.as_dict())
    else:
        _show(found)
    note(f"written: {out / 'two_stage.csv'}, {out / 'report.html'} (open it in a browser)")


def _show(found: TwoStage) -> None:
    """Print the three side by side, and how to take them."""
    from metachron.inference.two_stage import READING

    show_table(found.side_by_side())
    for caution in found.cautions:
        say(f"caution: {caution}")
    say("")
    for sentence in READING:
        say(sentence)
