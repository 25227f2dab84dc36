"""Forecasts of simulated patients: intervals cover what happens, and times of death are where they were expected."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, kstest

from metachron.cohort import Cohort
from metachron.forecast import Source, forecast
from metachron.forecast.landmark import known_at
from metachron.forecast.outcomes import sizes_after
from metachron.forecast.sizes_ahead import sizes_ahead
from metachron.forecast.summaries import weighted_quantiles
from metachron.inference import Fit, fit
from metachron.joint.demo_trial import TRUTH, demo_model, two_arm_trial
from metachron.joint.simulate import VisitPlan
from metachron.joint.trial_tables import patients_in_arms

pytestmark = pytest.mark.slow
LANDMARK, HORIZON = 120.0, 3000.0
PLAN = VisitPlan(visit_day=(-7.0, *(56.0 * visit for visit in range(1, 12))), cutoff_day=20_000.0)


@pytest.fixture(scope="module")
def source() -> Source:
    """A trial so large that the truth is known well."""
    cohort = two_arm_trial(patients_per_arm=250)
    return Source.of(fit(demo_model(), cohort, engine="marginal", chains=2, draws=1000, seed=1))


@pytest.fixture(scope="module")
def patients() -> Cohort:
    """Patients of the same truth, all followed until they die, and alive at the landmark."""
    arms = patients_in_arms({"chemotherapy": 250, "immunotherapy": 250}, "another")
    cohort = demo_model().simulate(TRUTH, arms, PLAN, seed=77)
    alive = cohort.events.filter(pl.col("day_lower") > LANDMARK)["patient"].to_list()
    return cohort.select(alive)


def test_intervals_of_sizes_cover_nine_in_ten(source: Source, patients: Cohort) -> None:
    """The second size after the landmark, one per patient: binomial check at 1 %. About 4 minutes with the fit."""
    fitted: Fit = source.fit
    rows = sizes_after(patients, LANDMARK, HORIZON, fitted.labels.limit_mm)
    second = rows.filter(pl.int_range(pl.len()).over("patient") == 1)
    known = known_at(patients, LANDMARK, fitted.model)
    ahead = sizes_ahead(source, known, second, landmark_day=LANDMARK)
    low, high = weighted_quantiles(ahead.size_mm, ahead.weight, (0.05, 0.95))
    observed = np.maximum(ahead.rows["size_mm"].to_numpy(), fitted.labels.limit_mm)
    inside = int(np.sum((observed >= low) & (observed <= high)))
    assert len(observed) > 250
    assert binomtest(inside, len(observed), 0.9).pvalue > 0.01, f"{inside} of {len(observed)}"


def test_deaths_come_when_they_are_expected(source: Source, patients: Cohort) -> None:
    """Probability integral transform of the time of death: uniform. About 2 minutes."""
    found = forecast(source, patients, landmark_day=LANDMARK, horizon_day=HORIZON)
    day = dict(patients.events.filter(pl.col("kind") == "death").select("patient", "day_lower").iter_rows())
    level = []
    for (patient,), curve in found.survival.group_by("patient", maintain_order=True):
        died = day[str(patient)]
        if died < HORIZON:
            level.append(1.0 - np.interp(died, curve["day"].to_numpy(), curve["survival"].to_numpy()))
    reached = found.outcomes.filter(pl.col("quantity") == "alive at the horizon")["value"].to_numpy()
    assert len(level) > 0.9 * len(day)
    assert binomtest(len(day) - len(level), len(day), float(reached.mean())).pvalue > 0.01
    assert kstest(level, "uniform").pvalue > 0.01
    inside = int(np.sum((np.asarray(level) > 0.05) & (np.asarray(level) < 0.95)))
    assert binomtest(inside, len(level), 0.9).pvalue > 0.01
