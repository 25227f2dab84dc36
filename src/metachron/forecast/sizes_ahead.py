"""Sizes as they will be read at given days after a landmark: draws with measurement error, of patients still alive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Bool, Float, Int

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort
from metachron.cohort.arrays import bucket
from metachron.forecast.condition import Conditioned, sample_unreliable, weigh
from metachron.forecast.copies import copy_patients
from metachron.forecast.futures import one_patient, readings_mm
from metachron.forecast.single_lesions import lesion_names
from metachron.forecast.source import Source
from metachron.inference.predict.draws import population_vectors
from metachron.inference.predict.hazard_grid import Grid, cumulative_on_grid, grid_to
from metachron.inference.predict.subjects import gather
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import patient_state
from metachron.joint.sites import Theta


@dataclass(frozen=True, eq=False)
class SizesAhead:
    """Draws of sizes to be read.

    Parameters
    ----------
    rows : patient, day, and whatever else the rows asked for hold.
    size_mm : a reading per draw; sizes below the limit count as the limit.
    weight : probability of being alive at the day under the draw: sizes are read of the living.
    """

    rows: pl.DataFrame
    size_mm: Float[np.ndarray, "draw row"]
    weight: Float[np.ndarray, "draw row"]


def sizes_ahead(
    source: Source, known: Cohort, rows: pl.DataFrame, *, landmark_day: float, draws: int = 1000, seed: int = 1
) -> SizesAhead:
    """Return draws of the sizes of patients under their own arms at the days of ``rows`` (patient, day).

    Parameters
    ----------
    known : what is known of the patients at the landmark (`known_at`); their arms are those of the fit.
    """
    model, labels = source.fit.model, source.fit.labels
    vectors = population_vectors(source.fit, draws)
    size, weight, found = [], [], []
    for arm in known.arms:
        own = known.select(arms=[arm])
        asked = rows.filter(pl.col("patient").is_in(list(own.patient_ids)))
        if asked.is_empty():
            continue
        copies = copy_patients(own, model, labels, (arm,), source.pool, seed=seed)
        weighed = weigh(source.fit, copies, vectors, seed=seed)
        (conditioned,) = sample_unreliable(source.fit, [weighed], vectors, seed=seed)
        read, alive = _read(model, conditioned, own, asked, landmark_day, labels.limit_mm, seed)
        size.append(read)
        weight.append(alive)
        found.append(asked)
    return SizesAhead(pl.concat(found), np.concatenate(size, axis=1), np.concatenate(weight, axis=1))


def _read(
    model: JointModel,
    conditioned: Conditioned,
    cohort: Cohort,
    rows: pl.DataFrame,
    landmark_day: float,
    limit_mm: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    place = {patient: number for number, patient in enumerate(cohort.patient_ids)}
    who = np.asarray([place[patient] for patient in rows["patient"]])
    filled = np.resize(np.arange(len(who)), bucket(len(who)))
    draw, imputation = conditioned.draw[who][filled], conditioned.imputation[who][filled]
    copy = np.take_along_axis(conditioned.copies.rows[who][filled][:, 0], imputation, axis=1)
    days = rows["day"].to_numpy()[filled]
    edges = np.unique(np.concatenate([[landmark_day], days])) / DAYS_PER_YEAR
    grid = grid_to(edges, conditioned.binding.design)
    at = np.searchsorted(edges, days / DAYS_PER_YEAR)
    theta = {name: value[draw] for name, value in conditioned.theta.items()}
    keys = jax.random.split(jax.random.key(seed), len(filled))
    lesions = lesion_names(cohort, conditioned.binding, conditioned.copies.rows[:, 0, 0])
    target = lesions.target[who][filled]
    size, alive = _draw(
        theta, conditioned.effects[who][filled], conditioned.lesions[who][filled], conditioned.durable[who, 0][filled],
        target, copy, days / DAYS_PER_YEAR, at, keys, conditioned.binding.design, grid, limit_mm, model=model,
    )  # fmt: skip
    return np.asarray(size)[: len(who)].T, np.asarray(alive)[: len(who)].T


@partial(jax.jit, static_argnames=("model",))
def _draw(
    theta: Theta,
    effects: Float[Array, "row draw effect"],
    lesions: Float[Array, "row draw lesion effect"],
    durable: Bool[Array, "row draw"],
    target: Float[Array, "row lesion"],
    copy: Int[Array, "row draw"],
    time_year: Float[Array, " row"],
    at: Int[Array, " row"],
    keys: Array,
    design: Design,
    grid: Grid,
    limit_mm: Float[Array, ""],
    *,
    model: JointModel,
) -> tuple[Float[Array, "row draw"], Float[Array, "row draw"]]:
    def one(
        theta: Theta,
        effects: Array,
        lesions: Array,
        member: Array,
        copy: Array,
        key: Array,
        target: Array,
        time: Array,
        place: Array,
    ) -> tuple[Array, Array]:
        own = gather(design, copy[None])
        parameters = one_patient(model, theta, effects, lesions, member, own)
        assert parameters is not None
        size = readings_mm(model, theta, parameters, time[None], key, target, limit_mm, 1)[0, 0]
        if model.hazard is None:
            return size, jnp.ones(())
        passed = cumulative_on_grid(model, theta, patient_state(model, parameters), own, grid)[0]
        return size, jnp.exp(passed[0] - passed[place])

    draws = jax.vmap(one, in_axes=(0, 0, 0, 0, 0, 0, None, None, None))

    def row(own: tuple[Theta, Array, Array, Array, Array, Array, Array, Array, Array]) -> tuple[Array, Array]:
        theta, effects, lesions, durable, target, copy, time, place, key = own
        keys = jax.random.split(key, len(effects))
        found: tuple[Array, Array] = draws(theta, effects, lesions, durable, copy, keys, target, time, place)
        return found

    return jax.lax.map(row, (theta, effects, lesions, durable, target, copy, time_year, at, keys))
