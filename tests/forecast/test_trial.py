"""The planned analysis of a running trial: what has happened stays, and the future is that of the model."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.forecast import TrialForecast, forecast_trial
from metachron.inference import Fit, fit
from metachron.joint import compose, patients_in_arms
from metachron.joint.simulate import VisitPlan

EXPONENTIAL = {"death.log_scale_year": 0.2}


@pytest.fixture(scope="module")
def survival_fit() -> Fit:
    """Two arms of 60 that do not differ, half of whose patients have died."""
    model = compose(dynamics=None, hazard="exponential")
    plan = VisitPlan(visit_day=(0.0,), cutoff_day=400.0, enrolment_days=300.0)
    cohort = model.simulate(EXPONENTIAL, patients_in_arms({"a": 60, "b": 60}), plan, seed=3)
    return fit(model, cohort, chains=2, warmup=200, draws=300, check=False)


@pytest.fixture(scope="module")
def later(survival_fit: Fit) -> TrialForecast:
    return forecast_trial(survival_fit, control="a", more_days=365.25, draws=150)


def test_the_past_stays_as_it_is(survival_fit: Fit) -> None:
    """With no more follow-up every future is today: one hazard ratio, one number of events, today's curves."""
    now = forecast_trial(survival_fit, control="a", more_days=0.0, draws=40)
    assert np.ptp(now.hazard_ratio) == 0.0
    assert set(now.events) == {float(now.events_now)}
    same = now.curves.drop_nans()
    np.testing.assert_allclose(same["survival_q05"], same["observed"])
    np.testing.assert_allclose(same["survival_q95"], same["observed"])


def test_events_come_at_the_rate_of_the_model(survival_fit: Fit, later: TrialForecast) -> None:
    """In a year with constant hazard each patient alive dies with probability 1 - exp(-rate), averaged over draws."""
    rate = np.exp(-survival_fit.posterior["death.log_scale_year"].to_numpy()).ravel()
    alive = 120 - later.events_now
    share = 1.0 - np.exp(-rate)
    expected = alive * share.mean()
    spread = np.sqrt(alive * np.mean(share * (1 - share)) + np.var(alive * share))
    assert (later.events - later.events_now).mean() == pytest.approx(expected, abs=5 * spread / np.sqrt(150))


def test_success_is_rare_without_a_difference(survival_fit: Fit, later: TrialForecast) -> None:
    """Where today's hazard ratio is near 1, so is that of the analysis, and hardly any analysis is a success."""
    now = forecast_trial(survival_fit, control="a", more_days=0.0, draws=40).hazard_ratio[0]
    assert abs(np.log(later.hazard_ratio).mean()) < abs(np.log(now)) + 0.1
    assert later.probability_of_success < 0.3


def test_an_analysis_at_a_number_of_events(survival_fit: Fit, later: TrialForecast) -> None:
    found = forecast_trial(survival_fit, control="a", events=later.events_now + 20, draws=40)
    assert set(found.events) == {later.events_now + 20.0}
    assert (found.more_days > 0).all()
    assert found.summary().height == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"control": "c"}, "not in the fit"),
        ({"experimental": "a"}, "two different arms"),
        ({"more_days": None}, "say when"),
        ({"events": 60}, "say when"),
        ({"more_days": -1.0}, "cannot be -1"),
        ({"more_days": None, "events": 2}, "have had theirs"),
        ({"more_days": None, "events": 500}, "have had theirs"),
    ],
)
def test_impossible_questions(survival_fit: Fit, change: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        forecast_trial(survival_fit, **{"control": "a", "more_days": 100.0, **change})  # type: ignore[arg-type]


def test_a_shared_fit_has_no_patients_to_go_on(survival_fit: Fit) -> None:
    with pytest.raises(ModelError, match="no patients"):
        forecast_trial(survival_fit.without_cohort(), control="a", more_days=100.0)


def test_a_patient_without_follow_up_is_named(survival_fit: Fit) -> None:
    cohort = survival_fit.cohort
    assert cohort is not None
    lost = cohort.patient_ids[0]
    shorter = cohort.with_rows({"followup": cohort.followup.filter(pl.col("patient") != lost),
                                "events": cohort.events.filter(pl.col("patient") != lost)})  # fmt: skip
    with pytest.raises(ModelError, match=lost):
        forecast_trial(dataclasses.replace(survival_fit, cohort=shorter), control="a", more_days=100.0)
