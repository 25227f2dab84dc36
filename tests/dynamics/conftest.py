"""Every registered law, and trajectories drawn from its default priors."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from metachron.dynamics import LAWS, Law, Trajectory

TIMES_YEAR = np.array([-2.0, -0.5, -0.01, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 15.0])


@pytest.fixture(params=list(LAWS))
def law(request) -> Law:
    return LAWS[request.param]


@pytest.fixture
def times_year() -> np.ndarray:
    """Times before and after day 0, day 0 itself left out."""
    return TIMES_YEAR


@pytest.fixture
def draw(law):
    """A function from a number of patients and the sd of patient effects to trajectories of shape (patient, 1)."""

    def from_prior(patients: int, effect_sd: float = 0.0) -> Trajectory:
        rng = np.random.default_rng(len(law.name))
        psi = {}
        for spec in law.parameters:
            centre, spread = spec.prior.args
            spread = np.hypot(spread, effect_sd) if spec.transform != "identity" else spread
            psi[spec.name] = jnp.asarray(rng.normal(centre, spread, (patients, 1)))
        return Trajectory(law, psi)

    return from_prior
