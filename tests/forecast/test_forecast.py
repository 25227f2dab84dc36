"""Forecasts: options as alternatives and continued, probabilities that fit together, patients of the fit."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.forecast import Forecast
from metachron.forecast import forecast as forecast_in_full
from metachron.inference import Fit

ARMS = ("chemotherapy", "immunotherapy")
forecast = partial(forecast_in_full, draws=300)


@pytest.fixture(scope="module")
def at_start(demo_fit: Fit, strangers: Cohort) -> Forecast:
    return forecast(demo_fit, strangers.select(strangers.patient_ids[:3]), landmark_day=0, horizon_day=365)


@pytest.fixture(scope="module")
def later(demo_fit: Fit, strangers: Cohort) -> Forecast:
    return forecast(demo_fit, strangers, landmark_day=120, horizon_day=400)


def test_options_are_alternatives_at_the_start(at_start: Forecast) -> None:
    assert at_start.options == ARMS
    assert set(at_start.survival["option"]) == set(ARMS)
    assert at_start.differences["patient"].n_unique() == 3
    assert set(at_start.differences.select("option", "against").unique().iter_rows()) == {(ARMS[1], ARMS[0])}


def test_differences_are_paired_over_draws(at_start: Forecast) -> None:
    """The mean difference is the difference of means, and the interval of it narrower than one of unpaired draws."""
    means = at_start.outcomes.pivot("option", index=["patient", "quantity"], values="value")
    both = at_start.differences.join(means, on=["patient", "quantity"])
    expected = both[ARMS[1]] - both[ARMS[0]]
    np.testing.assert_allclose(both["difference"], expected, atol=1e-12)
    alive = at_start.outcomes.filter(pl.col("quantity") == "alive at the horizon")
    widths = alive.with_columns(width=pl.col("q95") - pl.col("q05")).pivot("option", index="patient", values="width")
    own = at_start.differences.filter(pl.col("quantity") == "alive at the horizon").sort("patient")
    unpaired = np.hypot(*(widths.sort("patient")[arm].to_numpy() for arm in ARMS))
    assert ((own["q95"] - own["q05"]).to_numpy() < unpaired).all()


def test_a_forecast_goes_on_with_the_arm_given(later: Forecast, strangers: Cohort, demo_fit: Fit) -> None:
    given = dict(strangers.patients.select("patient", "arm").iter_rows())
    assert dict(later.survival.select("patient", "option").unique().iter_rows()) == given
    assert later.differences.is_empty()
    assert any("continues the option" in note for note in later.notes)
    with pytest.raises(ModelError, match="switch"):
        forecast(demo_fit, strangers, landmark_day=120, horizon_day=400, options=ARMS)


def test_probabilities_fit_together(later: Forecast) -> None:
    """Survival falls from 1; progressed while alive, progression-free and dead before progression sum to 1 at most."""
    for _, curve in later.survival.group_by("patient"):
        values = curve.sort("day")["survival"].to_numpy()
        assert values[0] == 1.0
        assert (np.diff(values) < 0).all()
    scans = later.progression
    assert (scans["progression_free"] <= 1.0 - scans["progressed"] + 1e-12).all()
    assert (scans["progressed_alive"] + scans["progression_free"] <= 1.0 + 1e-12).all()
    joined = scans.join(later.survival.select("patient", "day", "survival"), on=["patient", "day"], how="inner")
    assert joined.height == scans.height
    assert (joined["progression_free"] <= joined["survival"] + 1e-12).all()


def test_the_future_is_not_looked_at(later: Forecast, demo_fit: Fit, strangers: Cohort) -> None:
    cut = strangers.with_rows({"measurements": strangers.measurements.filter(pl.col("day") <= 120)})
    again = forecast(demo_fit, cut, landmark_day=120, horizon_day=400)
    assert again.survival.equals(later.survival)
    assert again.progression.equals(later.progression)


def test_growth_is_seen(demo_fit: Fit, strangers: Cohort) -> None:
    """The same patient with the last size doubled: larger later, sooner progressed, and a shorter life (the link)."""
    name = strangers.patient_ids[0]
    one = strangers.select([name])
    last = pl.col("day") == one.measurements.filter(pl.col("day") <= 120)["day"].max()
    doubled = one.measurements.with_columns(
        pl.when(last).then(2.0 * pl.col("size_mm")).otherwise("size_mm").alias("size_mm")
    )
    plain, grown = (
        forecast(demo_fit, cohort, landmark_day=120, horizon_day=400)
        for cohort in (one, one.with_rows({"measurements": doubled}))
    )
    value = [
        dict(each.outcomes.select("quantity", "value").iter_rows())["alive at the horizon"] for each in (plain, grown)
    ]
    size = [each.sizes.filter(pl.col("day") == 400)["size_mm_q50"][0] for each in (plain, grown)]
    assert size[1] > 1.5 * size[0]
    assert value[1] < value[0]


def test_patients_of_the_fit_are_refused_or_left_out(demo_fit: Fit) -> None:
    """Left out by weights, a patient who died early is less surely foretold than with that death in the fit."""
    cohort = demo_fit.cohort
    assert cohort is not None
    few = cohort.select(cohort.patient_ids[:2])
    with pytest.raises(ModelError, match="leave_out=True"):
        forecast(demo_fit, few, landmark_day=0, horizon_day=200)
    found = forecast(demo_fit, few, landmark_day=0, horizon_day=200, leave_out=True)
    assert (found.reliability["pareto_k"] < 0.7).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"horizon_day": 100.0}, "must lie after the landmark"),
        ({"options": ["radiotherapy"]}, "not an arm of the fit"),
        ({"draws": 10}, "at least 100 draws"),
        ({"scan_every_day": 0.0}, "days apart"),
    ],
)
def test_impossible_questions(demo_fit: Fit, strangers: Cohort, change: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        forecast(demo_fit, strangers, **{"landmark_day": 120.0, "horizon_day": 400.0, **change})  # type: ignore[arg-type]


def test_an_arm_that_the_fit_does_not_know(demo_fit: Fit, strangers: Cohort) -> None:
    other = strangers.with_rows({"patients": strangers.patients.with_columns(arm=pl.lit("vaccine"))})
    with pytest.raises(ModelError, match="vaccine"):
        forecast(demo_fit, other, landmark_day=120, horizon_day=400)
    assert forecast(demo_fit, other, landmark_day=0, horizon_day=400).options == ARMS
