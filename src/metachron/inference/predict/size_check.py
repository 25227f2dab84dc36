"""Visual predictive check of sizes: percentiles of replicated measurements beside the recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Bool, Float, Int

from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.hazard_grid import pick_patients
from metachron.inference.predict.size_schedule import PERCENTILES, Schedule, read_schedule
from metachron.inference.predict.subjects import bind_fit, gather, need_dynamics
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.population import patient_parameters, row_parameters
from metachron.joint.sites import Theta, Values

_ENDS_SIZES = ("death", "discontinuation")
"""Events after which no size is recorded."""


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
    ends = fit.model.hazard is not None and fit.model.hazard.event in _ENDS_SIZES
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
        size, seen = _replicate(keys[index], draw, design, rows, *placed, entry, model=fit.model, ends=ends)
        size, seen = np.asarray(size), np.asarray(seen) & schedule.made(np.asarray(size))
        percentiles[index], below[index] = schedule.statistics(size, seen)
    return _compare(schedule, percentiles, below)


@partial(jax.jit, static_argnames=("model", "ends"))
def _replicate(
    key: Array,
    theta: Theta,
    design: Design,
    rows: Design,
    patient: Int[Array, " row"],
    series: Int[Array, " row"],
    time_year: Float[Array, " row"],
    entry_year: Float[Array, " patient"],
    *,
    model: JointModel,
    ends: bool,
) -> tuple[Float[Array, " row"], Bool[Array, " row"]]:
    """Return replicated sizes in mm and whether the visit is made: the replicated patient has had no event by then."""
    part = model.dynamics
    assert part is not None
    keys = jax.random.split(key, 4)
    shapes = (design.arm.shape[0], len(part.random)), (design.series_patient.shape[0], len(part.lesion))
    standard, lesion = (jax.random.normal(k, shape) for k, shape in zip(keys[:2], shapes, strict=True))
    parameters = patient_parameters(part, Values(dict(theta), standard, lesion), design)
    location = part.law.location(time_year, row_parameters(part, parameters, patient, series))
    residual = {name: theta[f"residual.{name}"] for name, _ in part.residual_priors}
    mean, sd = part.observation.mean_and_sd(location, part.law, residual)
    value = mean + sd * jax.random.normal(keys[2], mean.shape)
    size = part.observation.value_scale(part.law).to_mm(value)
    if not ends:
        return size, jnp.ones_like(size, dtype=bool)
    state = patient_state(model, pick_patients(parameters, patient))
    entry = entry_year[patient]
    passed = cumulative_hazard(model, theta, state, rows, entry, jnp.maximum(time_year, entry))
    return size, passed < jax.random.exponential(keys[3], entry_year.shape)[patient]


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
