"""Sizes on straight lines of log mm with normal effects: a model whose integrals are known in closed form."""

from __future__ import annotations

from metachron.cohort import Cohort
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms

PLAN = VisitPlan(visit_day=(-7.0, 50.0, 100.0, 150.0, 200.0), cutoff_day=600.0)
LINE = {
    "baseline.mean": 4.0,
    "baseline.sd": 0.5,
    "slope_per_year.mean": -0.3,
    "slope_per_year.sd": 0.7,
    "residual.additive": 0.15,
}


def line_trial(patients: int = 30) -> tuple[JointModel, Cohort]:
    """Return the model, and patients drawn from it."""
    model = compose(dynamics="random-slope-log", hazard=None).replace(observation="additive")
    return model, model.simulate(LINE, patients_in_arms({"a": patients}), PLAN, seed=4)
