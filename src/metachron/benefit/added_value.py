"""What markers on treatment add, at a landmark, to what was known before treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.special import chdtrc

from metachron.base import ModelError
from metachron.benefit.landmark import LandmarkTable
from metachron.benefit.learning import cox_functions, cross_fit
from metachron.benefit.out_of_fold import OutOfFold, Score
from metachron.survival import CoxFit, fit_cox
from metachron.survival.measures import bootstrap

AUC, BRIER, NET_BENEFIT = "AUC", "Brier", "net benefit"
THRESHOLDS = (0.25, 0.5, 0.75)
"""Risks from which on one would act, where none are named."""
LEAST_EVENTS = 5
"""With fewer events or survivors at the horizon an AUC is that of a handful of patients."""


@dataclass(frozen=True, eq=False)
class AddedValue:
    """Baseline covariates alone against baseline covariates and markers on treatment, for patients at a landmark.

    Attributes
    ----------
    scores : score, threshold (of a net benefit, else null), baseline, with_markers, difference (with_markers minus
        baseline), lower and upper of the difference; see `metachron.benefit.out_of_fold.OutOfFold`. AUC and net benefit
        are better when larger, Brier when smaller.
    cox : table of the Cox model with markers, fitted to all patients of the landmark table.
    likelihood_ratio, degrees, p_value : of the test that the markers add nothing to the Cox model, all patients.
    patients, events : numbers, events up to the horizon.
    left_out : reason and patients (their number).
    landmark_day, horizon_year : the horizon counts from the landmark.
    notes : what the numbers do not tell.
    """

    scores: pl.DataFrame
    cox: pl.DataFrame
    likelihood_ratio: float
    degrees: int
    p_value: float
    patients: int
    events: int
    left_out: pl.DataFrame
    landmark_day: float
    horizon_year: float
    level: float
    notes: tuple[str, ...] = field(default=())


def added_value(
    landmark: LandmarkTable,
    *,
    horizon_year: float,
    reference: Mapping[str, object] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    folds: int = 5,
    repeats: int = 20,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 1,
) -> AddedValue:
    """Return what the markers on treatment add to the baseline covariates in foretelling the event by a horizon.

    Two Cox models, without and with the markers, are learned from the same folds of the same patients. Intervals are
    of differences over patients drawn with replacement, predictions held fixed: they say how sure the comparison of
    these predictions is, and not how much models learned from other patients would differ.

    Parameters
    ----------
    landmark : see `metachron.benefit.landmark.landmark_table`.
    horizon_year : years from the landmark.
    reference : of covariates that are categories, see `metachron.survival.fit_cox`.
    thresholds : risks of the event from which on one would act, for the net benefit.

    Raises
    ------
    ModelError
        When there is no baseline covariate or no marker, fewer than 5 events or survivors at the horizon, or a Cox
        model without a finite maximum.
    InputError
        When patients are not followed to the horizon, or a covariate has a single value.
    """
    if not landmark.baseline or not landmark.on_treatment:
        raise ModelError("a comparison needs one baseline covariate and one marker on treatment at least")
    table = landmark.table
    time, event = table["time_year"].to_numpy(), table["event"].to_numpy()
    events, beyond = int(np.sum(event & (time <= horizon_year))), int(np.sum(time > horizon_year))
    if min(events, beyond) < LEAST_EVENTS:
        raise ModelError(
            f"{events} events and {beyond} patients followed beyond {horizon_year:.3g} years after the landmark: a "
            f"comparison needs {LEAST_EVENTS} of each at least; choose another horizon"
        )
    models = {"baseline": landmark.baseline, "with_markers": (*landmark.baseline, *landmark.on_treatment)}
    fits, foretold = {}, {}
    for name, covariates in models.items():
        own = {column: value for column, value in (reference or {}).items() if column in covariates}
        fits[name] = fit_cox(table, time="time_year", event="event", covariates=covariates, reference=own)
        functions = cox_functions(covariates, horizon_year=horizon_year, reference=own)
        found = cross_fit(table, *functions, folds=folds, repeats=repeats, seed=seed)
        foretold[name] = OutOfFold(time, event, *found, horizon_year)
    scores = _scores(
        foretold["baseline"], foretold["with_markers"], thresholds, samples=samples, level=level, seed=seed
    )
    ratio, degrees, p_value = _likelihood_ratio(fits["baseline"], fits["with_markers"])
    return AddedValue(
        scores=scores, cox=fits["with_markers"].table(level=level), likelihood_ratio=ratio, degrees=degrees,
        p_value=p_value, patients=table.height, events=events, left_out=landmark.reasons(),
        landmark_day=landmark.landmark_day, horizon_year=horizon_year, level=level, notes=_notes(landmark),
    )  # fmt: skip


def _scores(
    smaller: OutOfFold, larger: OutOfFold, thresholds: Sequence[float], *, samples: int, level: float, seed: int
) -> pl.DataFrame:
    pairs: list[tuple[str, float | None, Score, Score]] = [
        (AUC, None, smaller.auc(), larger.auc()),
        (BRIER, None, smaller.brier(), larger.brier()),
        *((NET_BENEFIT, float(p), smaller.net_benefit(p), larger.net_benefit(p)) for p in thresholds),
    ]
    count = len(smaller.time)
    everybody = np.arange(count)
    rows = []
    for name, threshold, before, after in pairs:

        def difference(drawn: np.ndarray, before: Score = before, after: Score = after) -> float:
            return after(drawn) - before(drawn)

        interval = bootstrap(count, difference, samples=samples, seed=seed, level=level)
        rows.append((name, threshold, before(everybody), after(everybody), difference(everybody), *interval))
    columns = ["score", "threshold", "baseline", "with_markers", "difference", "lower", "upper"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def _likelihood_ratio(smaller: CoxFit, larger: CoxFit) -> tuple[float, int, float]:
    ratio, degrees = 2.0 * (larger.log_likelihood - smaller.log_likelihood), len(larger.terms) - len(smaller.terms)
    return float(ratio), degrees, float(chdtrc(degrees, ratio))


def _notes(landmark: LandmarkTable) -> tuple[str, ...]:
    total = landmark.table.height + landmark.left_out.height
    return (
        f"{landmark.left_out.height} of {total} patients are left out; the comparison holds for those like the others.",
        "The intervals take the predictions as they are, and do not cover how models of other patients would differ.",
    )
