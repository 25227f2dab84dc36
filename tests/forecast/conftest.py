"""A fit of the demonstration trial, and patients of another trial whom it has not seen."""

from __future__ import annotations

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.inference import Fit, fit
from metachron.joint.demo_trial import demo_model, two_arm_trial


@pytest.fixture(scope="session")
def demo_fit() -> Fit:
    return fit(demo_model(), two_arm_trial(patients_per_arm=30), engine="marginal", chains=2, draws=300, check=False)


@pytest.fixture(scope="session")
def strangers() -> Cohort:
    """Twenty patients of another study, followed for 200 days at least."""
    trial = two_arm_trial(seed=5, patients_per_arm=20)
    other = trial.with_rows({"patients": trial.patients.with_columns(study=pl.lit("another"))})
    long = other.followup.filter(pl.col("last_day") > 200)["patient"].to_list()
    return other.select(long[:20])
