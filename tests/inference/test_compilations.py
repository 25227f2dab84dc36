"""A second cohort of the same size bucket compiles nothing."""

from __future__ import annotations

from typing import Any

import jax
import pytest

from inference.compilations import counted_compilations
from metachron.inference import fit
from metachron.joint import VisitPlan, patients_in_arms
from metachron.joint.demo_trial import TRUTH, demo_model

PLAN = VisitPlan(visit_day=(0.0, 40.0, 80.0, 120.0, 160.0, 200.0), cutoff_day=400.0)


@pytest.mark.parametrize("engine", ["nuts", "marginal"])
def test_second_cohort_of_the_same_bucket_compiles_nothing(engine: str) -> None:
    """Programs of other tests are dropped first: a fit that finds too many of them drops all, and compiles anew."""
    jax.clear_caches()
    model = demo_model()
    cohorts = []
    for seed, control in ((1, 13), (2, 14)):
        arms = patients_in_arms({"chemotherapy": control, "immunotherapy": 12})
        cohorts.append(model.simulate(TRUTH, arms, PLAN, seed=seed))
    rows = [len(model.bind(cohort).design.measured.weight) for cohort in cohorts]
    assert rows[0] == rows[1], "the cohorts should fall into one size bucket"
    assert len(cohorts[0].measurements) != len(cohorts[1].measurements)
    settings: dict[str, Any] = {"chains": 1, "warmup": 50, "draws": 25, "check": False, "engine": engine}
    with counted_compilations() as first:
        fit(model, cohorts[0], **settings)
    with counted_compilations() as second:
        fit(model, cohorts[1], **settings)
    assert first, "nothing was counted: the listener does not see compilations"
    assert not second


@pytest.mark.parametrize("patients", [24, 25])
def test_buckets_hide_the_number_of_patients(patients: int) -> None:
    arms = patients_in_arms({"chemotherapy": patients - 12, "immunotherapy": 12})
    cohort = demo_model().simulate(TRUTH, arms, PLAN, seed=1)
    assert demo_model().bind(cohort).dims.patients == (24 if patients == 24 else 26)
