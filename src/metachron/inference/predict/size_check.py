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
from metachron.inference.predict.subjects import bind_fit, gather, need_dynamics
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.population import patient_parameters, row_parameters
from metachron.joint.sites import Theta, Values

PERCENTILES = (10, 50, 90)
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
    """

    percentiles: pl.DataFrame
    below_limit: pl.DataFrame
    limit_mm: float


@dataclass(frozen=True)
class _Schedule:
    """The recorded rows: value in mm (at least the limit), and the group of arm and time bin each falls in."""

    patient: np.ndarray
    series: np.ndarray
    time_year: np.ndarray
    size_mm: np.ndarray
    group: np.ndarray
    groups: pl.DataFrame
    limit_mm: float


def size_vpc(fit: Fit, *, draws: int = 200, bins: int = 7, seed: int = 1) -> SizeCheck:
    """Return the visual predictive check of sizes.

    In every draw each patient gets new effects from the population, and each recorded visit a new measurement error;
    what falls below the limit is censored as in the data. Where the model has a hazard of death or discontinuation,
    visits after a replicated event are left out, as patients who grow fast are not seen late in the data either.

    Parameters
    ----------
    bins : number of time bins after day 0, with equal numbers of recorded sizes.

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics, or holds no patients.
    """
    need_dynamics(fit)
    schedule, design = _schedule(fit, bins), bind_fit(fit).design
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
        percentiles[index], below[index] = _group_statistics(np.asarray(size), np.asarray(seen), schedule)
    return _compare(schedule, percentiles, below)


def _schedule(fit: Fit, bins: int) -> _Schedule:
    binding = bind_fit(fit)
    design, labels, part = binding.design, fit.labels, fit.model.dynamics
    assert part is not None
    assert design.measured is not None
    assert design.censored is not None
    scale = part.observation.value_scale(part.law)
    stated = part.limit_working
    limit = labels.limit_mm if stated is None else float(scale.to_mm(jnp.asarray(stated)))
    both = [jax.tree.map(lambda a, r=rows: np.asarray(a)[np.asarray(r.weight) > 0], rows) for rows in design[:2]]
    size = np.concatenate([np.asarray(scale.to_mm(jnp.asarray(rows.value))) for rows in both])
    patient, series, time = (
        np.concatenate([getattr(rows, name) for rows in both]) for name in ("patient", "series", "time_year")
    )
    arm = np.asarray(design.arm)[patient]
    after = time[time > 0]
    edges = np.unique(np.quantile(after, np.arange(1, bins) / bins)) if len(after) else np.empty(0)
    place = np.where(time <= 0, 0, 1 + np.searchsorted(edges, time))
    table = pl.DataFrame({"arm_index": arm, "bin": place, "time_year": time})
    groups = (
        table.group_by("arm_index", "bin")
        .agg(pl.col("time_year").median(), pl.len().alias("count"))
        .sort("arm_index", "bin")
    )
    groups = groups.with_row_index("group").with_columns(
        pl.col("arm_index").replace_strict(dict(enumerate(labels.arms)), return_dtype=pl.String).alias("arm")
    )
    group = table.join(groups, on=["arm_index", "bin"], how="left", maintain_order="left")["group"].to_numpy()
    return _Schedule(patient, series, time, np.maximum(size, limit), group, groups.drop("arm_index"), limit)


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


def _group_statistics(size: np.ndarray, seen: np.ndarray, schedule: _Schedule) -> tuple[np.ndarray, np.ndarray]:
    """Return percentiles of the sizes (group, percentile) and the fraction at the limit (group); NaN without sizes."""
    percentiles = np.full((len(schedule.groups), len(PERCENTILES)), np.nan)
    below = np.full(len(schedule.groups), np.nan)
    order = np.argsort(schedule.group, kind="stable")
    bounds = np.searchsorted(schedule.group[order], np.arange(len(below) + 1))
    for group in range(len(below)):
        rows = order[bounds[group] : bounds[group + 1]]
        values = np.maximum(size[rows][seen[rows]], schedule.limit_mm)
        if len(values):
            percentiles[group] = np.percentile(values, PERCENTILES)
            below[group] = np.mean(values <= schedule.limit_mm)
    return percentiles, below


def _compare(schedule: _Schedule, percentiles: np.ndarray, below: np.ndarray) -> SizeCheck:
    everything = np.ones(len(schedule.size_mm), dtype=bool)
    observed, observed_below = _group_statistics(schedule.size_mm, everything, schedule)
    index = schedule.groups["group"].to_list()
    simulated = band_frame(percentiles, {"group": index, "percentile": PERCENTILES}, prefix="simulated_mm_")
    sizes = schedule.groups.cast({"group": pl.Int64}).join(simulated, on="group", maintain_order="left")
    sizes = sizes.with_columns(pl.Series("observed_mm", observed.ravel())).drop("group")
    fraction = pl.concat(
        [schedule.groups.cast({"group": pl.Int64}), band_frame(below, {"g": index}, prefix="simulated_").drop("g")],
        how="horizontal",
    )
    return SizeCheck(
        sizes.select("arm", "bin", "time_year", "count", "percentile", "observed_mm", pl.col("^simulated.*$")),
        fraction.with_columns(pl.Series("observed", observed_below)).select(
            "arm", "bin", "time_year", "count", "observed", pl.col("^simulated.*$")
        ),
        schedule.limit_mm,
    )
