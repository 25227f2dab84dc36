"""Net benefit of acting on a predicted risk, against acting on everybody and on nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from metachron.base import InputError, ModelError, Problem
from metachron.survival import kaplan_meier
from metachron.survival.measures import bootstrap
from metachron.survival.observed import observe

ALL, NONE = "all", "none"
THRESHOLDS = tuple(float(value) for value in np.arange(1, 20) / 20.0)


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit by threshold.

    Attributes
    ----------
    table : one row per strategy and threshold: strategy (a model, ``"all"`` or ``"none"``), threshold, acted_on (share
        of patients), net_benefit with lower and upper (bootstrap over patients, predictions held fixed).
    patients : number.
    horizon_year : NaN for an outcome without a time.
    level : of the intervals.
    """

    table: pl.DataFrame
    patients: int
    horizon_year: float
    level: float


def net_benefit(time: np.ndarray, event: np.ndarray, risk: np.ndarray, horizon: float, *, threshold: float) -> float:
    """Return the net benefit of acting on patients whose risk of the event by the horizon is at the threshold or above.

    P(act) [F - (1 - F) p / (1 - p)], p the threshold and F the Kaplan-Meier estimate of the risk among those acted on:
    the share rightly acted on, minus the share wrongly acted on at the exchange rate that the threshold means. 0 when
    nobody is acted on; NaN when those acted on are not followed to the horizon. Sources: Vickers 2006,
    doi:10.1177/0272989X06295361; with censoring Vickers 2008, doi:10.1186/1472-6947-8-53.
    """
    chosen = risk >= threshold
    if not chosen.any():
        return 0.0
    happened = 1.0 - float(kaplan_meier(time[chosen], event[chosen]).at(horizon))
    return float(chosen.mean() * (happened - (1.0 - happened) * threshold / (1.0 - threshold)))


def decision_curve(
    risks: Mapping[str, ArrayLike],
    time_year: ArrayLike,
    event: ArrayLike,
    *,
    horizon_year: float,
    thresholds: Sequence[float] = THRESHOLDS,
    samples: int = 200,
    level: float = 0.95,
    seed: int = 1,
) -> DecisionCurve:
    """Return the net benefit of each predicted risk of an event by a horizon; see `net_benefit`.

    Parameters
    ----------
    risks : by name, the probability of the event by the horizon for each patient, predicted without that patient.
    thresholds : probabilities between 0 and 1 from which on one would act.

    Raises
    ------
    InputError
        When times and events are not survival data, a risk is missing or no probability, or follow-up ends before the
        horizon.
    ModelError
        When a threshold is not between 0 and 1, or a name is ``"all"`` or ``"none"``.
    """
    observed = observe(time_year, event, names={"time": "time_year"})
    predicted = _checked(risks, len(observed), thresholds)
    if np.isnan(kaplan_meier(observed.time, observed.event).at(horizon_year)):
        raise InputError([_short_follow_up(horizon_year, float(observed.time.max()))], "the decision curve")
    rows = []
    for name, risk in predicted.items():
        for threshold in thresholds:

            def measure(i: np.ndarray, risk: np.ndarray = risk, threshold: float = threshold) -> float:
                return net_benefit(observed.time[i], observed.event[i], risk[i], horizon_year, threshold=threshold)

            value = measure(np.arange(len(observed)))
            low, high = bootstrap(len(observed), measure, samples=samples, seed=seed, level=level)
            rows.append((name, float(threshold), float(np.mean(risk >= threshold)), value, low, high))
    rows += [(NONE, float(threshold), 0.0, 0.0, 0.0, 0.0) for threshold in thresholds]
    columns = ["strategy", "threshold", "acted_on", "net_benefit", "lower", "upper"]
    return DecisionCurve(pl.DataFrame(rows, schema=columns, orient="row"), len(observed), horizon_year, level)


def response_decision_curve(
    risks: Mapping[str, ArrayLike],
    outcome: ArrayLike,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    samples: int = 200,
    level: float = 0.95,
    seed: int = 1,
) -> DecisionCurve:
    """Return the net benefit of each predicted probability of an outcome that is known of everybody: 1 or 0.

    The same as `decision_curve` where nobody is censored; parameters and errors as there.
    """
    values = np.asarray(outcome, dtype=float)
    if not np.isin(values, (0.0, 1.0)).all():
        problem = Problem(
            "outcome", "values other than 0 and 1", "1 (it happened) or 0", "decide about these rows first"
        )
        raise InputError([problem], "the decision curve")
    found = decision_curve(
        risks, np.where(values == 1.0, 1.0, 2.0), values, horizon_year=1.0,
        thresholds=thresholds, samples=samples, level=level, seed=seed,
    )  # fmt: skip
    return DecisionCurve(found.table, found.patients, float("nan"), level)


def _checked(risks: Mapping[str, ArrayLike], count: int, thresholds: Sequence[float]) -> dict[str, np.ndarray]:
    if not thresholds or not all(0.0 < threshold < 1.0 for threshold in thresholds):
        raise ModelError(f"thresholds are probabilities between 0 and 1, not {list(thresholds)}")
    if {ALL, NONE} & set(risks):
        raise ModelError(f"{ALL!r} and {NONE!r} are acting on everybody and on nobody: call the risk by another name")
    found, problems = {}, []
    for name, values in risks.items():
        risk = np.asarray(values, dtype=float)
        if risk.shape == (count,) and np.all((risk >= 0.0) & (risk <= 1.0)):
            found[name] = risk
            continue
        text = f"{risk.size} values for {count} patients, {int(np.sum(~((risk >= 0.0) & (risk <= 1.0))))} not in 0 to 1"
        problems.append(Problem("risk", text, "a probability per patient", "give predicted risks", column=name))
    if problems:
        raise InputError(problems, "the decision curve")
    return {**found, ALL: np.ones(count)}


def _short_follow_up(horizon: float, last: float) -> Problem:
    return Problem(
        rule="horizon",
        found=f"a horizon of {horizon:g} years, with follow-up to {last:g}",
        expected="follow-up to the horizon",
        remedy=f"choose a horizon of at most {last:g} years",
        column="time_year",
    )
