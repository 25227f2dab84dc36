"""What a posterior and simple competitors say of patients at a landmark, beside what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.cohort.seen_sizes import seen_sizes
from metachron.forecast.competitors import Outcome, survival_competitors
from metachron.forecast.forecast import forecast
from metachron.forecast.landmark import known_at
from metachron.forecast.measures import crps
from metachron.forecast.outcomes import (
    after,
    after_without_new_lesion,
    at_risk,
    sizes_after,
    straight_line,
)
from metachron.forecast.result import Forecast
from metachron.forecast.scores import FREE_OF, LAST, LINE, MODEL, SURVIVAL_OF
from metachron.forecast.sizes_ahead import sizes_ahead
from metachron.forecast.source import Source
from metachron.forecast.summaries import ANY, weighted_quantiles


@dataclass(frozen=True, eq=False)
class Curves:
    """Foretold curves of being free of something, and what happened.

    ``outcomes`` : patient, time_year from the landmark, event. ``survival`` : by method, the probability to be free of
    it at each of ``times_year``.
    """

    times_year: Float[np.ndarray, " time"]
    outcomes: pl.DataFrame
    survival: Mapping[str, Float[np.ndarray, "patient time"]]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was foretold of patients at a landmark, and what happened; several of them make one with `join`.

    Parameters
    ----------
    curves : of survival, and of survival without new lesions, where the model has them.
    sizes : patient, day, size_mm, censored, and by method columns crps (of the log of the size), absolute_error (of the
        median, in mm); covered (by the model's 90 % interval).
    """

    landmark_day: float
    horizon_day: float
    curves: Mapping[str, Curves]
    sizes: pl.DataFrame


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
    curves: dict[str, Curves] = {}
    told: list[tuple[str, str, Outcome]] = []
    if model.hazard is not None:
        told.append((SURVIVAL_OF, "survival", partial(after, landmark_day=landmark_day, event=model.hazard.event)))
    if model.new_lesions is not None:
        told.append((FREE_OF, "free", partial(after_without_new_lesion, landmark_day=landmark_day, model=model)))
    if told:
        ahead = forecast(source, people, landmark_day=landmark_day, horizon_day=horizon_day, draws=draws, seed=seed)
        learned = at_risk(train, landmark_day, model)
    for of, column, outcome in told:
        followed = outcome(people)
        known = people.select(followed["patient"].to_list())
        own, times = _curve(ahead, known, column, landmark_day)
        others = survival_competitors(
            learned, known, landmark_day, times, outcome=outcome, covariates=covariates,
            sizes=model.dynamics is not None, limit_mm=limit,
        )  # fmt: skip
        curves[of] = Curves(times, followed, {MODEL: own, **others})
    sizes = pl.DataFrame()
    if model.dynamics is not None:
        sizes = _sizes(source, people, landmark_day, horizon_day, draws, seed)
    return Predicted(landmark_day, horizon_day, curves, sizes)


def _curve(
    found: Forecast, people: Cohort, column: str, landmark_day: float
) -> tuple[Float[np.ndarray, "patient time"], Float[np.ndarray, " time"]]:
    """Return what the forecast says of each patient under the arm given, and the times from the landmark in years."""
    table = found.survival if column == "survival" else found.new_lesions.filter(pl.col("organ") == ANY)
    own = people.patients.select("patient", option="arm")
    given = own.join(table, on=["patient", "option"], maintain_order="left_right")
    values = given[column].to_numpy().reshape(len(people.patient_ids), -1)
    days = given["day"].head(values.shape[1]).to_numpy()
    return values, (days - landmark_day) / DAYS_PER_YEAR


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
    sizes = [part.sizes for part in parts if part.sizes.height]
    curves = {of: _joined([part.curves[of] for part in parts]) for of in first.curves}
    return Predicted(first.landmark_day, first.horizon_day, curves, pl.concat(sizes) if sizes else pl.DataFrame())


def _joined(parts: Sequence[Curves]) -> Curves:
    names = [name for name in parts[0].survival if all(name in part.survival for part in parts)]
    return Curves(
        parts[0].times_year,
        pl.concat([part.outcomes for part in parts]),
        {name: np.concatenate([part.survival[name] for part in parts]) for name in names},
    )
