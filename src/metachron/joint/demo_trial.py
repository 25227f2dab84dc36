"""The embedded default: a two-arm trial simulated from a joint model, so that a first run needs no network."""

from __future__ import annotations

from metachron.cohort import Cohort
from metachron.joint.compose import compose
from metachron.joint.model import JointModel
from metachron.joint.simulate import VisitPlan, simulate
from metachron.joint.trial_tables import patients_in_arms

EIGHT_WEEKS = 56.0
TRUTH = {
    "log_baseline_mm.mean": 4.1,
    "log_baseline_mm.sd": 0.55,
    "log_shrinkage_per_year.mean": {"chemotherapy": 0.0, "immunotherapy": -0.3},
    "log_shrinkage_per_year.sd": 0.9,
    "log_growth_per_year.mean": {"chemotherapy": -0.3, "immunotherapy": -0.9},
    "log_growth_per_year.sd": 0.7,
    "residual.proportional": 0.12,
    "death.log_scale_year": 0.45,
    "death.log_shape": 0.25,
    "death.link[log-growth]": 0.7,
}
"""Parameters near those fitted to second-line lung cancer trials: sizes in log mm, rates in log per year."""


def demo_model() -> JointModel:
    """Return the model of the demonstration: Stein-Fojo, Weibull, hazard linked to growth."""
    return compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"], name="demonstration")


def two_arm_trial(*, seed: int = 2026, patients_per_arm: int = 60) -> Cohort:
    """Return a simulated randomised trial: assessments every 8 weeks, enrolment over a year, cut-off at 3 years.

    Everything about it is invented; the truth it was drawn from is `TRUTH`.
    """
    arms = patients_in_arms({"chemotherapy": patients_per_arm, "immunotherapy": patients_per_arm}, "demonstration")
    plan = VisitPlan(
        visit_day=(-7.0, *(EIGHT_WEEKS * visit for visit in range(1, 20))),
        cutoff_day=3 * 365.25,
        enrolment_days=365.25,
        jitter_day=4.0,
        dropout_per_year=0.08,
    )
    return simulate(demo_model(), TRUTH, arms, plan, seed=seed, name="demonstration")
