"""Visual predictive check of survival: Kaplan-Meier curves of replicated trials around the observed one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.population_survival import checked_times, drawn_parameters
from metachron.inference.predict.recorded import event_times as observed_times
from metachron.inference.predict.recorded import kaplan_meier_of
from metachron.inference.predict.subjects import fitted_design, gather, need_hazard, patient_positions
from metachron.joint import Design, JointModel
from metachron.joint.durable_class import drawn_columns
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.simulate import event_times
from metachron.joint.sites import Theta
from metachron.survival import censoring_survival


def survival_vpc(fit: Fit, time_year: Sequence[float] | np.ndarray, *, draws: int = 200, seed: int = 1) -> pl.DataFrame:
    """Return the Kaplan-Meier estimate of each arm and its 90 % envelope over replicated trials.

    Each replicate has the patients of the trial with effects drawn anew, their entry into observation, and their end
    of observation: as observed where they were censored, and drawn from the arm's censoring distribution after their
    event where they were not. Columns: arm, time_year, observed, simulated_q05, simulated_q50, simulated_q95; NaN
    after the end of follow-up.

    Raises
    ------
    ModelError
        When the fit has no hazard, or holds no patients.
    """
    need_hazard(fit)
    times = checked_times(time_year)
    observed = observed_times(fit)
    assert observed is not None
    design = gather(fitted_design(fit), patient_positions(fit, observed["patient"].to_list()))
    rng = np.random.default_rng(seed)
    theta = take_draws(fit, draws).theta
    count = len(next(iter(theta.values())))
    keys = jax.random.split(jax.random.key(seed), count)
    arms = observed["arm"].unique().sort().to_list()
    curves = np.empty((count, len(arms), len(times)))
    entry = jnp.asarray(observed["entry_year"].to_numpy())
    for index in range(count):
        draw = {name: value[index] for name, value in theta.items()}
        end = replicated_ends(observed, rng)
        event = np.asarray(_replicate(keys[index], draw, design, entry, jnp.asarray(end), model=fit.model))
        trial = observed.with_columns(pl.Series("time_year", np.minimum(event, end)), pl.Series("event", event <= end))
        curves[index] = [arm_curve(trial, arm, times) for arm in arms]
    frame = band_frame(curves, {"arm": arms, "time_year": times}, prefix="simulated_")
    seen = np.concatenate([arm_curve(observed, arm, times) for arm in arms])
    return frame.with_columns(pl.Series("observed", seen)).select(
        "arm", "time_year", "observed", pl.col("^simulated.*$")
    )


def arm_curve(rows: pl.DataFrame, arm: str, times: np.ndarray) -> np.ndarray:
    return kaplan_meier_of(rows.filter(pl.col("arm") == arm)).at(times)


def replicated_ends(observed: pl.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the end of each patient's observation: that recorded, or for those with the event one drawn after it."""
    end = observed["time_year"].to_numpy().copy()
    happened, arms = observed["event"].to_numpy(), observed["arm"].to_numpy()
    for arm in np.unique(arms):
        own = arms == arm
        followed = censoring_survival(end[own], happened[own])
        drawn = own & happened
        level = rng.random(int(drawn.sum())) * followed.after(end[drawn])
        place = np.searchsorted(-followed.survival, -level)
        last = np.append(followed.times, followed.times[-1])
        end[drawn] = np.maximum(last[place], end[drawn])
    return end


@partial(jax.jit, static_argnames=("model",))
def _replicate(
    key: Array,
    theta: Theta,
    design: Design,
    entry_year: Float[Array, " patient"],
    end_year: Float[Array, " patient"],
    *,
    model: JointModel,
) -> Float[Array, " patient"]:
    """Return replicated event times after entry; inf beyond the end of observation."""
    one, two = jax.random.split(key)
    standard = jax.random.normal(one, (entry_year.shape[0], drawn_columns(model)))
    parameters = drawn_parameters(model, theta, standard, design)
    state = patient_state(model, parameters)
    before = cumulative_hazard(model, theta, state, design, jnp.zeros_like(entry_year), entry_year)
    target = before + jax.random.exponential(two, entry_year.shape)
    return event_times(model, theta, parameters, design, target, end_year)
