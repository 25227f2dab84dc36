"""A forecast by weights against a fit of the trial and the patient together."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.forecast import forecast
from metachron.forecast.landmark import known_at
from metachron.inference import fit
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.predict.draws import fitted_parameters, take_draws
from metachron.inference.predict.hazard_grid import cumulative_on_grid, grid_to
from metachron.inference.predict.subjects import fitted_design
from metachron.joint.demo_trial import demo_model, two_arm_trial
from metachron.joint.hazard_terms import patient_state
from statistical.resumable import resume

PATIENTS, LANDMARK, HORIZON = 20, 120.0, 485.0
SETTINGS: dict[str, Any] = {"engine": "marginal", "chains": 2, "warmup": 300, "draws": 1500, "check": False}
YEAR = 365.25


def trial_and_patients() -> tuple[Cohort, Cohort]:
    trial = two_arm_trial(patients_per_arm=20)
    other = two_arm_trial(seed=6, patients_per_arm=20)
    new = {name: frame.with_columns(pl.col("patient") + "-new") for name, frame in other.tables.items()}
    strangers = other.with_rows(new)
    long = strangers.followup.filter(pl.col("last_day") > LANDMARK)["patient"].to_list()
    return trial, strangers.select(long[:PATIENTS])


def refitted(trial: Cohort, known: Cohort, patient: str, seed: int) -> tuple[float, float, float, float]:
    """Return mean and Monte Carlo error of survival to the horizon and of the log size there, patient in the fit."""
    own = known.select([patient])
    both = trial.with_rows(
        {name: pl.concat([frame, own.tables[name]], how="diagonal") for name, frame in trial.tables.items()}
    )
    found = fit(demo_model(), both, seed=seed, **SETTINGS)
    draws, design = take_draws(found, 3000), fitted_design(found)
    place = found.labels.patients.index(patient)
    grid = grid_to(np.array([LANDMARK, HORIZON]) / YEAR, design)
    model = found.model

    @jax.jit
    def each(draw: Any) -> tuple[jax.Array, jax.Array]:
        parameters = fitted_parameters(model, draw, design)
        assert parameters is not None
        assert model.dynamics is not None
        passed = cumulative_on_grid(model, draw.theta, patient_state(model, parameters), design, grid)[place]
        psi = {name: value[place] for name, value in parameters.psi.items()}
        return jnp.exp(passed[0] - passed[1]), model.dynamics.law.location(jnp.asarray(HORIZON / YEAR), psi)

    survival, location = (np.asarray(value) for value in jax.lax.map(each, draws))
    values = np.stack([survival, location], axis=-1).reshape(2, -1, 2)
    table = summarise_draws(["survival", "location"], values)
    return (*table["mean"], *table["mcse_mean"])


@pytest.mark.slow
def test_forecasts_are_refits() -> None:
    """Twenty patients of another trial, one at a time added to 40: survival and size at the horizon within 5 Monte
    Carlo errors of both, and without bias. About 10 minutes on 2 cores, resumable.
    """
    trial, strangers = trial_and_patients()
    base = fit(demo_model(), trial, seed=1, **SETTINGS)
    known = known_at(strangers, LANDMARK, base.model)
    others = strangers.with_rows({"patients": strangers.patients.with_columns(study=pl.lit("another"))})
    found = forecast(base, others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=3000)

    def refit(index: int) -> dict[str, Any]:
        names = ("survival", "location", "survival_error", "location_error")
        return dict(zip(names, refitted(trial, known, known.patient_ids[index], 100 + index), strict=True))

    settings = [base.model.to_toml(), trial.fingerprint(), known.fingerprint(), str(SETTINGS)]
    rows = resume("forecast-refits", settings, PATIENTS, refit, marginal=True, tests=__file__)
    alive = found.outcomes.filter(pl.col("quantity") == "alive at the horizon")
    effective = found.reliability["effective_draws"].to_numpy()
    exact = np.asarray([row["survival"] for row in rows])
    error = np.asarray([row["survival_error"] for row in rows])
    told = alive["value"].to_numpy()
    spread = (alive["q95"] - alive["q05"]).to_numpy() / 3.3
    shift = (told - exact) / np.hypot(error, spread / np.sqrt(effective))
    assert np.abs(shift).max() < 5.0
    assert abs(shift.mean()) < 5.0 / np.sqrt(PATIENTS)
