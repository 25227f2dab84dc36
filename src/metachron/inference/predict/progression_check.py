"""Visual predictive check of progression by size: Kaplan-Meier curves of replicated trials around the recorded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.population_survival import checked_times
from metachron.inference.predict.progression_stop import Visits
from metachron.inference.predict.recorded import event_times
from metachron.inference.predict.replicates import ENDS_SIZES, replicate_sizes
from metachron.inference.predict.size_schedule import Schedule, read_schedule
from metachron.inference.predict.subjects import bind_fit, gather, need_dynamics
from metachron.inference.predict.survival_check import arm_curve, replicated_ends

MISSED = 1.5
"""A death this many usual intervals after the last scan, or later, did not end the scans: one was due before it."""


def recorded_progressions(fit: Fit) -> pl.DataFrame:
    """Return the first progression by size of each patient who has a size after day 0, found on the scans made.

    Progression is a sum both 20 % and 5 mm above the smallest one before it (sizes below the limit count as the limit).
    Columns: patient, arm, entry_year (0), time_year (of the scan that shows it, or of the last one), event.

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics, holds no patients, or has sizes lesion by lesion.
    """
    return _recorded(fit, _schedule(fit))


def progression_vpc(
    fit: Fit, time_year: Sequence[float] | np.ndarray, *, draws: int = 200, seed: int = 1
) -> pl.DataFrame:
    """Return the Kaplan-Meier estimate of no progression by size, and its 90 % envelope over replicated trials.

    Each replicate has the patients of the trial with effects drawn anew, scanned as recorded. Patients whose scans were
    ended by progression or death go on to be scanned at the trial's usual interval, until a replicated progression,
    a replicated event that ends the sizes, or an end of observation drawn from the arm's censoring distribution.
    Columns: arm, time_year, observed, simulated_q05, simulated_q50, simulated_q95; NaN after the last scan.

    Raises
    ------
    ModelError
        As `recorded_progressions`, or when nobody has a size after day 0.
    """
    times = checked_times(time_year)
    schedule = _schedule(fit)
    observed = _recorded(fit, schedule)
    if observed.is_empty():
        raise ModelError("progression by size cannot be checked: no patient has a size after day 0")
    plan = _plan(fit, schedule, observed)
    design = bind_fit(fit).design
    ends = fit.model.hazard is not None and fit.model.hazard.event in ENDS_SIZES
    entry = design.events.entry_year if ends and design.events is not None else jnp.zeros(design.arm.shape[0])
    rows, placed = gather(design, plan.patient), [jnp.asarray(a) for a in (plan.patient, plan.patient, plan.time_year)]
    rng = np.random.default_rng(seed)
    theta = take_draws(fit, draws).theta
    keys = jax.random.split(jax.random.key(seed), len(next(iter(theta.values()))))
    arms = observed["arm"].unique().sort().to_list()
    curves = np.empty((len(keys), len(arms), len(times)))
    for index, key in enumerate(keys):
        draw = {name: value[index] for name, value in theta.items()}
        size, seen = replicate_sizes(key, draw, design, rows, *placed, entry, model=fit.model, ends=ends)
        end = replicated_ends(plan.ended, rng)
        made = np.asarray(seen) & (plan.time_year <= end[plan.row])
        trial = _first(observed, plan.visits, np.maximum(np.asarray(size), schedule.limit_mm), made, plan.time_year)
        curves[index] = [arm_curve(trial, arm, times) for arm in arms]
    frame = band_frame(curves, {"arm": arms, "time_year": times}, prefix="simulated_")
    seen_curve = np.concatenate([arm_curve(observed, arm, times) for arm in arms])
    return frame.with_columns(pl.Series("observed", seen_curve)).select(
        "arm", "time_year", "observed", pl.col("^simulated.*$")
    )


@dataclass(frozen=True)
class _Plan:
    """The scans that replicates may have: rows by patient index, row of the observed table, and time.

    ``ended`` : the observed table with every patient whose scans progression or death ended as one with the event.
    """

    patient: np.ndarray
    row: np.ndarray
    time_year: np.ndarray
    visits: Visits
    ended: pl.DataFrame


def _schedule(fit: Fit) -> Schedule:
    need_dynamics(fit)
    assert fit.model.dynamics is not None
    if fit.model.dynamics.size == "lesion":
        raise ModelError("progression is that of the sum of lesions, and this fit has sizes lesion by lesion")
    return read_schedule(fit, 1, until_progression=False)


def _recorded(fit: Fit, schedule: Schedule) -> pl.DataFrame:
    index = np.unique(schedule.patient)
    arms = np.asarray(fit.labels.arms)[np.asarray(bind_fit(fit).design.arm)[index]]
    who = pl.DataFrame({"patient": [fit.labels.patients[i] for i in index], "arm": arms.tolist()})
    visits = Visits.of(schedule.patient, schedule.time_year)
    size = np.maximum(schedule.size_mm, schedule.limit_mm)
    return _first(who, visits, size, np.ones(len(size), dtype=bool), schedule.time_year)


def _first(
    who: pl.DataFrame, visits: Visits, size_mm: np.ndarray, made: np.ndarray, time_year: np.ndarray
) -> pl.DataFrame:
    """Return time and kind of the end of each patient's scans; patients without a scan after day 0 are left out.

    Scans are made up to some time of each patient, so that a scan that was made comes after others that were.
    """
    real = (visits.rows >= 0) & made[visits.rows]
    progressed = visits.progressions(size_mm) & real
    had = progressed.any(axis=1)
    last = np.maximum(real.sum(axis=1) - 1, 0)
    place = np.where(had, progressed.argmax(axis=1), last)
    time = time_year[visits.rows[np.arange(len(place)), place]]
    table = who.select("patient", "arm").with_columns(
        pl.lit(0.0).alias("entry_year"), pl.Series("time_year", time), pl.Series("event", had)
    )
    return table.filter((pl.col("time_year") > 0) & pl.Series(real.any(axis=1)))


def _plan(fit: Fit, schedule: Schedule, observed: pl.DataFrame) -> _Plan:
    """Return the recorded scans, and after the last one more at the usual interval, to the end of all follow-up."""
    order = {patient: index for index, patient in enumerate(fit.labels.patients)}
    index = np.asarray([order[patient] for patient in observed["patient"]])
    gap = _usual_interval_year(schedule)
    horizon = float(schedule.time_year.max())
    place = np.full(len(order), -1)
    place[index] = np.arange(len(index))
    kept = place[schedule.patient] >= 0
    own, time = place[schedule.patient[kept]], schedule.time_year[kept]
    last = np.full(len(index), -np.inf)
    np.maximum.at(last, own, time)
    more = np.maximum(np.floor((horizon - last) / gap + 0.5), 0).astype(int)
    count = np.arange(more.sum()) - np.repeat(np.cumsum(more) - more, more)
    row = np.concatenate([own, np.repeat(np.arange(len(index)), more)])
    time = np.concatenate([time, np.repeat(last, more) + gap * (count + 1)])
    return _Plan(index[row], row, time, Visits.of(row, time), _ended(fit, observed, gap))


def _usual_interval_year(schedule: Schedule) -> float:
    """Return the median time between consecutive scans of a patient after day 0, or of all where there are none."""
    order = np.lexsort((schedule.time_year, schedule.patient))
    time, patient = schedule.time_year[order], schedule.patient[order]
    gaps, same = np.diff(time), np.diff(patient) == 0
    later = same & (time[:-1] > 0)
    return float(np.median(gaps[later if later.any() else same]))


def _ended(fit: Fit, observed: pl.DataFrame, gap: float) -> pl.DataFrame:
    """Return the observed table with scans that were ended by death (before the next was due) counted as an event."""
    if fit.model.hazard is None or fit.model.hazard.event not in ENDS_SIZES:
        return observed
    outcomes = event_times(fit)
    assert outcomes is not None
    died = outcomes.filter("event").select("patient", pl.col("time_year").alias("died_year"))
    known = observed.join(died, on="patient", how="left", maintain_order="left")
    by_death = (pl.col("died_year") - pl.col("time_year") < MISSED * gap).fill_null(value=False)
    return known.with_columns(pl.col("event") | by_death).drop("died_year")
