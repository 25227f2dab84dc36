"""Visual predictive check of sizes: percentiles of replicated measurements beside the recorded ones."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.replicates import ENDS_SIZES, replicate_sizes
from metachron.inference.predict.size_schedule import PERCENTILES, Schedule, read_schedule
from metachron.inference.predict.subjects import bind_fit, gather, need_dynamics


@dataclass(frozen=True)
class SizeCheck:
    """Recorded and replicated sizes in bins of time; the first bin holds everything up to day 0.

    Parameters
    ----------
    percentiles : arm, bin, time_year (median of the recorded times), count (recorded sizes), percentile, observed_mm,
        simulated_mm_q05, simulated_mm_q50, simulated_mm_q95. Sizes below the limit stand at the limit on both sides.
    below_limit : arm, bin, time_year, count, observed, simulated_q05, simulated_q50, simulated_q95: the fraction of
        sizes below the limit.
    limit_mm : the limit.
    until_progression : whether only visits up to the first progression count, in the data and in replicates.
    """

    percentiles: pl.DataFrame
    below_limit: pl.DataFrame
    limit_mm: float
    until_progression: bool


def size_vpc(
    fit: Fit, *, draws: int = 200, bins: int = 7, seed: int = 1, until_progression: bool | None = None
) -> SizeCheck:
    """Return the visual predictive check of sizes.

    In every draw each patient gets new effects from the population, and each recorded visit a new measurement error;
    what falls below the limit is censored as in the data. Where the model has a hazard of death or discontinuation,
    visits after a replicated event are left out, as patients who grow fast are not seen late in the data either.

    Parameters
    ----------
    bins : number of time bins after day 0, with equal numbers of recorded sizes.
    until_progression : count only visits up to the first one with a sum 20 % and 5 mm above its nadir, in the data and
        in replicates: where imaging stops at progression, late visits are those of responders. None: decided by the
        data (see `progression_stop.STOPS_BELOW`), and not for sizes lesion by lesion.

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics or holds no patients, or progression is asked for lesion by lesion.
    """
    need_dynamics(fit)
    schedule, design = read_schedule(fit, bins, until_progression), bind_fit(fit).design
    ends = fit.model.hazard is not None and fit.model.hazard.event in ENDS_SIZES
    entry = design.events.entry_year if ends and design.events is not None else jnp.zeros(design.arm.shape[0])
    rows = gather(design, schedule.patient)
    placed = [jnp.asarray(a) for a in (schedule.patient, schedule.series, schedule.time_year)]
    theta = take_draws(fit, draws).theta
    count = len(next(iter(theta.values())))
    keys = jax.random.split(jax.random.key(seed), count)
    percentiles = np.empty((count, len(schedule.groups), len(PERCENTILES)))
    below = np.empty((count, len(schedule.groups)))
    for index in range(count):
        draw = {name: value[index] for name, value in theta.items()}
        size, seen = replicate_sizes(keys[index], draw, design, rows, *placed, entry, model=fit.model, ends=ends)
        size, seen = np.asarray(size), np.asarray(seen) & schedule.made(np.asarray(size))
        percentiles[index], below[index] = schedule.statistics(size, seen)
    return _compare(schedule, percentiles, below)


def _compare(schedule: Schedule, percentiles: np.ndarray, below: np.ndarray) -> SizeCheck:
    made = schedule.made(schedule.size_mm)
    observed, observed_below = schedule.statistics(schedule.size_mm, made)
    counts = np.bincount(schedule.group[made], minlength=len(schedule.groups))
    groups = schedule.groups.with_columns(pl.Series("count", counts))
    index = groups["group"].to_list()
    simulated = band_frame(percentiles, {"group": index, "percentile": PERCENTILES}, prefix="simulated_mm_")
    sizes = groups.join(simulated, on="group", maintain_order="left")
    sizes = sizes.with_columns(pl.Series("observed_mm", observed.ravel())).drop("group")
    fraction = pl.concat(
        [groups, band_frame(below, {"g": index}, prefix="simulated_").drop("g")],
        how="horizontal",
    )
    return SizeCheck(
        sizes.select("arm", "bin", "time_year", "count", "percentile", "observed_mm", pl.col("^simulated.*$")),
        fraction.with_columns(pl.Series("observed", observed_below)).select(
            "arm", "bin", "time_year", "count", "observed", pl.col("^simulated.*$")
        ),
        schedule.limit_mm,
        schedule.visits is not None,
    )
