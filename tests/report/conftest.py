"""Small fits to report on: few patients, few draws, no claim of convergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.inference import Fit, fit
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms, simulate
from metachron.report import write_report

ARMS = ("control & <care>", "new")
"""The name of an arm is whatever the user wrote: it must not break the page."""
TRUTH = {
    "log_baseline_mm.mean": 3.6,
    "log_baseline_mm.sd": 0.6,
    "log_shrinkage_per_year.mean": {ARMS[0]: 0.3, ARMS[1]: 0.8},
    "log_shrinkage_per_year.sd": 0.7,
    "log_growth_per_year.mean": {ARMS[0]: -0.4, ARMS[1]: -1.0},
    "log_growth_per_year.sd": 0.6,
    "residual.proportional": 0.12,
    "death.log_scale_year": 0.4,
    "death.log_shape": 0.2,
    "death.link[log-growth]": 0.7,
}


def sample(model: JointModel, cohort: Cohort) -> Fit:
    return fit(model, cohort, engine="nuts", chains=1, warmup=50, draws=20, check=False)


@pytest.fixture(scope="session")
def cohort() -> Cohort:
    model = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])
    patients = patients_in_arms(dict.fromkeys(ARMS, 14), "trial")
    plan = VisitPlan(visit_day=(-7.0, *(56.0 * k for k in range(1, 10))), cutoff_day=800.0, enrolment_days=100.0)
    return simulate(model, TRUTH, patients, plan, seed=6, limit_mm=12.0, name="trial")


@pytest.fixture(scope="session")
def joint_fit(cohort: Cohort) -> Fit:
    return sample(compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"]), cohort)


@pytest.fixture(scope="session")
def dynamics_fit(joint_fit: Fit) -> Fit:
    """Dynamics alone: the joint fit without its hazard, which saves the time of another fit."""
    model = JointModel(joint_fit.model.dynamics, None)
    kept = [name for name in joint_fit.posterior.data_vars if not str(name).startswith("death.")]
    return replace(joint_fit, model=model, posterior=joint_fit.posterior[kept])


@pytest.fixture(scope="session")
def survival_fit(cohort: Cohort) -> Fit:
    """Survival alone, one arm."""
    one = Cohort.create("one arm", {**cohort.tables, "patients": cohort.patients.with_columns(arm=pl.lit("new"))})
    return sample(compose(dynamics=None, hazard="exponential"), one)


@pytest.fixture(scope="session")
def pages(
    tmp_path_factory: pytest.TempPathFactory, joint_fit: Fit, dynamics_fit: Fit, survival_fit: Fit
) -> dict[str, Path]:
    """The reports of the three fits."""
    folder = tmp_path_factory.mktemp("reports")
    fits = {"joint": joint_fit, "dynamics": dynamics_fit, "survival": survival_fit}
    return {name: write_report(one, folder / f"{name}.html") for name, one in fits.items()}
