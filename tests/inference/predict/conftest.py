"""Fits whose draws are known, for predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from inference.made_fits import PLAN, TRUTH, make_fit
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms, simulate


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
