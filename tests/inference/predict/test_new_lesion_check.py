"""The check of new lesions: mean cumulative functions by hand, and replicates of a process known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from inference.made_fits import make_fit
from metachron.base import ModelError
from metachron.inference.predict import new_lesion_vpc
from metachron.inference.predict.new_lesion_check import _mean_counts
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms

RATE = 1.5
TRUTH: dict[str, Any] = {"new_lesion.log_scale_year": -np.log(RATE), "new_lesion_frailty.sd": 1e-6}
TIMES = np.array([0.0, 0.5, 1.0, 1.9])


def _model(timing: str) -> JointModel:
    clock = {"as-recorded": "gap", "between-visits": "calendar"}[timing]
    model = compose(dynamics=None, hazard=None, new_lesions="exponential", clock=clock)  # type: ignore[arg-type]
    assert model.new_lesions is not None
    assert model.new_lesions.timing == timing
    return model


@pytest.mark.parametrize("timing", ["as-recorded", "between-visits"])
def test_replicates_have_the_mean_of_a_poisson_process(timing: str) -> None:
    """Constant rate: the mean number by t is rate x t, by the last visit before t where visits show them. Medians of
    60 replicates of 200 patients are within 5 standard errors of it, and the envelope has the width of Poisson counts.
    """
    visits = tuple(91.3125 * k for k in range(9))
    model = _model(timing)
    people = patients_in_arms({"a": 200})
    cohort = model.simulate(TRUTH, people, VisitPlan(visits, 730.5), seed=2)
    fit = make_fit(model, cohort, TRUTH, draws=60)
    found = new_lesion_vpc(fit, TIMES, draws=60, seed=4)
    seen = TIMES if timing == "as-recorded" else np.floor(TIMES * 4.0 + 1e-9) / 4.0
    error = np.sqrt(RATE * seen / 200)
    assert np.all(np.abs(found["simulated_q50"].to_numpy() - RATE * seen) <= 5.0 * 1.25 * error / np.sqrt(60) + 1e-12)
    width = (found["simulated_q95"] - found["simulated_q05"]).to_numpy()
    assert width[1:] == pytest.approx(2 * 1.645 * error[1:], rel=0.45)
    inside = found.filter(pl.col("time_year") > 0)
    assert np.all(np.abs(inside["observed"].to_numpy() - RATE * seen[1:]) < 4.0 * error[1:])


def test_the_mean_cumulative_function_by_hand() -> None:
    """Three patients watched 1, 2 and 3 years: 1/3 at 0.5, 1/2 at 1.5 twice, 1 at 2.5; another arm is not watched."""
    who, year = np.array([0, 1, 2, 2, 0]), np.array([0.5, 1.5, 1.5, 2.5, 2.0])
    last, arm = np.array([1.0, 2.0, 3.0, 0.0]), np.array([0, 0, 0, 1])
    found = _mean_counts(who, year, last, arm, 2, np.array([0.0, 0.5, 1.5, 2.6, 3.5]))
    assert found[0, :4] == pytest.approx([0.0, 1 / 3, 4 / 3, 7 / 3])
    assert np.isnan(found[0, 4])
    assert np.isnan(found[1]).all()


def test_a_lesion_on_the_last_day_watched_counts() -> None:
    """The last day is a sum of origin and gap, so the lesion may come a rounding later: 0.1 + 0.2 > 0.3."""
    year, last = np.array([0.1 + 0.2]), np.array([0.3])
    assert year[0] > last[0]
    found = _mean_counts(np.array([0]), year, last, np.array([0]), 1, np.array([0.0, 0.3]))
    assert found[0] == pytest.approx([0.0, 1.0])


def test_a_model_without_new_lesions_is_refused() -> None:
    model = compose(dynamics=None, hazard="weibull")
    truth = {"death.log_scale_year": 0.0, "death.log_shape": 0.0}
    cohort = model.simulate(truth, patients_in_arms({"a": 10}), VisitPlan((0.0,), 700.0), seed=1)
    with pytest.raises(ModelError, match="no process of new lesions"):
        new_lesion_vpc(make_fit(model, cohort, truth), TIMES)
