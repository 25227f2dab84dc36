"""``metachron score COHORT --fit FIT | --reference NAME --landmark-day DAY --horizon-day DAY``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.reading import posterior, read_cohort


def score(
    cohort: CohortName,
    /,
    *,
    fit: Annotated[Path | None, Parameter(help="A file that `metachron fit --out` wrote, of other patients.")] = None,
    reference: Annotated[
        str | None, Parameter(help="In its place, a posterior of a public trial: `metachron reference list`.")
    ] = None,
    folds: Annotated[
        int | None,
        Parameter(help="With --fit: score the model of that fit by cross-validation on COHORT, with so many folds."),
    ] = None,
    landmark_day: Annotated[list[float] | None, Parameter(help="Day of the forecast; repeatable. [default: 0]")] = None,
    horizon_day: Annotated[float, Parameter(help="Day, counted from day 0, at which forecasts are judged.")] = 365.0,
    covariate: Annotated[
        list[str] | None, Parameter(help="Baseline column of the Cox models to compare with; repeatable.")
    ] = None,
    draws: Annotated[int, Parameter(help="Draws of the posterior to weigh.")] = 1000,
    seed: Annotated[int, Parameter(help="Of the random numbers.")] = 1,
    mapping: Mapping = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Score forecasts against what happened, beside Kaplan-Meier, Cox models, the last size, and a straight line.

    AUC: 1 is best, 0.5 is chance. Brier scores, calibration error, CRPS and absolute errors: 0 is best.

    metachron score poplar-clinical --reference nsclc-2l-oak --horizon-day 365 --covariate ecog
    """
    import polars as pl

    from metachron.reference import score_from

    source = posterior(fit, reference)
    patients = read_cohort(cohort, mapping)
    keep_compiled_models()
    found = score_from(
        source,
        patients,
        landmark_days=landmark_day or [0.0],
        horizon_day=horizon_day,
        covariates=covariate or (),
        folds=folds,
        draws=draws,
        seed=seed,
        tell=note,
    )
    if json:
        show_json(found.as_dict())
        return
    show_table(found.table)
    if found.calibration.height:
        say("\nCalibration, groups of like forecasts from the lowest up (90 % interval of Kaplan-Meier):\n")
        show_table(found.calibration.select(pl.exclude("horizon_day")))
    say("")
    for sentence in found.notes:
        say(sentence)
