"""``metachron forecast COHORT --fit FIT | --reference NAME --landmark-day DAY --horizon-day DAY --out FILE``."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.reading import posterior, read_cohort

if TYPE_CHECKING:
    from metachron.forecast import Forecast

_SHOWN = 12


def forecast(
    cohort: CohortName,
    /,
    *,
    fit: Annotated[
        Path | None, Parameter(help="A file that `metachron fit --out` wrote: the posterior to forecast from.")
    ] = None,
    reference: Annotated[
        str | None, Parameter(help="In its place, a posterior of a public trial: `metachron reference list`.")
    ] = None,
    landmark_day: Annotated[float, Parameter(help="Day of the forecast: nothing later is looked at.")] = 0.0,
    horizon_day: Annotated[float, Parameter(help="Day, counted from day 0, up to which it goes.")] = 365.0,
    option: Annotated[
        list[str] | None, Parameter(help="An arm of the fit; repeatable. [default: all on day 0, later the own one]")
    ] = None,
    scan_every_day: Annotated[float, Parameter(help="Days between scans to come.")] = 56.0,
    leave_out: Annotated[
        bool, Parameter(negative="", help="Forecast patients of the fit, each taken out of it by weights.")
    ] = False,
    draws: Annotated[int, Parameter(help="Draws of the posterior to weigh.")] = 1000,
    seed: Annotated[int, Parameter(help="Of the random numbers.")] = 1,
    out: Annotated[Path | None, Parameter(help="HTML file to write.")] = None,
    mapping: Mapping = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Forecast patients under each option: size, progression, survival, and how sure that is.

    On day 0 the options are alternatives; later the forecast continues the arm of each patient.

    metachron forecast new-patient --fit trial.fit --landmark-day 90 --horizon-day 365 --out forecast.html
    metachron forecast examples/patients/mcrc --reference mcrc-ffcd --landmark-day 120 --out forecast.html
    """
    from metachron.reference import forecast_from

    source = posterior(fit, reference)
    patients = read_cohort(cohort, mapping)
    keep_compiled_models()
    if out is not None:  # the page's libraries load while the forecast is computed
        threading.Thread(target=import_module, args=("metachron.report",), daemon=True).start()
    found = forecast_from(
        source,
        patients,
        landmark_day=landmark_day,
        horizon_day=horizon_day,
        options=option,
        scan_every_day=scan_every_day,
        draws=draws,
        seed=seed,
        leave_out=leave_out,
    )
    if json:
        show_json(found.as_dict())
    else:
        _show(found)
    if out is not None:
        from metachron.report import write_forecast_page

        note(f"written: {write_forecast_page(found, out)} (open it in a browser)")


def _show(found: Forecast) -> None:
    """Print outcomes and differences of the first patients, and how to take them."""
    import polars as pl

    patients = found.reliability["patient"]
    first = pl.col("patient").is_in(patients.head(_SHOWN).to_list())
    show_table(found.outcomes.filter(first))
    if found.differences.height:
        say("")
        show_table(found.differences.filter(first))
    if patients.len() > _SHOWN:
        say(f"\nand {patients.len() - _SHOWN} more patients: --json has them all")
    say("")
    for sentence in found.notes:
        say(sentence)
