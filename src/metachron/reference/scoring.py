"""Scores of forecasts from a reference posterior or a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.forecast import Scores, Source, cross_validate, score
from metachron.forecast.scores import gathered
from metachron.inference import Fit
from metachron.reference.reference import Reference


def score_from(
    source: Reference | Fit | Source,
    cohort: Cohort,
    *,
    landmark_days: Sequence[float],
    horizon_day: float,
    covariates: Sequence[str] = (),
    folds: int | None = None,
    draws: int = 1000,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> Scores:
    """Return the scores at several landmarks; arguments and errors as for `metachron.forecast.score`.

    Parameters
    ----------
    folds : score the model by cross-validation on the cohort, with so many folds, in place of the posterior at hand.

    A part of a reference whose data the cohort does not have (sizes, or follow-up) is not scored, and a note says so.
    """
    parts = source.parts.values() if isinstance(source, Reference) else (source,)
    found, notes = [], []
    for each in parts:
        part = each if isinstance(each, Source) else Source.of(each)
        model = part.fit.model
        if model.dynamics is not None and cohort.measurements.is_empty():
            notes.append("Sizes are not scored: the cohort has none.")
            continue
        if model.hazard is not None and cohort.followup.is_empty():
            notes.append("Survival is not scored: the cohort has no follow-up.")
            continue
        if folds is not None:
            pairs = [(day, horizon_day) for day in landmark_days]
            found.append(
                cross_validate(
                    model, cohort, landmarks_and_horizons=pairs, covariates=covariates, folds=folds, draws=draws,
                    seed=seed, tell=tell,
                )
            )  # fmt: skip
            continue
        for day in landmark_days:
            found.append(
                score(
                    part, cohort, landmark_day=day, horizon_day=horizon_day, covariates=covariates, draws=draws,
                    seed=seed,
                )
            )  # fmt: skip
    if not found:
        raise ModelError(f"nothing of cohort {cohort.name!r} can be scored: {' '.join(notes)}")
    return gathered(found, notes)
