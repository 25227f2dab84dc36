"""The baseline hazards that the conformance tests walk, with draws from their priors and knots."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from metachron.hazards import HAZARDS, Hazard, MSpline, Piecewise, Psi, default_knots

EVERY = [
    *(HAZARDS[name]() for name in HAZARDS),
    Piecewise(intervals=2),
    MSpline(basis=5, degree=2),
]


@pytest.fixture(params=EVERY, ids=str)
def hazard(request: pytest.FixtureRequest) -> Hazard:
    """Every registered baseline hazard with its default settings, and some with others."""
    return request.param


@pytest.fixture
def knots_year(hazard: Hazard) -> jnp.ndarray:
    """Knots at quantiles of exponential event times with a mean of 1.5 years."""
    levels = (np.arange(200) + 0.5) / 200
    return jnp.asarray(default_knots(-1.5 * np.log1p(-levels), hazard))


@pytest.fixture
def draw_psi():
    """Return a function that draws parameters from their priors, ``count`` draws on the first axis."""

    def draw(hazard: Hazard, count: int, *, seed: int = 1) -> Psi:
        generator = np.random.default_rng(seed)
        psi = {}
        for spec in hazard.parameters:
            shape = (count, spec.size) if spec.size > 1 else (count,)
            values = generator.normal(size=shape)
            if spec.prior.family == "half_normal":
                psi[spec.name] = jnp.asarray(np.abs(values) * spec.prior.args[0])
            else:
                assert spec.prior.family == "normal"
                mean, sd = spec.prior.args
                psi[spec.name] = jnp.asarray(mean + sd * values)
        return psi

    return draw
