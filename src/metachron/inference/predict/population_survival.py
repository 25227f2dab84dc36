"""Survival predicted for a whole arm: averaged over patients whose effects are drawn anew from the population."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.hazard_grid import Grid, cumulative_on_grid, grid_to
from metachron.inference.predict.subjects import fitted_design, gather, need_hazard, standard_normals, with_arm
from metachron.joint import Design, JointModel
from metachron.joint.durable_class import drawn_columns, split_drawn
from metachron.joint.hazard_terms import patient_state
from metachron.joint.population import PatientParameters, patient_parameters
from metachron.joint.sites import Theta
from metachron.joint.vector import Values

ROWS = 256
"""Patients drawn anew per draw and arm, at least; by evenly spread points the error of their mean is about 0.003."""


def survival_by_arm(
    fit: Fit, time_year: Sequence[float] | np.ndarray, *, draws: int = 200, seed: int = 1
) -> pl.DataFrame:
    """Return the predicted survival of each arm's own patients, to be held against Kaplan-Meier.

    The covariates are those of the arm's patients; patient effects are drawn anew from the population, so that the
    curve is a prediction and not a refit. Columns: arm, time_year, survival_q05, survival_q50, survival_q95 (quantiles
    over draws of the expected survival; the scatter of a finite trial is not in them: see `survival_vpc`).

    Raises
    ------
    ModelError
        When the fit has no hazard, or holds no patients.
    """
    need_hazard(fit)
    times = checked_times(time_year)
    design = fitted_design(fit)
    members = {arm: np.flatnonzero(np.asarray(design.arm) == index) for index, arm in enumerate(fit.labels.arms)}
    curves = {
        arm: _expected(fit, gather(design, index), times, draws, seed) for arm, index in members.items() if len(index)
    }
    return _frame(curves, times)


def standardised_survival(
    fit: Fit, time_year: Sequence[float] | np.ndarray, *, draws: int = 200, seed: int = 1
) -> pl.DataFrame:
    """Return the survival predicted if all patients of the cohort had been in each arm in turn.

    Groups of the dynamics and the covariate ``arm`` both follow the arm; all other covariates stay, so that arms are
    compared in the same patients. Columns and errors as `survival_by_arm`; also `ModelError` when a study did not have
    an arm and parameters differ by study and arm.
    """
    need_hazard(fit)
    times = checked_times(time_year)
    curves = {arm: _expected(fit, with_arm(fit, arm), times, draws, seed) for arm in fit.labels.arms}
    return _frame(curves, times)


def checked_times(time_year: Sequence[float] | np.ndarray, *, above_0: bool = False) -> np.ndarray:
    """Return times in years as an array; `ModelError` for a negative or infinite one (``above_0``: for 0 too)."""
    times = np.atleast_1d(np.asarray(time_year, dtype=float))
    wrong = ~np.isfinite(times) | (times < 0) | (above_0 & (times == 0))
    if wrong.any():
        least = "above 0" if above_0 else "from 0 on"
        raise ModelError(
            f"times of a prediction of survival must be finite and {least}; found {times[wrong][0]:g} years"
        )
    return times


def _expected(fit: Fit, design: Design, times: np.ndarray, draws: int, seed: int) -> np.ndarray:
    rows, standard = drawn_patients(fit, design, seed=seed)
    theta = take_draws(fit, draws).theta
    return np.asarray(_survival(theta, standard, rows, grid_to(times, rows), model=fit.model))


def _frame(curves: dict[str, np.ndarray], times: np.ndarray) -> pl.DataFrame:
    values = np.stack(list(curves.values()), axis=1)
    return band_frame(values, {"arm": list(curves), "time_year": times}, prefix="survival_")


def drawn_patients(fit: Fit, design: Design, *, seed: int) -> tuple[Design, Float[Array, "row effect"]]:
    """Return the patients of a design, repeated to at least `ROWS` rows, and standardised effects drawn anew for each.

    A last column decides on the class, where the model has one of durable responders.

    The same seed and number of patients give the same effects, so that designs that differ in the arm alone are
    compared patient by patient.
    """
    patients = design.arm.shape[0]
    rows = gather(design, np.tile(np.arange(patients), -(-ROWS // patients)))
    return rows, jnp.asarray(standard_normals(len(rows.arm), drawn_columns(fit.model), seed=seed))


def drawn_parameters(
    model: JointModel, theta: Theta, standard: Float[Array, "patient column"], design: Design
) -> PatientParameters | None:
    """Return the parameters of patients with given standardised effects, as of `drawn_patients`; None without any.

    Lesion effects are drawn where a link looks at lesions, always the same ones; otherwise they change nothing, and are
    0.
    """
    part = model.dynamics
    shape = design.series_patient.shape[0], len(part.lesion) if part else 0
    lesion = jax.random.normal(jax.random.key(1), shape) if model.looks_at_lesions else jnp.zeros(shape)
    effects, durable = split_drawn(model, theta, design, standard)
    return patient_parameters(model, Values(dict(theta), effects, lesion), design, durable)


@partial(jax.jit, static_argnames=("model",))
def _survival(
    theta: Theta,
    standard: Float[Array, "row effect"],
    design: Design,
    grid: Grid,
    *,
    model: JointModel,
) -> Float[Array, "draw time"]:
    def one(draw: Theta) -> Float[Array, " time"]:
        state = patient_state(model, drawn_parameters(model, draw, standard, design))
        return jnp.mean(jnp.exp(-cumulative_on_grid(model, draw, state, design, grid)), axis=0)

    return jax.lax.map(one, theta)
