"""A simulated trial, and fits to it whose draws are the truth, or a known distance from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from inference.made_fits import PLAN, TRUTH, make_fit
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.joint import JointModel, compose, patients_in_arms, simulate

PATIENTS = {"control": 110, "new": 110}


@pytest.fixture(scope="session")
def model() -> JointModel:
    return compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])


@pytest.fixture(scope="session")
def cohort(model: JointModel) -> Cohort:
    return simulate(model, TRUTH, patients_in_arms(PATIENTS, "trial"), PLAN, seed=4, limit_mm=12.0, name="trial")


@pytest.fixture(scope="session")
def fit_at(model: JointModel, cohort: Cohort) -> Callable[..., Fit]:
    """The function that gives a fit of the trial at the truth with some parameters changed."""

    def at(**changed: Any) -> Fit:
        known = {name.replace(".", "_"): name for name in TRUTH}
        return make_fit(model, cohort, {**TRUTH, **{known[name]: value for name, value in changed.items()}})

    return at


@pytest.fixture(scope="session")
def true_fit(fit_at: Callable[..., Fit]) -> Fit:
    return fit_at()


@pytest.fixture(scope="session")
def survival_fit(cohort: Cohort) -> Fit:
    """Survival alone: no effects to integrate out, so that every number has a closed form."""
    return make_fit(compose(dynamics=None, hazard="exponential"), cohort, {"death.log_scale_year": 0.3})
