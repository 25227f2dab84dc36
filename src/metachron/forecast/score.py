"""Forecasts scored against what happened, beside simple competitors that saw the same patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.base import DAYS_PER_YEAR, InputError, ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.forecast.competitors import survival_competitors
from metachron.forecast.forecast import forecast
from metachron.forecast.landmark import known_at
from metachron.forecast.measures import (
    auc,
    bootstrap,
    brier,
    calibration_by_group,
    calibration_error,
    crps,
    integrated_brier,
)
from metachron.forecast.outcomes import after, at_risk, seen_sizes, sizes_after, straight_line
from metachron.forecast.scores import CRPS_OF_LOG_SIZE, INTEGRATED_BRIER, LAST, LINE, MODEL, Scores
from metachron.forecast.sizes_ahead import sizes_ahead
from metachron.forecast.source import Source
from metachron.forecast.summaries import weighted_quantiles
from metachron.inference import Fit
from metachron.survival import censoring_weights

LEAST_EVENTS = 5
COLUMNS = ("landmark_day", "horizon_day", "of", "method", "patients", "count", "score", "value", "low", "high")


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was foretold of patients at a landmark, and what happened; several of them make one with `join`.

    Parameters
    ----------
    outcomes : patient, time_year from the landmark, event.
    survival : by method, the probability to live to each of ``times_year``.
    sizes : patient, day, size_mm, censored, and by method columns crps (of the log of the size), absolute_error (of the
        median, in mm); covered (by the model's 90 % interval).
    """

    landmark_day: float
    horizon_day: float
    times_year: Float[np.ndarray, " time"]
    outcomes: pl.DataFrame
    survival: Mapping[str, Float[np.ndarray, "patient time"]]
    sizes: pl.DataFrame


def score(
    source: Fit | Source,
    cohort: Cohort,
    *,
    landmark_day: float,
    horizon_day: float,
    covariates: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 1,
) -> Scores:
    """Return the scores of forecasts for patients whom the fit has not seen, under the arms that they had.

    Parameters
    ----------
    source : the posterior; its own trial teaches the competitors, or where that is not at hand the patients scored,
        which favours the competitors.
    landmark_day, horizon_day : from day 0.
    covariates : baseline columns of the Cox models that the forecast is held against.

    Raises
    ------
    ModelError
        When patients are in the fit, nobody can be forecast at the landmark, or too few events follow.
    """
    source = source if isinstance(source, Source) else Source.of(source)
    source.refuse_seen(cohort)
    trial = source.fit.cohort
    teachers = cohort if trial is None else trial
    found = predict(source, teachers, cohort, landmark_day, horizon_day, covariates=covariates, draws=draws, seed=seed)
    whose = "the patients scored, which favours them" if trial is None else f"the trial fitted ({trial.name})"
    scores = score_predicted([found], seed=seed)
    return replace(scores, notes=(f"Competitors were taught by {whose}.", *scores.notes))


def predict(
    source: Source,
    train: Cohort,
    test: Cohort,
    landmark_day: float,
    horizon_day: float,
    *,
    covariates: Sequence[str],
    draws: int,
    seed: int,
) -> Predicted:
    """Return what a posterior and the competitors say of the patients of ``test`` who are at risk at the landmark."""
    model, limit = source.fit.model, source.fit.labels.limit_mm
    if unknown := sorted(set(test.arms) - set(source.fit.labels.arms)):
        raise ModelError(
            f"cohort {test.name!r} has arm {list_briefly(unknown)}, which the fit does not know; it has "
            f"{list_briefly(source.fit.labels.arms)}: score the patients of those arms (Cohort.select(arms=...))"
        )
    people = at_risk(test, landmark_day, model)
    survival: dict[str, np.ndarray] = {}
    outcomes, times = pl.DataFrame(), np.zeros(0)
    if model.hazard is not None:
        event = model.hazard.event
        outcomes = after(people, landmark_day, event)
        survival, times = _survival(source, people, landmark_day, horizon_day, draws, seed)
        learned = at_risk(train, landmark_day, model)
        survival |= survival_competitors(
            learned, people, landmark_day, times, event=event, covariates=covariates, sizes=model.dynamics is not None,
            limit_mm=limit,
        )  # fmt: skip
    sizes = pl.DataFrame()
    if model.dynamics is not None:
        sizes = _sizes(source, people, landmark_day, horizon_day, draws, seed)
    return Predicted(landmark_day, horizon_day, times, outcomes, survival, sizes)


def _survival(
    source: Source, people: Cohort, landmark_day: float, horizon_day: float, draws: int, seed: int
) -> tuple[dict[str, np.ndarray], Float[np.ndarray, " time"]]:
    own = dict(people.patients.select("patient", "arm").iter_rows())
    found = forecast(source, people, landmark_day=landmark_day, horizon_day=horizon_day, draws=draws, seed=seed)
    given = found.survival.filter(pl.col("option") == pl.col("patient").replace_strict(own))
    ordered = given.sort(pl.col("patient").cast(pl.Enum(people.patient_ids)), "day")
    values = ordered["survival"].to_numpy().reshape(len(people.patient_ids), -1)
    days = ordered["day"].head(values.shape[1]).to_numpy()
    return {MODEL: values}, (days - landmark_day) / DAYS_PER_YEAR


def _sizes(
    source: Source, people: Cohort, landmark_day: float, horizon_day: float, draws: int, seed: int
) -> pl.DataFrame:
    limit = source.fit.labels.limit_mm
    rows = sizes_after(people, landmark_day, horizon_day, limit)
    if rows.is_empty():
        return pl.DataFrame()
    known = known_at(people, landmark_day, source.fit.model)
    ahead = sizes_ahead(source, known, rows, landmark_day=landmark_day, draws=draws, seed=seed)
    seen = dict(seen_sizes(people, landmark_day, limit).select("patient", pl.struct("day", "size_mm")).iter_rows())
    observed = np.maximum(ahead.rows["size_mm"].to_numpy(), limit)
    low, middle, high = weighted_quantiles(ahead.size_mm, ahead.weight, (0.05, 0.5, 0.95))
    last = np.asarray([seen[p]["size_mm"][-1] for p in ahead.rows["patient"]])
    line = np.asarray(
        [
            straight_line(seen[p]["day"], seen[p]["size_mm"], day)
            for p, day in ahead.rows.select("patient", "day").iter_rows()
        ]
    )
    simple = ((LAST, last), (LINE, line))
    return ahead.rows.with_columns(
        pl.Series(f"crps:{MODEL}", crps(np.log(ahead.size_mm), ahead.weight, np.log(observed))),
        pl.Series(f"absolute_error:{MODEL}", np.abs(middle - observed)),
        pl.Series("covered", (observed >= low) & (observed <= high)),
        *(pl.Series(f"crps:{name}", np.abs(np.log(np.maximum(point, limit) / observed))) for name, point in simple),
        *(pl.Series(f"absolute_error:{name}", np.abs(np.maximum(point, limit) - observed)) for name, point in simple),
    )  # fmt: skip


def join(parts: Sequence[Predicted]) -> Predicted:
    """Return the predictions of several folds as one; methods that every fold has."""
    first = parts[0]
    names = [name for name in first.survival if all(name in part.survival for part in parts)]
    sizes = [part.sizes for part in parts if part.sizes.height]
    return Predicted(
        first.landmark_day,
        first.horizon_day,
        first.times_year,
        pl.concat([part.outcomes for part in parts]),
        {name: np.concatenate([part.survival[name] for part in parts]) for name in names},
        pl.concat(sizes) if sizes else pl.DataFrame(),
    )


def score_predicted(parts: Sequence[Predicted], *, seed: int = 1) -> Scores:
    """Return the scores of predictions, one set per landmark and horizon; what cannot be scored is told in the notes.

    Raises
    ------
    ModelError
        When nothing can be scored.
    """
    rows: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    failures: list[str] = []
    for found in parts:
        about = {"landmark_day": float(found.landmark_day), "horizon_day": float(found.horizon_day)}
        if found.survival:
            try:
                rows += [{**about, **row} for row in _score_survival(found, seed)]
                groups += [{**about, **row} for row in _calibration(found)]
            except (InputError, ModelError) as error:
                failures.append(f"Survival from day {found.landmark_day:g} is not scored: {error}")
        if found.sizes.height:
            rows += [{**about, **row} for row in _score_sizes(found.sizes, seed)]
    if not rows:
        raise ModelError(" ".join(failures) or "there are no sizes and no survival after the landmark to score")
    return Scores(pl.DataFrame(rows).select(COLUMNS), pl.DataFrame(groups), tuple(failures))


def _score_survival(found: Predicted, seed: int) -> list[dict[str, Any]]:
    time, event = found.outcomes["time_year"].to_numpy(), found.outcomes["event"].to_numpy()
    horizon = float(found.times_year[-1])
    events = int(np.sum(event & (time <= horizon)))
    if events < LEAST_EVENTS:
        raise ModelError(
            f"{events} events by day {found.horizon_day:g} of {len(time)} patients at risk on day "
            f"{found.landmark_day:g}: scores need {LEAST_EVENTS} at least; choose a later horizon"
        )
    weights = censoring_weights(time, event, at=found.times_year)
    rows = []
    for method, survival in found.survival.items():
        about = {"of": "survival", "method": method, "patients": len(time), "count": events}
        for name, measure in _measures(time, event, survival, found.times_year, weights).items():
            low, high = bootstrap(len(time), measure, seed=seed)
            value = measure(np.arange(len(time)))
            rows.append({**about, "score": name, "value": value, "low": low, "high": high})
        value = calibration_error(time, event, survival[:, -1], horizon)
        rows.append({**about, "score": "calibration error", "value": value, "low": float("nan"), "high": float("nan")})
    return rows


def _measures(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, times: np.ndarray, weights: np.ndarray
) -> dict[str, Callable[[np.ndarray], float]]:
    """Return the scores as functions of the patients drawn."""
    horizon, last = float(times[-1]), weights[:, -1]
    return {
        "AUC": lambda i: auc(time[i], event[i], 1.0 - survival[i, -1], horizon, weight=last[i]),
        "Brier": lambda i: brier(time[i], event[i], survival[i, -1], horizon, weight=last[i]),
        INTEGRATED_BRIER: lambda i: integrated_brier(time[i], event[i], survival[i], times, weight=weights[i]),
    }


def _calibration(found: Predicted) -> list[dict[str, Any]]:
    time, event = found.outcomes["time_year"].to_numpy(), found.outcomes["event"].to_numpy()
    names = ("patients", "forecast", "observed", "low", "high")
    groups = calibration_by_group(time, event, found.survival[MODEL][:, -1], float(found.times_year[-1]))
    return [dict(zip(names, group, strict=True)) for group in groups]


def _score_sizes(sizes: pl.DataFrame, seed: int) -> list[dict[str, Any]]:
    patients, owner = np.unique(sizes["patient"].to_numpy(), return_inverse=True)
    rows = []

    def scored(method: str, name: str, values: np.ndarray) -> None:
        total = np.bincount(owner, values, minlength=len(patients))
        count = np.bincount(owner, minlength=len(patients))
        low, high = bootstrap(len(patients), lambda i: float(total[i].sum() / count[i].sum()), seed=seed)
        rows.append(
            {"of": "sizes", "method": method, "score": name, "value": float(values.mean()), "low": low, "high": high,
             "patients": len(patients), "count": len(values)}
        )  # fmt: skip

    for method in (MODEL, LAST, LINE):
        scored(method, CRPS_OF_LOG_SIZE, sizes[f"crps:{method}"].to_numpy())
        scored(method, "absolute error, mm", sizes[f"absolute_error:{method}"].to_numpy())
    scored(MODEL, "coverage of 90 % intervals", sizes["covered"].to_numpy().astype(float))
    return rows
