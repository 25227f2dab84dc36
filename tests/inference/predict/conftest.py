"""Fits whose draws are known: posteriors put together from parameters, without sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.chains import Sampled
from metachron.inference.nuts import Statistics
from metachron.inference.posterior import name_draws
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms, simulate
from metachron.joint.simulate import read_parameters
from metachron.joint.sites import Values, effect_shapes, pack, population_size

TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 4.1,
    "log_baseline_mm.sd": 0.5,
    "log_shrinkage_per_year.mean": {"control": 0.0, "new": 0.2},
    "log_shrinkage_per_year.sd": 0.8,
    "log_growth_per_year.mean": {"control": -0.2, "new": -0.9},
    "log_growth_per_year.sd": 0.6,
    "residual.proportional": 0.1,
    "death.log_scale_year": 0.3,
    "death.log_shape": 0.2,
    "death.link[log-growth]": 0.8,
}
PLAN = VisitPlan(visit_day=(-7.0, *(56.0 * k for k in range(1, 12))), cutoff_day=900.0, enrolment_days=200.0)


def make_fit(
    model: JointModel, cohort: Cohort, theta: Mapping[str, Any], *, draws: int = 1, jitter: float = 0.0, seed: int = 0
) -> Fit:
    """Return a fit whose draws are ``theta``, moved by ``jitter`` on the real line, with random patient effects."""
    binding = model.bind(cohort)
    values = Values(read_parameters(model, binding, theta), *map(jnp.zeros, effect_shapes(model, binding.dims)))
    centre = np.asarray(pack(values, model, binding.dims))
    moves = np.random.default_rng(seed + 1).normal(size=(1, draws, len(centre)))
    moves[..., : population_size(model, binding.dims)] *= jitter
    zeros = np.zeros((1, draws))
    energy = np.random.default_rng(seed).normal(size=(1, draws))
    statistics = Statistics(zeros, energy, zeros.astype(bool), zeros, zeros, zeros, zeros)
    sampled = Sampled(centre + moves, statistics, 0, False)
    posterior, sample_stats = name_draws(model, binding, sampled)
    return Fit(model, posterior, sample_stats, binding.labels, binding.dims, {}, cohort)


@pytest.fixture(scope="session")
def build() -> Callable[..., Fit]:
    """The function that puts a fit together."""
    return make_fit


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    return dict(TRUTH)


@pytest.fixture(scope="session")
def model() -> JointModel:
    return compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])


@pytest.fixture(scope="session")
def patients() -> pl.DataFrame:
    table = patients_in_arms({"control": 25, "new": 20}, "trial")
    return table.with_columns(pl.Series("age_year", np.random.default_rng(5).normal(60.0, 9.0, len(table))))


@pytest.fixture(scope="session")
def cohort(model: JointModel, patients: pl.DataFrame) -> Cohort:
    return simulate(model, TRUTH, patients, PLAN, seed=4, limit_mm=12.0, name="trial")


@pytest.fixture(scope="session")
def fit(model: JointModel, cohort: Cohort) -> Fit:
    """A joint fit of 30 draws about the truth."""
    return make_fit(model, cohort, TRUTH, draws=30, jitter=0.05)


@pytest.fixture(scope="session")
def exact(model: JointModel, cohort: Cohort) -> Fit:
    """A joint fit of one draw, the truth."""
    return make_fit(model, cohort, TRUTH)


@pytest.fixture(scope="session")
def lesion_fit(patients: pl.DataFrame) -> Fit:
    """Dynamics alone, lesion by lesion, two lesions per patient."""
    model = compose(dynamics="stein-fojo", hazard=None, size="lesion")
    theta = {name: value for name, value in TRUTH.items() if not name.startswith("death")}
    theta |= {f"log_{what}.lesion_sd": 0.3 for what in ("baseline_mm", "shrinkage_per_year", "growth_per_year")}
    few = patients.head(6)
    names = [(patient, lesion) for patient in few["patient"] for lesion in ("L1", "L2")]
    lesions = pl.DataFrame(names, schema=["patient", "lesion"], orient="row").with_columns(
        organ=pl.lit("liver"), role=pl.lit("target")
    )
    arms = few.with_columns(arm=pl.Series(["control", "new"] * 3))
    plan = VisitPlan(visit_day=(0.0, 60.0, 120.0, 240.0), cutoff_day=300.0)
    return make_fit(model, simulate(model, theta, arms, plan, seed=2, lesions=lesions), theta, draws=4)
