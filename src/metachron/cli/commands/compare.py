"""``metachron compare COHORT --dynamics LAW,LAW --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.base import ConvergenceError
from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.grid_options import GridOptions, build_grid
from metachron.cli.progress import chain_progress
from metachron.cli.reading import read_cohort
from metachron.cli.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from metachron.inference.criticism import ModelComparison

_DEFAULTS = GridOptions()
_SAMPLING = SamplingOptions()


def compare(
    cohort: CohortName,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the fits, comparison.csv and report.html.")],
    mapping: Mapping = None,
    options: GridOptions = _DEFAULTS,
    sampling: SamplingOptions = _SAMPLING,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Fit every combination of laws, hazards and links named, and rank them by leave-one-out by patient.

    A fit is kept as it ends: after Ctrl-C the same command goes on where it stopped.

    metachron compare oak203 --dynamics stein-fojo,gsf --link none,log-growth --out comparison
    """
    from metachron.cohort.table_files import write_csv
    from metachron.inference.criticism import compare_models
    from metachron.report import write_comparison_report

    settings = sampling.settings()
    grid = build_grid(options)
    patients = read_cohort(cohort, mapping)
    keep_compiled_models()
    try:
        found = compare_models(
            grid, patients, settings=settings, folder=out, watch=lambda: chain_progress(settings.chains), tell=note
        )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"the fits that have ended are kept in {out}; the same command goes on") from stop
    write_csv(found.table, out / "comparison.csv")
    write_comparison_report(found, out / "report.html")
    if json:
        show_json(found.as_dict())
    else:
        _show(found)
    note(f"written: {out / 'comparison.csv'}, {out / 'report.html'} (open it in a browser)")
    if found.comparison is None:
        raise ConvergenceError("no model could be ranked: none has a fit that can be used", None)


def _show(found: ModelComparison) -> None:
    """Print the ranking, then why the others are not in it."""
    show_table(found.table.drop("status", "reason"))
    for caution in found.comparison.cautions if found.comparison is not None else ():
        say(f"caution: {caution}")
    for outcome in found.not_ranked:
        say(f"{outcome.name}: {outcome.status}: {outcome.reason}")
