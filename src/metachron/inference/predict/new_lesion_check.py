"""Does the model reproduce the new lesions? Their mean number over time against that of replicated trials."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.cohort.new_lesions import new_lesions_found
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import fitted_parameters, take_draws
from metachron.inference.predict.durable import with_classes
from metachron.inference.predict.population_survival import checked_times
from metachron.inference.predict.subjects import bind_fit, fitted_design, need_cohort
from metachron.joint.simulate_new_lesions import draw_new_lesions, seen_new_lesions
from metachron.joint.stretches import Stretches

ROUNDING = 1e-9
"""Years by which a lesion may come after the last day watched: on a clock that starts anew that day is a sum."""


def new_lesion_vpc(
    fit: Fit, time_year: Sequence[float] | np.ndarray, *, draws: int = 200, seed: int = 1
) -> pl.DataFrame:
    """Return the mean number of new lesions per patient in each arm, and its 90 % envelope over replicated trials.

    The mean cumulative function of Nelson 1995 (doi:10.1080/00401706.1995.10484321): at every time the new lesions seen
    over the patients still watched, summed up. Each replicate has the patients of the trial with their own effects, as
    the draw has them, watched as long as they were: whoever gets many new lesions dies early, so patients drawn anew
    would be watched for too long. Where lesions appear between visits, replicated ones are seen at the next visit too.
    Columns: arm, time_year, observed, simulated_q05, simulated_q50, simulated_q95; NaN after the last patient watched.

    Raises
    ------
    ModelError
        When the fit has no process of new lesions, or holds no patients.
    """
    if fit.model.new_lesions is None:
        raise ModelError("new lesions cannot be checked: the model has no process of new lesions")
    times, cohort, design = checked_times(time_year), need_cohort(fit), fitted_design(fit)
    last = _watched_year(bind_fit(fit).design.stretches, design.arm.shape[0])
    arm = np.asarray(design.arm)
    names, organs = np.array(fit.labels.patients), fit.labels.new_lesion_organs or ("unknown",)
    index = {name: place for place, name in enumerate(fit.labels.patients)}
    found = new_lesions_found(cohort.events).filter(pl.col("patient").is_in(list(index)))
    places = np.array([index[name] for name in found["patient"]], dtype=int)
    years = np.maximum(found["day"].to_numpy() / DAYS_PER_YEAR, 0.0)
    rng, chosen = np.random.default_rng(seed), with_classes(fit, take_draws(fit, draws))
    count = len(next(iter(chosen.theta.values())))
    curves = np.empty((count, len(fit.labels.arms), len(times)))
    for number in range(count):
        own = jax.tree.map(lambda leaf, at=number: leaf[at], chosen)
        individual = fitted_parameters(fit.model, own, design)
        drawn = draw_new_lesions(fit.model, own.theta, individual, design, last, fit.labels.new_lesion_knots_year, rng)
        seen = seen_new_lesions(fit.model, drawn, cohort.visits, names, organs)
        who = np.array([index[name] for name in seen["patient"]], dtype=int)
        when = seen["day_upper"].to_numpy() / DAYS_PER_YEAR
        curves[number] = _mean_counts(who, when, last, arm, len(fit.labels.arms), times)
    frame = band_frame(curves, {"arm": list(fit.labels.arms), "time_year": times}, prefix="simulated_")
    observed = _mean_counts(places, years, last, arm, len(fit.labels.arms), times)
    return frame.with_columns(pl.Series("observed", observed.ravel())).select(
        "arm", "time_year", "observed", pl.col("^simulated.*$")
    )


def _watched_year(rows: Stretches | None, patients: int) -> np.ndarray:
    """Return until when each patient was watched for new lesions, in years from day 0; 0 for those who were not."""
    assert rows is not None
    end = np.zeros(patients)
    at_risk = np.asarray(rows.survived) > 0
    stop = np.asarray(rows.origin_year + rows.stop_year)
    np.maximum.at(end, np.asarray(rows.patient)[at_risk], stop[at_risk])
    return end


def _mean_counts(
    who: np.ndarray, year: np.ndarray, last: np.ndarray, arm: np.ndarray, arms: int, times: np.ndarray
) -> np.ndarray:
    """Return the mean cumulative function of every arm: (arm, time)."""
    found = np.full((arms, len(times)), np.nan)
    for number in range(arms):
        ends = np.sort(last[(arm == number) & (last > 0)])
        if not len(ends):
            continue
        seen = (arm[who] == number) & (year <= last[who] + ROUNDING)
        own = np.sort(np.minimum(year, last[who])[seen])
        watched = len(ends) - np.searchsorted(ends, own, side="left")
        summed = np.concatenate([[0.0], np.cumsum(1.0 / watched)])
        curve = summed[np.searchsorted(own, times, side="right")]
        found[number] = np.where(times <= ends[-1], curve, np.nan)
    return found
