"""Forecasts scored against what happened, beside simple competitors that saw the same patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError
from metachron.cohort import Cohort
from metachron.forecast.foretold import Curves, Predicted, predict
from metachron.forecast.scores import (
    CRPS_OF_LOG_SIZE,
    INTEGRATED_BRIER,
    LAST,
    LINE,
    MODEL,
    SIZES_OF,
    Scores,
)
from metachron.forecast.source import Source
from metachron.inference import Fit
from metachron.survival import censoring_weights
from metachron.survival.measures import (
    auc,
    bootstrap,
    brier,
    calibration_by_group,
    calibration_error,
    integrated_brier,
)

LEAST_EVENTS = 5
COLUMNS = ("landmark_day", "horizon_day", "of", "method", "patients", "count", "score", "value", "low", "high")


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
        for of, curves in found.curves.items():
            try:
                rows += [{**about, "of": of, **row} for row in _score_survival(found, curves, seed)]
                groups += [{**about, "of": of, **row} for row in _calibration(curves)]
            except (InputError, ModelError) as error:
                failures.append(f"{of.capitalize()} from day {found.landmark_day:g} is not scored: {error}")
        if found.sizes.height:
            rows += [{**about, **row} for row in _score_sizes(found.sizes, seed)]
    if not rows:
        raise ModelError(" ".join(failures) or "there are no sizes and no survival after the landmark to score")
    return Scores(pl.DataFrame(rows).select(COLUMNS), pl.DataFrame(groups), tuple(failures))


def _score_survival(found: Predicted, curves: Curves, seed: int) -> list[dict[str, Any]]:
    time, event = curves.outcomes["time_year"].to_numpy(), curves.outcomes["event"].to_numpy()
    horizon = float(curves.times_year[-1])
    events = int(np.sum(event & (time <= horizon)))
    if events < LEAST_EVENTS:
        raise ModelError(
            f"{events} events by day {found.horizon_day:g} of {len(time)} patients at risk on day "
            f"{found.landmark_day:g}: scores need {LEAST_EVENTS} at least; choose a later horizon"
        )
    weights = censoring_weights(time, event, at=curves.times_year)
    rows = []
    for method, survival in curves.survival.items():
        about = {"method": method, "patients": len(time), "count": events}
        for name, measure in _measures(time, event, survival, curves.times_year, weights).items():
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


def _calibration(curves: Curves) -> list[dict[str, Any]]:
    time, event = curves.outcomes["time_year"].to_numpy(), curves.outcomes["event"].to_numpy()
    names = ("patients", "forecast", "observed", "low", "high")
    groups = calibration_by_group(time, event, curves.survival[MODEL][:, -1], float(curves.times_year[-1]))
    return [dict(zip(names, group, strict=True)) for group in groups]


def _score_sizes(sizes: pl.DataFrame, seed: int) -> list[dict[str, Any]]:
    patients, owner = np.unique(sizes["patient"].to_numpy(), return_inverse=True)
    rows = []

    def scored(method: str, name: str, values: np.ndarray) -> None:
        total = np.bincount(owner, values, minlength=len(patients))
        count = np.bincount(owner, minlength=len(patients))
        low, high = bootstrap(len(patients), lambda i: float(total[i].sum() / count[i].sum()), seed=seed)
        rows.append(
            {"of": SIZES_OF, "method": method, "score": name, "value": float(values.mean()), "low": low, "high": high,
             "patients": len(patients), "count": len(values)}
        )  # fmt: skip

    for method in (MODEL, LAST, LINE):
        scored(method, CRPS_OF_LOG_SIZE, sizes[f"crps:{method}"].to_numpy())
        scored(method, "absolute error, mm", sizes[f"absolute_error:{method}"].to_numpy())
    scored(MODEL, "coverage of 90 % intervals", sizes["covered"].to_numpy().astype(float))
    return rows
