"""Simulation-based calibration of the joint engine on two models, and of an analysis with a deliberate error."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.joint import JointModel, VisitPlan
from statistical.calibration import KEPT, calibrate, smallest_p

PLAN = VisitPlan(visit_day=(0.0, 56.0, 112.0, 168.0, 252.0, 336.0, 448.0), cutoff_day=540.0, dropout_per_year=0.15)
LEVEL = 0.01
"""Family-wise: a correct model fails one run in a hundred; seeds are fixed, so a pass stays a pass."""

STEIN_FOJO = """
[dynamics]
law = "stein-fojo"
[dynamics.residual]
proportional = { log_normal = [-2.0, 0.2] }
[dynamics.parameters.baseline_mm]
mean_prior = { normal = [4.0, 0.2] }
spread_prior = { log_normal = [-0.7, 0.2] }
[dynamics.parameters.shrinkage_per_year]
mean_prior = { normal = [0.0, 0.4] }
spread_prior = { log_normal = [-0.5, 0.3] }
[dynamics.parameters.growth_per_year]
mean_prior = { normal = [-0.6, 0.3] }
spread_prior = { log_normal = [-0.7, 0.3] }
[hazard]
law = "weibull"
[hazard.parameters]
scale_year = { normal = [0.3, 0.3] }
shape = { normal = [0.2, 0.2] }
[hazard.links.log-growth]
prior = { normal = [0.5, 0.4] }
"""

RANDOM_SLOPE = """
[dynamics]
law = "random-slope-log"
observation = "additive"
covariance = "full"
[dynamics.residual]
additive = { log_normal = [-1.8, 0.2] }
[dynamics.parameters.baseline]
mean_prior = { normal = [2.6, 0.3] }
spread_prior = { log_normal = [-0.5, 0.2] }
[dynamics.parameters.slope_per_year]
mean_prior = { normal = [-0.3, 0.3] }
spread_prior = { log_normal = [-0.4, 0.2] }
[hazard]
law = "exponential"
[hazard.parameters]
scale_year = { normal = [0.5, 0.3] }
[hazard.links.log-current-size]
prior = { normal = [0.4, 0.3] }
"""


def every_patient_died(cohort: Cohort) -> Cohort:
    """Return the cohort analysed as if every end of follow-up were a death: the error that censoring exists for."""
    last = cohort.followup.select("patient", "kind", day_lower="last_day", day_upper="last_day")
    return Cohort.create(
        cohort.name, {**cohort.tables, "events": last}, limit_mm=cohort.limit_mm, accept=cohort.accepted
    )


@pytest.mark.slow
def test_stein_fojo_weibull_log_growth_is_calibrated() -> None:
    """About 12 minutes on 2 cores."""
    model = JointModel.from_toml(STEIN_FOJO)
    found = calibrate("stein-fojo", model, arms={"a": 25, "b": 25}, plan=PLAN, replicates=150)
    name, p_value = smallest_p(found.ranks)
    assert p_value > LEVEL, f"ranks of {name} are not uniform (p = {p_value:.2g})"


@pytest.mark.slow
def test_random_slope_exponential_log_current_size_with_censored_sizes_is_calibrated() -> None:
    """About 12 minutes on 2 cores. The limit of 10 mm leaves about a third of the sizes censored."""
    model = JointModel.from_toml(RANDOM_SLOPE)
    found = calibrate("random-slope", model, arms={"a": 50}, plan=PLAN, replicates=150, limit_mm=10.0)
    name, p_value = smallest_p(found.ranks)
    assert p_value > LEVEL, f"ranks of {name} are not uniform (p = {p_value:.2g})"


@pytest.mark.slow
def test_ignored_censoring_is_caught() -> None:
    """About 4 minutes on 2 cores: the same test rejects an analysis that takes every end of follow-up for a death."""
    model = JointModel.from_toml(STEIN_FOJO)
    found = calibrate(
        "stein-fojo-all-died", model, arms={"a": 25, "b": 25}, plan=PLAN, replicates=50, distort=every_patient_died
    )
    name, p_value = smallest_p(found.ranks)
    assert p_value < 1e-4
    assert name.startswith("death."), f"the hazard should be what is wrong, not {name}"


def test_uniform_ranks_pass_and_shifted_ranks_fail() -> None:
    """The verdict itself: 150 uniform ranks of 12 parameters pass, ranks squeezed or shifted in one of them do not."""
    rng = np.random.default_rng(5)
    ranks = {f"p{index}": rng.integers(0, KEPT + 1, 150) for index in range(12)}
    assert smallest_p(ranks)[1] > LEVEL
    for changed in (ranks["p3"] // 2, KEPT // 4 + ranks["p3"] // 2):
        name, p_value = smallest_p({**ranks, "p3": changed})
        assert name == "p3"
        assert p_value < 1e-6


def test_the_deliberate_error_changes_only_events() -> None:
    model = JointModel.from_toml(STEIN_FOJO)
    from metachron.joint.demo_trial import two_arm_trial

    cohort = two_arm_trial(patients_per_arm=10)
    wrong = every_patient_died(cohort)
    assert model.hazard is not None
    assert len(wrong.events) == len(cohort.patients) > len(cohort.events)
    assert wrong.measurements.equals(cohort.measurements)
    assert wrong.events.select(pl.col("kind").unique()).item() == "death"
