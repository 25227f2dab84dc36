"""Simulated trials of tumour sizes in which markers move growth by a known ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from metachron.benefit.marker_terms import with_terms
from metachron.cohort import Cohort
from metachron.joint import Covariate, JointModel, VisitPlan, compose, patients_in_arms

SLOPE = {
    "baseline.mean": 4.5, "baseline.sd": 0.4, "slope_per_year.mean": {"new": -0.2, "old": 0.4},
    "slope_per_year.sd": 0.5, "residual.additive": 0.1,
}  # fmt: skip
"""Log mm, and log mm per year: sizes about 90 mm, none near the limit of measurement."""
STEIN_FOJO = {
    "log_baseline_mm.mean": 4.5, "log_baseline_mm.sd": 0.4, "log_shrinkage_per_year.mean": {"new": 0.3, "old": 0.3},
    "log_shrinkage_per_year.sd": 0.5, "log_growth_per_year.mean": {"new": -0.8, "old": -0.3},
    "log_growth_per_year.sd": 0.4, "residual.proportional": 0.08,
}  # fmt: skip


def sized_trial(
    law: str,
    truth: Mapping[str, Any],
    places: Mapping[str, Sequence[str]],
    betas: Mapping[str, Any],
    *,
    per_arm: int,
    seed: int,
    arms: Sequence[str] = ("new", "old"),
    visits: int = 7,
    observation: str | None = None,
) -> Cohort:
    """Return a trial with the markers ``x`` (standard normal) and ``yes`` (0 or 1), which move what ``places`` says.

    ``betas`` are the coefficients by site, in the order of the terms of ``places``.
    """
    model = compose(dynamics=law, observation=observation, hazard=None)
    for place, terms in places.items():
        model = with_terms(model, place, terms)
    codings = (Covariate("arm", reference="old"), Covariate("x", centre=0.0), Covariate("yes", centre=0.0))
    used = tuple(coding for coding in codings if coding.column in model.covariate_columns)
    model = JointModel(model.dynamics, None, used)
    generator = np.random.default_rng(seed)
    patients = patients_in_arms(dict.fromkeys(arms, per_arm))
    patients = patients.with_columns(
        x=pl.Series(generator.normal(size=len(patients))),
        yes=pl.Series((generator.random(len(patients)) < 0.5).astype(float)),
    )
    plan = VisitPlan(visit_day=(-7.0, *(56.0 * visit for visit in range(1, visits))), cutoff_day=1000.0)
    return model.simulate({**truth, **betas}, patients, plan, seed=seed)
