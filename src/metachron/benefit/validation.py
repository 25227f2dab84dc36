"""How good a model is for other patients: optimism taken off by the bootstrap, and an external cohort beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError
from metachron.benefit.learning import Fit, Predict
from metachron.survival.measures import auc, bootstrap, brier
from metachron.survival.observed import observe
from metachron.survival.recalibration import calibration_slope, concordance, observed_to_expected

MEASURES = {
    "AUC": lambda time, event, survival, horizon: auc(time, event, 1.0 - survival, horizon),
    "C-index": lambda time, event, survival, horizon: concordance(time, event, 1.0 - survival, horizon),
    "Brier": brier,
    "calibration slope": calibration_slope,
    "observed / expected": observed_to_expected,
}
"""By name: functions of time, event, survival at the horizon, and the horizon."""
LEAST_LEARNED = 0.9
"""Where more bootstrap samples than a tenth cannot be learned from, those that can are no fair picture of the rest."""


@dataclass(frozen=True, eq=False)
class Validation:
    """A model judged on the patients whom it was learned from, on bootstrap samples, and on others.

    Attributes
    ----------
    table : measure; apparent (on the development patients); optimism; corrected (apparent minus optimism) with lower
        and upper; external with external_lower and external_upper, null without an external cohort.
    patients, events : of the development patients, events up to the horizon.
    external_patients, external_events : 0 without an external cohort.
    samples, failed : bootstrap samples, and those of them from which no model could be learned; they are left out.
    """

    table: pl.DataFrame
    patients: int
    events: int
    external_patients: int
    external_events: int
    samples: int
    failed: int
    horizon_year: float
    level: float


def validate(
    development: pl.DataFrame,
    fit: Fit,
    predict: Predict,
    *,
    horizon_year: float,
    external: pl.DataFrame | None = None,
    samples: int = 200,
    level: float = 0.95,
    seed: int = 1,
    time: str = "time_year",
    event: str = "event",
) -> Validation:
    """Return the measures of `MEASURES` for a model of survival at a horizon, corrected for optimism.

    Everything that was done to make the model, choices of covariates included, has to happen inside ``fit``: it is
    repeated on each bootstrap sample. A model of a sample does better on the sample than on the development patients;
    the mean difference is the optimism: Harrell 1996,
    doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4. The interval is that of the apparent value
    over the samples, less the optimism: Noma 2021, doi:10.1002/sim.9148. That of the external value is over patients
    drawn with replacement, the model held fixed.

    Parameters
    ----------
    fit, predict : see `metachron.benefit.learning`; `cox_functions` there makes a pair.

    Raises
    ------
    ModelError
        When no model can be learned from the development patients, or from more than a tenth of the samples.
    InputError
        When patients are not followed to the horizon.
    """
    columns = (time, event)
    model = fit(development)
    apparent = _performance(development, predict(model, development), horizon_year, columns)
    inside, outside = _resampled(development, fit, predict, horizon_year, columns, samples, seed)
    optimism = np.nanmean(inside - outside, axis=0)
    tail = 0.5 * (1.0 - level)
    lower, upper = np.nanquantile(inside, (tail, 1.0 - tail), axis=0) - optimism
    table = pl.DataFrame(
        {"measure": list(MEASURES), "apparent": apparent, "optimism": optimism, "corrected": apparent - optimism,
         "lower": lower, "upper": upper}
    )  # fmt: skip
    nothing = [pl.lit(None, pl.Float64).alias(f"external{end}") for end in ("", "_lower", "_upper")]
    outer = (
        None if external is None else _external(external, predict(model, external), horizon_year, columns, level, seed)
    )
    return Validation(
        table=table.with_columns(nothing if outer is None else outer),
        patients=development.height, events=_events(development, horizon_year, columns),
        external_patients=0 if external is None else external.height,
        external_events=0 if external is None else _events(external, horizon_year, columns),
        samples=samples, failed=samples - len(inside), horizon_year=horizon_year, level=level,
    )  # fmt: skip


def _resampled(
    development: pl.DataFrame,
    fit: Fit,
    predict: Predict,
    horizon: float,
    columns: tuple[str, str],
    samples: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the measures of models of bootstrap samples, on the sample and on the development patients."""
    rng = np.random.default_rng(seed)
    inside, outside, reason = [], [], ""
    for _ in range(samples):
        drawn = development[rng.integers(0, development.height, development.height)]
        try:
            learned = fit(drawn)
            values = [_performance(table, predict(learned, table), horizon, columns) for table in (drawn, development)]
        except (InputError, ModelError) as error:
            reason = str(error)
            continue
        inside.append(values[0])
        outside.append(values[1])
    _require_learned(len(inside), samples, reason)
    return np.asarray(inside), np.asarray(outside)


def _performance(table: pl.DataFrame, survival: np.ndarray, horizon: float, columns: tuple[str, str]) -> np.ndarray:
    seen = observe(table[columns[0]], table[columns[1]])
    return np.asarray([measure(seen.time, seen.event, survival, horizon) for measure in MEASURES.values()])


def _external(
    table: pl.DataFrame, survival: np.ndarray, horizon: float, columns: tuple[str, str], level: float, seed: int
) -> list[pl.Series]:
    seen = observe(table[columns[0]], table[columns[1]])
    rows = []
    for measure in MEASURES.values():

        def score(i: np.ndarray, measure=measure) -> float:  # type: ignore[no-untyped-def]
            try:
                return float(measure(seen.time[i], seen.event[i], survival[i], horizon))
            except (InputError, ModelError):
                return float("nan")

        rows.append(
            (measure(seen.time, seen.event, survival, horizon), *bootstrap(len(seen), score, seed=seed, level=level))
        )
    values = np.asarray(rows).T
    return [pl.Series(f"external{end}", each) for end, each in zip(("", "_lower", "_upper"), values, strict=True)]


def _events(table: pl.DataFrame, horizon: float, columns: tuple[str, str]) -> int:
    seen = observe(table[columns[0]], table[columns[1]])
    return int(np.sum(seen.event & (seen.time <= horizon)))


def _require_learned(learned: int, samples: int, reason: str) -> None:
    if learned < LEAST_LEARNED * samples:
        raise ModelError(
            f"from {samples - learned} of {samples} bootstrap samples no model could be learned or judged; the last "
            f"reason: {reason} The model may be too large for these patients: take fewer covariates, or join levels"
        )
