"""Normalised prediction errors of times to an event."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float
from scipy.special import ndtri

from metachron.inference.criticism.normal_tests import PredictionErrors, judge_normal
from metachron.inference.fit import Fit
from metachron.inference.predict.draws import cycled_draws
from metachron.inference.predict.population_survival import drawn_parameters
from metachron.inference.predict.subjects import bind_fit, need_hazard
from metachron.joint import Design, Dims, JointModel
from metachron.joint.durable_class import drawn_columns
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.sites import Theta
from metachron.joint.vector import effect_shapes

EFFECTS = 8
"""Effects drawn per patient and posterior draw; with 1,000 draws the error of a survival probability is below 0.006."""
_SMALLEST = 1e-12


def event_npde(fit: Fit, *, draws: int = 1000, seed: int = 1) -> PredictionErrors:
    """Return the normalised prediction error of each patient's time to the event.

    u = 1 - S(T), with S the survival predicted for the patient's arm and covariates: averaged over posterior draws and
    over effects drawn from the population, given survival to entry. Of a patient who was censored at c it is known that
    u lies above 1 - S(c), of an event between two days that u lies between their values: a uniform draw in that range
    is taken. The error is the normal quantile of u, standard normal where the model is right; it is above 0 for a
    patient whose event came later than predicted. Dawid 1984, doi:10.2307/2981683; the randomised version Dunn and
    Smyth 1996, doi:10.2307/1390802.

    Columns: patient, arm, entry_year, time_year (of the event, its upper limit where it lies between two days, or of
    censoring), event, survival (predicted, at that time), npde. Patients without follow-up for the event are left out.

    Raises
    ------
    ModelError
        When the fit has no hazard, or holds no patients.
    """
    need_hazard(fit)
    binding = bind_fit(fit)
    events = binding.design.events
    assert events is not None
    keys = jax.random.split(jax.random.key(seed), draws)
    theta = cycled_draws(fit, draws)
    survived = _survival(keys, theta, binding.design, model=fit.model, dims=binding.dims)
    lower, upper = (np.asarray(s)[: len(fit.labels.patients)] for s in survived)
    known, exact, interval, entry, last = (
        np.asarray(leaf)[: len(fit.labels.patients)]
        for leaf in (events.known, events.exact, events.interval, events.entry_year, events.upper_year)
    )
    ceiling = np.where(exact > 0, 1.0 - lower, np.where(interval > 0, 1.0 - upper, 1.0))
    level = np.random.default_rng([seed, draws]).uniform(1.0 - lower, ceiling)
    arm = np.asarray(binding.design.arm)[: len(level)]
    table = pl.DataFrame(
        {
            "patient": list(fit.labels.patients),
            "arm": [fit.labels.arms[index] for index in arm],
            "entry_year": entry,
            "time_year": last,
            "event": (exact + interval) > 0,
            "survival": np.where(interval > 0, upper, lower),
            "npde": ndtri(np.clip(level, _SMALLEST, 1.0 - _SMALLEST)),
        }
    ).filter(pl.Series(known > 0))
    return PredictionErrors(table, judge_normal(table["npde"].to_numpy()), draws)


@partial(jax.jit, static_argnames=("model", "dims"))
def _survival(
    keys: Array, theta: Theta, design: Design, *, model: JointModel, dims: Dims
) -> tuple[Float[Array, " patient"], Float[Array, " patient"]]:
    """Return the predicted probability of no event by the lower and by the upper time, given survival to entry."""
    events = design.events
    assert events is not None
    patients = effect_shapes(model, dims)[0][0]
    shape = (EFFECTS, design.arm.shape[0] if patients == 0 else patients, drawn_columns(model))

    def add(total: tuple[Array, Array], given: tuple[Array, Theta]) -> tuple[tuple[Array, Array], None]:
        key, draw = given

        def survived(standard: Array) -> tuple[Array, Array]:
            state = patient_state(model, drawn_parameters(model, draw, standard, design))
            hazards = [
                cumulative_hazard(model, draw, state, design, events.entry_year, until)
                for until in (events.lower_year, events.upper_year)
            ]
            return jnp.exp(-hazards[0]), jnp.exp(-hazards[1])

        found = jax.lax.map(survived, jax.random.normal(key, shape))
        return (total[0] + found[0].mean(axis=0), total[1] + found[1].mean(axis=0)), None

    zero = jnp.zeros(design.arm.shape[0])
    sums, _ = jax.lax.scan(add, (zero, zero), (keys, theta))
    return sums[0] / len(keys), sums[1] / len(keys)
