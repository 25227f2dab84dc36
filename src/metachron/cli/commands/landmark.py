"""``metachron landmark COHORT --baseline A,B --markers LATER --landmark-day DAY``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from metachron.base import DAYS_PER_YEAR, list_briefly
from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.model_options import split_names
from metachron.cli.outputs import refuse_unwritable
from metachron.cli.reading import read_cohort

if TYPE_CHECKING:
    from metachron.benefit import AddedValue, LandmarkTable


def landmark(
    cohort: CohortName,
    /,
    *,
    baseline: Annotated[
        list[str], Parameter(help="Columns of patients, and log_baseline_size; known before treatment. Commas between.")
    ],
    markers: Annotated[
        list[str],
        Parameter(
            help="Known under treatment: log_change_in_size, log_best_change_in_size, regrowth_per_year, or of a "
            "recorded marker last:NAME, change:NAME, log_ratio:NAME. Commas between."
        ),
    ],
    landmark_day: Annotated[list[float], Parameter(help="Day until which one waits, from day 0; repeatable.")],
    days_ahead: Annotated[float, Parameter(help="Days after the landmark for which the event is foretold.")] = 365.25,
    outcome: Annotated[Literal["os", "pfs"], Parameter(help="Overall or progression-free survival.")] = "os",
    threshold: Annotated[
        list[float] | None,
        Parameter(help="Risk from which on one would act, for net benefit; repeatable. [default: 0.25, 0.5, 0.75]"),
    ] = None,
    repeats: Annotated[int, Parameter(help="Of the cross-validation.")] = 20,
    seed: Annotated[int, Parameter(help="Of folds and bootstrap samples.")] = 1,
    out: Annotated[Path | None, Parameter(help="CSV file for the scores.")] = None,
    mapping: Mapping = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Ask what is gained by waiting: what markers under treatment add to what was known at the start.

    Only patients alive and under observation on the landmark day count, with what was known by then, and time from
    then on. Two Cox models are compared on patients whom they were not learned from.

    metachron landmark inspire --baseline pdl1_percent,log_tmb,log_baseline_size \
        --markers last:ctdna_decreased_by_cycle_3 --landmark-day 42 --landmark-day 84
    """
    import polars as pl

    from metachron.benefit import added_value, landmark_table
    from metachron.benefit.added_value import THRESHOLDS

    if out is not None:
        refuse_unwritable(out)
    patients = read_cohort(cohort, mapping)
    names = {"baseline": split_names(baseline), "on_treatment": split_names(markers)}
    found = []
    for day in landmark_day:
        table = landmark_table(patients, landmark_day=day, endpoint=outcome, **names)
        note(f"day {day:g}: {table.table.height} patients at risk of whom everything is known")
        one = added_value(
            table,
            horizon_year=days_ahead / DAYS_PER_YEAR,
            reference=_references(table),
            thresholds=threshold or THRESHOLDS,
            repeats=repeats,
            seed=seed,
        )
        found.append(one)
    scores = pl.concat(one.scores.select(pl.lit(one.landmark_day).alias("landmark_day"), pl.all()) for one in found)
    if out is not None:
        from metachron.cohort.table_files import write_csv

        write_csv(scores, out)
        note(f"{out}: {scores.height} rows")
    if json:
        show_json([_document(one) for one in found])
        return
    for one in found:
        _show(one, days_ahead)


def _references(table: LandmarkTable) -> dict[str, object]:
    """Return the first level of each covariate in words."""
    import polars as pl

    words = table.table.select(table.baseline).select(pl.col(pl.String))
    return {name: min(column) for name, column in words.to_dict().items()}


def _show(one: AddedValue, days_ahead: float) -> None:
    say(
        f"\nday {one.landmark_day:g}: {one.patients} patients, {one.events} with the event within {days_ahead:g} days "
        f"of it; likelihood ratio {one.likelihood_ratio:.1f} on {one.degrees}, p = {one.p_value:.2g}"
    )
    show_table(one.scores)
    show_table(one.cox.select("term", "hazard_ratio", "lower", "upper", "p_value"))
    left = [f"{reason} ({patients})" for reason, patients in one.left_out.iter_rows()]
    say(f"left out: {list_briefly(left, 20)}" if left else "nobody is left out")
    for text in one.notes:
        say(text)


def _document(one: AddedValue) -> dict[str, object]:
    return {
        "landmark_day": one.landmark_day, "horizon_year": one.horizon_year, "patients": one.patients,
        "events": one.events, "likelihood_ratio": one.likelihood_ratio, "degrees": one.degrees, "p_value": one.p_value,
        "scores": one.scores.to_dicts(), "cox": one.cox.to_dicts(), "left_out": one.left_out.to_dicts(),
        "notes": list(one.notes),
    }  # fmt: skip
