"""``metachron criticise FIT``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table

if TYPE_CHECKING:
    from metachron.inference.criticism import Criticism, LeaveOneOut


def criticise(
    fit: FitPath,
    /,
    *,
    draws: Annotated[int, Parameter(help="Posterior draws of leave-one-out, and replicates of each patient.")] = 1000,
    seed: Annotated[int, Parameter(help="The same seed gives the same numbers.")] = 1,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Show what speaks against a fit: leave-one-out by patient, prediction errors, and what the data leave open."""
    from metachron.inference import Fit
    from metachron.inference.criticism import criticise as judge

    loaded = Fit.load(fit)
    keep_compiled_models()
    found = judge(loaded, draws=draws, seed=seed)
    if json:
        show_json(found.as_dict())
        return
    patients = len(loaded.labels.patients)
    note(f"{loaded.provenance['cohort']}, {patients} patients; {loaded.model.describe()}; {loaded.verdict}\n")
    _show_leave_one_out(found.leave_one_out)
    _show_errors(found)
    say("\nwhat the data leave open:")
    for finding in found.findings:
        say(f"- {finding}")
    if not found.findings:
        say("nothing was found: no parameter repeats its prior or stands at a bound, and no two move together")


def _show_leave_one_out(found: LeaveOneOut | str) -> None:
    import polars as pl

    if isinstance(found, str):
        say(f"leave-one-out: none ({found})")
        return
    say(
        f"leave-one-out by patient: elpd {found.elpd:.1f} (standard error {found.se:.1f}, Monte Carlo error "
        f"{found.mcse:.2f}), p_loo {found.p_loo:.1f}, largest Pareto k {found.max_pareto_k:.2f}"
    )
    if found.weak_patients:
        say("their Pareto k is too large for their elpd to be trusted; look at their data, or fit without them:")
        weak = pl.col("patient").is_in(list(found.weak_patients))
        show_table(found.table.filter(weak).select("patient", "elpd", "p_loo", "pareto_k"))


def _show_errors(found: Criticism) -> None:
    import polars as pl

    errors = {"sizes": found.sizes, "events": found.events}
    rows = [{"errors of": what, **one.tests.as_dict()} for what, one in errors.items() if one is not None]
    if not rows:
        say("\nprediction errors: none (the fit holds no patients)")
        return
    say("\nprediction errors, standard normal where the model is right:")
    show_table(pl.DataFrame(rows))
    for what, one in errors.items():
        if one is not None:
            say(f"{what}: {one.tests.sentence}")
