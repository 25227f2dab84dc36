"""Simulated trials of single lesions in five organs: organs, both levels of variance, new lesions and their frailty."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from metachron.inference import fit
from metachron.inference.posterior import population_draws
from metachron.joint import VisitPlan, compose, patients_in_arms
from metachron.joint.names import flat_names

ORGANS = {"bone": 0.1, "brain": 0.1, "liver": 0.35, "lung": 0.25, "lymph_node": 0.2}
PARAMETERS = ("log_baseline_mm", "log_shrinkage_per_year", "log_growth_per_year")
SPREAD = 0.4
PLAN = VisitPlan(
    visit_day=(-7.0, *(56.0 * visit for visit in range(1, 12))), cutoff_day=800.0, enrolment_days=150.0,
    dropout_per_year=0.1,
)  # fmt: skip
TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 3.2, "log_baseline_mm.sd": 0.3, "log_baseline_mm.lesion_sd": 0.5,
    "log_shrinkage_per_year.mean": {"a": 0.2, "b": 0.8}, "log_shrinkage_per_year.sd": 0.5,
    "log_shrinkage_per_year.lesion_sd": 0.3, "log_growth_per_year.mean": {"a": -0.3, "b": -1.0},
    "log_growth_per_year.sd": 0.5, "log_growth_per_year.lesion_sd": 0.3, "residual.proportional": 0.12,
    "death.log_scale_year": 0.5, "death.log_shape": 0.2, "death.link[log-growth]": 0.8,
    "death.link[new-lesion-frailty]": 0.6, "new_lesion.log_scale_year": 0.0, "new_lesion.log_shape": 0.1,
    "new_lesion_frailty.sd": 0.7,
}  # fmt: skip
TRIALS, PATIENTS = 10, 60


def _truth(rng: np.random.Generator) -> dict[str, Any]:
    """Return the truth with effects of organs drawn from their distribution."""
    effects: dict[str, Any] = {}
    for name in PARAMETERS:
        effects[f"{name}.organ_sd"] = SPREAD
        effects[f"{name}.organ"] = dict(zip(ORGANS, SPREAD * rng.normal(size=len(ORGANS)), strict=True))
    effects["new_lesion.organ"] = dict(zip(ORGANS, 1.5 * rng.normal(size=len(ORGANS)), strict=True))
    return TRUTH | effects


def _lesions(patients: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        (patient, f"L{lesion}", organ, "target")
        for patient in patients["patient"]
        for lesion, organ in enumerate(rng.choice(list(ORGANS), size=rng.integers(1, 8), p=list(ORGANS.values())))
    ]
    return pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")


def _covered(seed: int) -> list[bool]:
    """Return of every population parameter of one trial whether its 90 % interval holds the truth."""
    rng = np.random.default_rng(seed)
    truth, patients = _truth(rng), patients_in_arms({"a": PATIENTS // 2, "b": PATIENTS // 2})
    model = compose(size="lesion", links=["log-growth", "new-lesion-frailty"], new_lesions="weibull", clock="gap")
    cohort = model.simulate(
        truth, patients, PLAN, seed=seed, lesions=_lesions(patients, rng), new_lesion_organs=tuple(ORGANS)
    )
    found = fit(model, cohort, engine="nuts", chains=2, warmup=600, draws=600, seed=seed)
    names = flat_names(model, found.dims, found.labels)
    low, high = np.quantile(population_draws(found.posterior, names).reshape(-1, len(names)), [0.05, 0.95], axis=0)
    expected = [truth[n.site] if n.name == n.site else truth[n.site][n.name.split("[")[1].rstrip("]")] for n in names]
    return [bool(a <= value <= b) for a, value, b in zip(low, expected, high, strict=True)]


@pytest.mark.slow
def test_organs_and_levels_of_variance_are_covered_at_the_nominal_rate() -> None:
    """About 5 minutes on 2 cores. Too few intervals cover if a number as small has a probability below 1 in 1,000."""
    covered = [hit for seed in range(1, TRIALS + 1) for hit in _covered(seed)]
    assert len(covered) > 300
    assert binom.cdf(sum(covered), len(covered), 0.9) > 1e-3, f"{sum(covered)} of {len(covered)}"
