"""Normalised prediction distribution errors of sizes."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, Int

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.inference.criticism.decorrelate import prediction_errors
from metachron.inference.criticism.normal_tests import PredictionErrors, judge_normal
from metachron.inference.fit import Fit
from metachron.inference.predict.draws import cycled_draws
from metachron.inference.predict.replicates import replicate_values
from metachron.inference.predict.size_schedule import Schedule, read_schedule
from metachron.inference.predict.subjects import bind_fit, need_dynamics
from metachron.joint import Design, Dims, JointModel
from metachron.joint.durable_class import drawn_columns, split_drawn
from metachron.joint.likelihood import event_log_likelihood
from metachron.joint.population import patient_parameters
from metachron.joint.sites import Theta
from metachron.joint.vector import Values, effect_shapes

CANDIDATES = 32
"""Effects drawn for each patient and replicate, of which one is kept by how well it agrees with the patient's event."""
FEWEST = 100
"""Replicates: with fewer, errors beyond 2.6 cannot be told apart."""
PER_ROW = 5
"""Replicates per size of the patient with most sizes, at least: a covariance needs more sets than it has columns."""


def size_npde(fit: Fit, *, replicates: int = 1000, seed: int = 1) -> PredictionErrors:
    """Return the normalised prediction distribution errors of the recorded sizes.

    In every replicate a draw of the population parameters gives each patient new effects, and each recorded visit a new
    measurement error. In a joint model the new effects are drawn given the patient's event or its censoring, since a
    patient who lived to be seen late is not one of all patients; with `event_npde`, which judges the event itself, both
    outcomes are then covered once. What the errors mean stands at `prediction_errors`.

    Columns: patient, lesion (null: the sum), arm, day, time_year, size_mm (the limit where censored), censored,
    predicted_mm (median of the replicates), npde.

    Parameters
    ----------
    replicates : how many; posterior draws are used in turn where there are fewer.

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics or holds no patients, or the replicates are too few for its patients.
    """
    need_dynamics(fit)
    schedule = read_schedule(fit, 1, until_progression=False)
    part = fit.model.dynamics
    assert part is not None
    longest = int(np.bincount(schedule.patient).max())
    least = max(FEWEST, PER_ROW * longest)
    if replicates < least:
        raise ModelError(
            f"prediction errors need at least {least} replicates here (the longest record has {longest} sizes); found "
            f"{replicates}"
        )
    values = _replicates(fit, schedule, replicates, seed)
    scale = part.observation.value_scale(part.law)
    limit = float(scale.from_mm(jnp.asarray(schedule.limit_mm)))
    censored = np.isneginf(schedule.size_mm)
    recorded = np.where(censored, -np.inf, scale.from_mm(jnp.asarray(np.where(censored, 1.0, schedule.size_mm))))
    rng = np.random.default_rng([seed, replicates])
    errors = np.empty(len(recorded))
    order = np.lexsort((schedule.series, schedule.time_year, schedule.patient))
    for rows in np.split(order, np.flatnonzero(np.diff(schedule.patient[order])) + 1):
        errors[rows] = prediction_errors(recorded[rows], values[:, rows], limit, rng)
    predicted = np.asarray(scale.to_mm(jnp.asarray(np.median(values, axis=0))))
    table = _table(fit, schedule, predicted, errors)
    return PredictionErrors(table, judge_normal(table["npde"].to_numpy()), replicates)


def _table(fit: Fit, schedule: Schedule, predicted: np.ndarray, errors: np.ndarray) -> pl.DataFrame:
    arm = np.asarray(bind_fit(fit).design.arm)[schedule.patient]
    names = fit.labels.series
    lesion = [names[index][1] for index in schedule.series]
    return pl.DataFrame(
        {
            "patient": [fit.labels.patients[index] for index in schedule.patient],
            "lesion": pl.Series(lesion, dtype=pl.String),
            "arm": [fit.labels.arms[index] for index in arm],
            "day": schedule.time_year * DAYS_PER_YEAR,
            "time_year": schedule.time_year,
            "size_mm": np.where(np.isneginf(schedule.size_mm), schedule.limit_mm, schedule.size_mm),
            "censored": np.isneginf(schedule.size_mm),
            "predicted_mm": predicted,
            "npde": errors,
        }
    ).sort("patient", "day", "lesion")


def _replicates(fit: Fit, schedule: Schedule, count: int, seed: int) -> Float[np.ndarray, "replicate row"]:
    binding = bind_fit(fit)
    keys = jax.random.split(jax.random.key(seed), count)
    placed = [jnp.asarray(a) for a in (schedule.patient, schedule.series, schedule.time_year)]
    design = binding.design._replace(measured=None, censored=None)
    return np.asarray(_replicate(keys, cycled_draws(fit, count), design, *placed, model=fit.model, dims=binding.dims))


@partial(jax.jit, static_argnames=("model", "dims"))
def _replicate(
    keys: Array,
    theta: Theta,
    design: Design,
    patient: Int[Array, " row"],
    series: Int[Array, " row"],
    time_year: Float[Array, " row"],
    *,
    model: JointModel,
    dims: Dims,
) -> Float[Array, "replicate row"]:
    """Return replicated values on the scale of the observation law; single precision, since they are only ranked."""
    part = model.dynamics
    assert part is not None

    def one(given: tuple[Array, Theta]) -> Float[Array, " row"]:
        key, draw = given
        keys = jax.random.split(key, 3)
        standard = _effects(keys[0], model, draw, design, dims)
        lesion = jax.random.normal(keys[1], effect_shapes(model, dims)[1])
        effects, durable = split_drawn(model, draw, design, standard)
        parameters = patient_parameters(model, Values(dict(draw), effects, lesion), design, durable)
        assert parameters is not None
        return replicate_values(part, draw, parameters, patient, series, time_year, keys[2]).astype(jnp.float32)

    return jax.lax.map(one, (keys, theta))


def _effects(key: Array, model: JointModel, theta: Theta, design: Design, dims: Dims) -> Float[Array, "patient column"]:
    """Return standardised effects drawn from the population, given each patient's event where the model has one.

    As of `split_drawn`: the class, where the model has one, is drawn with them.

    Of several candidates one is taken with probability in proportion to the likelihood of the event (sampling and
    importance resampling, Rubin 1988, Bayesian Statistics 3: exact as the number of candidates grows).
    """
    shape = (effect_shapes(model, dims)[0][0], drawn_columns(model))
    if model.hazard is None or not drawn_columns(model):
        return jax.random.normal(key, shape)
    one, two = jax.random.split(key)
    candidates = jax.random.normal(one, (CANDIDATES, *shape))

    def log_weight(standard: Float[Array, "patient column"]) -> Float[Array, " patient"]:
        lesion = jnp.zeros(effect_shapes(model, dims)[1])
        effects, durable = split_drawn(model, theta, design, standard)
        parameters = patient_parameters(model, Values(dict(theta), effects, lesion), design, durable)
        found = event_log_likelihood(model, theta, parameters, design, dims)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    weights = jax.lax.map(log_weight, candidates)
    chosen = jax.random.categorical(two, jnp.maximum(weights, -1e6), axis=0)
    return jnp.take_along_axis(candidates, chosen[None, :, None], axis=0)[0]
