"""Forecasts of new lesions: closed forms of competing risks, the clock, and organs."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import polars as pl
import pytest

from inference.made_fits import TRUTH, make_fit
from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort
from metachron.forecast import Forecast, forecast, score
from metachron.forecast.outcomes import after_without_new_lesion
from metachron.forecast.scores import FREE_OF, MODEL
from metachron.forecast.summaries import ANY, FREE_OF_BOTH, NEW_LESION, PROGRESSION_FREE, SURVIVAL
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms

ORGANS = ("bone", "liver", "lung")
EFFECTS = np.array([0.4, 0.0, -0.8])
SHARES = np.exp(EFFECTS) / np.exp(EFFECTS).sum()
RATE, HAZARD, HORIZON = 0.8, 0.5, 365.25
PLAN = VisitPlan(visit_day=(0.0, 56.0, 112.0, 168.0), cutoff_day=400.0)


def plain(clock: str, law: str) -> JointModel:
    """Return a model in which neither hazard nor rate depends on the tumour, and nobody is frail."""
    model = compose(hazard="exponential", new_lesions=law, clock=clock)
    assert model.new_lesions is not None
    return dataclasses.replace(model, new_lesions=dataclasses.replace(model.new_lesions, frailty_prior=None))


@cache
def made(clock: str, law: str, landmark: float) -> tuple[Forecast, Cohort]:
    """Return the forecast of three patients from a fit whose every draw is the truth."""
    model = plain(clock, law)
    theta = {k: v for k, v in TRUTH.items() if not k.startswith("death")}
    theta |= {"death.log_scale_year": -np.log(HAZARD), "new_lesion.organ": EFFECTS}
    theta |= {"new_lesion.log_scale_year": -np.log(RATE)} | (
        {"new_lesion.log_shape": np.log(1.5)} if law == "weibull" else {}
    )
    arms = patients_in_arms({"control": 30, "new": 30})
    cohort = model.simulate(theta, arms, PLAN, seed=1, new_lesion_organs=ORGANS)
    fit = make_fit(model, cohort, theta, draws=200)
    others = model.simulate(theta, patients_in_arms({"control": 20, "new": 20}), PLAN, seed=2, new_lesion_organs=ORGANS)
    alive = others.followup.filter((pl.col("kind") == "death") & (pl.col("last_day") > landmark + 1))["patient"]
    renamed = {patient: f"other-{patient}" for patient in alive.head(6)}
    chosen = others.select(tuple(renamed))
    tables = {name: frame.with_columns(pl.col("patient").replace(renamed)) for name, frame in chosen.tables.items()}
    new = Cohort.create("others", tables)
    return forecast(fit, new, landmark_day=landmark, horizon_day=landmark + HORIZON, draws=200), new


@pytest.mark.parametrize("clock", ["calendar", "gap"])
def test_constant_rates_give_the_closed_form_of_competing_risks(clock: str) -> None:
    """Incidence of the first: rate / (rate + hazard) (1 - exp(-(rate + hazard) t)); the grid errs by less than 1e-3."""
    found, _ = made(clock, "exponential", 0.0)

    def incidence(rate: float) -> float:
        return rate / (rate + HAZARD) * -np.expm1(-(rate + HAZARD))

    last = found.new_lesions.filter(pl.col("day") == found.new_lesions["day"].max())
    expected = {ANY: incidence(RATE)} | {
        organ: share * incidence(RATE) if clock == "gap" else incidence(share * RATE)
        for organ, share in zip(ORGANS, SHARES, strict=True)
    }
    for organ, value in expected.items():
        np.testing.assert_allclose(last.filter(pl.col("organ") == organ)["new_lesion"], value, atol=1e-3)
    told = found.outcomes.filter(pl.col("quantity") == NEW_LESION)
    np.testing.assert_allclose(told["value"], expected[ANY], atol=1e-3)
    each = {
        q: found.outcomes.filter(pl.col("quantity") == q)["value"].to_numpy() for q in (PROGRESSION_FREE, FREE_OF_BOTH)
    }
    np.testing.assert_allclose(each[FREE_OF_BOTH], each[PROGRESSION_FREE] * np.exp(-RATE), rtol=1e-6)
    alive = found.outcomes.filter(pl.col("quantity") == SURVIVAL)["value"]
    np.testing.assert_allclose(alive, np.exp(-HAZARD), rtol=1e-6)
    np.testing.assert_allclose(last.filter(pl.col("organ") == ANY)["free"], np.exp(-HAZARD - RATE), rtol=1e-6)
    assert last.filter(pl.col("organ") != ANY)["free"].is_nan().all()


def test_in_gap_time_the_clock_runs_from_the_last_lesion_seen() -> None:
    """Weibull, by numerical integration of the competing risks from the patient's own last lesion."""
    found, cohort = made("gap", "weibull", 112.0)
    seen = cohort.events.filter((pl.col("kind") == "new_lesion") & (pl.col("day_upper") <= 112.0))
    last = dict(seen.group_by("patient").agg(pl.col("day_upper").max()).iter_rows())
    assert last
    assert len(last) < len(cohort.patient_ids)
    rows = found.outcomes.filter(pl.col("quantity") == NEW_LESION)
    for patient, value in rows.select("patient", "value").iter_rows():
        start = (112.0 - last.get(patient, 0.0)) / DAYS_PER_YEAR
        time = np.linspace(0.0, 1.0, 4001)
        passed = (RATE * (start + time)) ** 1.5 - (RATE * start) ** 1.5
        middle = 0.5 * (time[1:] + time[:-1])
        expected = np.sum(np.diff(-np.exp(-passed)) * np.exp(-HAZARD * middle))
        assert value == pytest.approx(expected, abs=1e-3), patient


def test_without_rows_of_new_lesions_a_patient_is_taken_to_be_free_and_the_notes_say_so() -> None:
    found, cohort = made("calendar", "exponential", 0.0)
    assert any("without rows of new lesions is taken to have had none" in note for note in found.notes)
    assert not any("new lesions and clinical progression come on top" in note for note in found.notes)
    assert set(found.new_lesions["organ"]) == {ANY, *ORGANS}
    assert found.new_lesions["patient"].n_unique() == len(cohort.patient_ids)


def test_what_comes_first_after_the_landmark_is_scored() -> None:
    """a has a new lesion, b dies, c is last assessed on day 150, d before the landmark, e had its lesion before it."""
    happened = [("a", "new_lesion", 100.0), ("b", "death", 200.0), ("a", "death", 300.0), ("e", "new_lesion", 30.0)]
    events = [(patient, kind, day, day) for patient, kind, day in happened]
    last = {"a": (150.0, 300.0), "b": (150.0, 200.0), "c": (150.0, 400.0), "d": (50.0, 400.0), "e": (120.0, 400.0)}
    rows = [
        (p, kind, 0.0, day) for p, days in last.items() for kind, day in zip(("new_lesion", "death"), days, strict=True)
    ]
    cohort = Cohort.create(
        "by hand",
        {
            "patients": pl.DataFrame({"patient": list(last), "study": "S", "arm": "A"}),
            "events": pl.DataFrame(events, ["patient", "kind", "day_lower", "day_upper"], orient="row"),
            "followup": pl.DataFrame(rows, ["patient", "kind", "entry_day", "last_day"], orient="row"),
        },
    )  # fmt: skip
    found = after_without_new_lesion(cohort, 60.0, compose(dynamics=None, hazard="weibull", new_lesions="weibull"))
    told = {p: (round(year * DAYS_PER_YEAR, 6), event) for p, year, event in found.iter_rows()}
    assert told == {"a": (40.0, True), "b": (140.0, True), "c": (90.0, False), "e": (60.0, False)}


def test_survival_without_new_lesions_is_scored_beside_its_competitors() -> None:
    """Forecasts from the truth are calibrated, and do not tell patients of one rate apart."""
    model = plain("calendar", "exponential")
    theta = {k: v for k, v in TRUTH.items() if not k.startswith("death")}
    theta |= {"death.log_scale_year": -np.log(HAZARD), "new_lesion.log_scale_year": -np.log(RATE)}
    plan = VisitPlan(tuple(np.arange(0.0, 700.0, 14.0)), 700.0)
    arms = {"control": 80, "new": 80}
    teachers = model.simulate(theta, patients_in_arms(arms), plan, seed=1)
    others = model.simulate(theta, patients_in_arms(arms, "other"), plan, seed=2)
    found = score(make_fit(model, teachers, theta, draws=100), others, landmark_day=0.0, horizon_day=365.0, draws=100)
    own = found.table.filter(pl.col("of") == FREE_OF)
    assert {MODEL, "Kaplan-Meier by arm"} <= set(own["method"])
    value = dict(own.filter(pl.col("method") == MODEL).select("score", "value").iter_rows())
    free = np.exp(-(HAZARD + RATE))
    assert value["Brier"] == pytest.approx(free * (1.0 - free), abs=0.03)
    assert value["AUC"] == pytest.approx(0.5, abs=0.1)
    assert set(found.calibration["of"]) == {"survival", FREE_OF}
