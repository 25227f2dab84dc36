"""Simulated cohorts: event times, sizes and censoring follow the model, and wrong parameters are refused."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy import stats

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.cohort import Cohort
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms
from metachron.joint.bind import bind_patients
from metachron.joint.given_parameters import read_parameters
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.population import PatientParameters, patient_parameters
from metachron.joint.simulate import draw_effects, event_times

GSF = compose(dynamics="gsf", links=["log-current-size"])
TRUTH = {
    "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.4,
    "log_shrinkage_per_year.mean": {"A": 0.3, "B": 0.9}, "log_shrinkage_per_year.sd": 0.5,
    "log_growth_per_year.mean": {"A": -0.5, "B": -0.9}, "log_growth_per_year.sd": 0.5,
    "logit_resistant_fraction.mean": {"A": -0.8, "B": -0.8}, "logit_resistant_fraction.sd": 0.6,
    "residual.proportional": 0.15, "death.log_scale_year": 0.7, "death.log_shape": 0.3,
    "death.link[log-current-size]": 0.8,
}  # fmt: skip
SURVIVAL = compose(dynamics=None, hazard="exponential")
PLAN = VisitPlan(visit_day=(-5.0, 60.0, 120.0, 240.0), cutoff_day=900.0)


def gsf_cohort(patients: int = 400, *, plan: VisitPlan = PLAN, **options) -> Cohort:
    return GSF.simulate(TRUTH, patients_in_arms({"A": patients // 2, "B": patients // 2}), plan, seed=11, **options)


def drawn(patients: int, model: JointModel = GSF, truth: dict | None = None, seed: int = 11):
    """Return design, parameters and patients' parameters that `simulate` drew for this seed."""
    table = patients_in_arms({"A": patients // 2, "B": patients // 2})
    binding = bind_patients(model, table, np.ones(patients), np.arange(patients))
    theta = read_parameters(model, binding, TRUTH if truth is None else truth)
    values = draw_effects(model, binding.dims, theta, jax.random.fold_in(jax.random.key(seed), 0))
    assert model.dynamics is not None
    return binding.design, theta, patient_parameters(model, values, binding.design)


def size_mm(parameters: PatientParameters, patient: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Return the size by the published formula, not by the law's own code."""
    b, s, g = (
        np.exp(parameters.psi[name])[patient] for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year")
    )
    phi = 1 / (1 + np.exp(-np.asarray(parameters.psi["resistant_fraction"])[patient]))
    return np.where(year < 0, b * np.exp(g * year), b * ((1 - phi) * np.exp(-s * year) + phi * np.exp(g * year)))


def positions(frame: pl.DataFrame, cohort: Cohort) -> np.ndarray:
    order = {patient: index for index, patient in enumerate(cohort.patient_ids)}
    return np.array([order[patient] for patient in frame["patient"]])


def test_the_same_seed_gives_the_same_cohort() -> None:
    assert gsf_cohort(20).fingerprint() == gsf_cohort(20).fingerprint()
    other = GSF.simulate(TRUTH, patients_in_arms({"A": 10, "B": 10}), PLAN, seed=12)
    assert other.fingerprint() != gsf_cohort(20).fingerprint()


def test_event_times_follow_the_model() -> None:
    """Probability integral transform: the cumulative hazard at the death of each patient is exponential with mean 1.

    Followed for 40 years, so that nearly everybody dies; the hazard moves with the size of the tumour.
    """
    cohort = gsf_cohort(plan=dataclasses.replace(PLAN, cutoff_day=40 * DAYS_PER_YEAR))
    design, theta, parameters = drawn(400)
    days = dict(cohort.events.select("patient", "day_lower").iter_rows())
    year = jnp.asarray([days.get(patient, 40 * DAYS_PER_YEAR) / DAYS_PER_YEAR for patient in cohort.patient_ids])
    state = patient_state(GSF, parameters)
    reached = np.asarray(cumulative_hazard(GSF, theta, state, design, jnp.zeros(400), year))
    assert len(days) > 395
    happened = np.array([patient in days for patient in cohort.patient_ids])
    assert stats.kstest(reached[happened], "expon").pvalue > 0.01
    linked = np.log(size_mm(parameters, np.arange(400), np.full(400, 0.5)) / 50.0)
    correlation = stats.spearmanr(linked[happened], np.asarray(year)[happened]).statistic
    assert correlation < -0.2, "larger tumours die earlier"


def test_event_times_undo_the_cumulative_hazard() -> None:
    design, theta, parameters = drawn(40)
    target = jnp.linspace(0.01, 3.0, 40)
    longest = jnp.full(40, 6.0)
    year = event_times(GSF, theta, parameters, design, target, longest)
    state = patient_state(GSF, parameters)
    back = cumulative_hazard(GSF, theta, state, design, jnp.zeros(40), jnp.minimum(year, 6.0))
    early = np.isfinite(year)
    assert 5 < early.sum() < 40
    np.testing.assert_allclose(back[early], target[early], rtol=1e-9)
    assert (np.asarray(back)[~early] < np.asarray(target)[~early]).all()


def test_residuals_are_standard_normal_about_the_law() -> None:
    cohort = gsf_cohort(limit_mm=1e-6)
    rows = cohort.measurements.filter(state="measured")
    _, _, parameters = drawn(400)
    mean = size_mm(parameters, positions(rows, cohort), rows["day"].to_numpy() / DAYS_PER_YEAR)
    residual = (rows["size_mm"].to_numpy() - mean) / (0.15 * mean)
    assert len(residual) > 1200
    assert stats.kstest(residual, "norm").pvalue > 0.01


def test_sizes_below_the_limit_are_recorded_as_such() -> None:
    """With a limit of 30 mm many are below it; none of the measured is, and the others have no size."""
    free, limited = gsf_cohort(limit_mm=1e-6).measurements, gsf_cohort(limit_mm=30.0)
    table = limited.measurements
    below = table["state"] == "below_limit"
    np.testing.assert_array_equal(below.to_numpy(), (free["size_mm"] < 30.0).to_numpy())
    assert 0.1 < float(below.mean()) < 0.9  # type: ignore[arg-type]
    assert table.filter(below)["size_mm"].null_count() == below.sum()
    np.testing.assert_array_equal(table.filter(~below)["size_mm"], free.filter(~below)["size_mm"])
    assert limited.limit_mm == 30.0


@pytest.mark.parametrize("limits", [{"limit_mm": 20.0}, {"limit_working": 1.0}])
def test_the_limit_is_that_of_the_model_unless_said_otherwise(limits: dict[str, float]) -> None:
    """The likelihood censors at the model's own limit, so that the simulator must too."""
    part = compose(dynamics="random-slope-boxcox", hazard=None).dynamics
    assert part is not None
    model = JointModel(dataclasses.replace(part, **limits), None)  # type: ignore[arg-type]
    truth = {
        "baseline.mean": 1.5, "baseline.sd": 1.0, "slope_per_year.mean": 0.0, "slope_per_year.sd": 0.5,
        "residual.additive": 0.3,
    }  # fmt: skip
    cohort = model.simulate(truth, patients_in_arms({"A": 50}), PLAN, seed=1)
    limit = 20.0 if "limit_mm" in limits else 10.0 * 1.3 ** (1 / 0.3)
    assert cohort.limit_mm == pytest.approx(limit, rel=1e-12)
    measured = cohort.measurements.filter(state="measured")["size_mm"].to_numpy()
    assert measured.min() >= limit
    censored = model.bind(cohort).design.censored
    assert censored is not None
    assert float(censored.weight.sum()) == (cohort.measurements["state"] == "below_limit").sum() > 5


def observed(plan: VisitPlan, rate: float, patients: int = 4000) -> pl.DataFrame:
    """Return follow-up and death of a survival model with a constant hazard."""
    truth = {"death.log_scale_year": -np.log(rate)}
    cohort = SURVIVAL.simulate(truth, patients_in_arms({"A": patients}), plan, seed=5)
    return cohort.followup.join(cohort.events.select("patient", "day_lower"), on="patient", how="left")


def test_death_dropout_and_cut_off_have_their_closed_form_shares() -> None:
    """Competing exponential times cut at 2 years; within 4 standard errors of a share among 4,000."""
    rate, dropout, cutoff = 0.6, 0.25, 2.0
    table = observed(VisitPlan((0.0,), cutoff_day=cutoff * DAYS_PER_YEAR, dropout_per_year=dropout), rate)
    died = float(table["day_lower"].is_not_null().mean())  # type: ignore[arg-type]
    stayed = float((table["last_day"] >= cutoff * DAYS_PER_YEAR - 1e-6).mean())  # type: ignore[arg-type]
    total = rate + dropout
    for share, expected in (
        (died, rate / total * (1 - np.exp(-total * cutoff))),
        (stayed, np.exp(-total * cutoff)),
        (1 - died - stayed, dropout / total * (1 - np.exp(-total * cutoff))),
    ):
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)


def test_enrolment_spreads_the_ends_of_follow_up_evenly() -> None:
    plan = VisitPlan((0.0,), cutoff_day=1000.0, enrolment_days=400.0)
    table = observed(plan, rate=1e-3, patients=800)
    last = table.filter(pl.col("day_lower").is_null())["last_day"].to_numpy()
    assert last.min() >= 600.0
    assert last.max() <= 1000.0
    assert stats.kstest((last - 600.0) / 400.0, "uniform").pvalue > 0.01


def test_visits_keep_to_the_plan_and_end_with_observation() -> None:
    plan = VisitPlan((-7.0, 50.0, 100.0, 150.0), cutoff_day=400.0, jitter_day=3.0, dropout_per_year=1.0)
    cohort = gsf_cohort(200, plan=plan)
    visits = cohort.visits.join(cohort.followup.select("patient", "last_day"), on="patient")
    assert (visits["day"] <= visits["last_day"]).all()
    first = cohort.visits.filter(pl.col("day") <= 0)
    assert first["patient"].n_unique() == len(first) == 200
    assert (first["day"] == -7.0).all()
    late = cohort.visits.filter(pl.col("day").is_between(85.0, 115.0))["day"].to_numpy()
    assert late.std() == pytest.approx(3.0, rel=4 / np.sqrt(2 * len(late)))
    early = visits.filter(pl.col("last_day") > 170).group_by("patient").len()
    assert (early["len"] == 4).all(), "nobody under observation misses a visit"
    assert (
        cohort.measurements.select("patient", "day")
        .sort("patient", "day")
        .equals(cohort.visits.select("patient", "day").sort("patient", "day"))
    )


def test_lesions_are_simulated_one_by_one() -> None:
    """Three lesions of ten patients: spread within patients is that of lesion effects and scatter."""
    model = compose(dynamics="random-slope-log", hazard=None, size="lesion")
    patients = patients_in_arms({"A": 10})
    lesions = pl.DataFrame(
        {"patient": [p for p in patients["patient"] for _ in range(3)], "lesion": ["a", "b", "c"] * 10}
    ).with_columns(organ=pl.lit("lung"), role=pl.lit("target"))
    truth = {
        "baseline.mean": 3.5, "baseline.sd": 1.0, "baseline.lesion_sd": 0.2, "slope_per_year.mean": [0.1],
        "slope_per_year.sd": 0.1, "slope_per_year.lesion_sd": 0.1, "residual.proportional": 0.05,
    }  # fmt: skip
    cohort = model.simulate(truth, patients, PLAN, seed=3, lesions=lesions, limit_mm=0.1)
    assert len(cohort.measurements) == 10 * 3 * 4
    baseline = cohort.measurements.filter(day=-5.0).with_columns(log=pl.col("size_mm").log())
    within = baseline.group_by("patient").agg(pl.col("log").std())["log"].to_numpy()
    between = baseline.group_by("patient").agg(pl.col("log").mean())["log"].to_numpy()
    assert within.mean() < 0.4 < between.std()
    binding = model.bind(cohort)
    assert len(binding.labels.series) == 30


def test_a_hazard_with_knots_takes_them() -> None:
    model = compose(dynamics=None, hazard="piecewise")
    rate = {"death.log_rate_per_year": np.log([0.1, 0.2, 0.5, 1.0, 4.0])}
    plan = VisitPlan((0.0,), cutoff_day=5 * DAYS_PER_YEAR)
    cohort = model.simulate(rate, patients_in_arms({"A": 3000}), plan, seed=2, knots_year=(0.5, 1.0, 1.5, 2.0))
    year = cohort.events["day_lower"].to_numpy() / DAYS_PER_YEAR
    survival = np.exp(-np.cumsum(0.5 * np.array([0.1, 0.2, 0.5, 1.0])))
    expected = [1.0 - s for s in survival]
    found = [(year <= knot).sum() / 3000 for knot in (0.5, 1.0, 1.5, 2.0)]
    np.testing.assert_allclose(found, expected, atol=4 * 0.5 / np.sqrt(3000))


WITHOUT = {name: value for name, value in TRUTH.items() if name != "death.log_shape"}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (WITHOUT, "missing death.log_shape; unknown none"),
        ({**TRUTH, "death.shape": 1.0}, "missing none; unknown death.shape"),
        ({**TRUTH, "log_growth_per_year.mean": [1.0, 2.0, 3.0]}, r"log_growth_per_year.mean has shape \(2,\); found"),
        (
            {**TRUTH, "log_growth_per_year.mean": {"A": 1.0}},
            r"log_growth_per_year.mean takes values for \(\('A'",
        ),
        ({**TRUTH, "death.log_shape": {"A": 1.0}}, "death.log_shape takes values for"),
        ({**TRUTH, "log_growth_per_year.sd": -0.5}, "log_growth_per_year.sd must not be negative"),
        ({**TRUTH, "residual.proportional": -0.1}, "residual.proportional must not be negative"),
        ({**TRUTH, "death.log_shape": float("nan")}, "death.log_shape must be finite"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        GSF.simulate(parameters, patients_in_arms({"A": 2, "B": 2}), PLAN, seed=1)


def test_a_matrix_that_is_no_correlation_is_refused() -> None:
    model = compose(dynamics="random-slope-log", hazard=None, covariance="full")
    truth = {
        "baseline.mean": 3.5, "baseline.sd": 1.0, "slope_per_year.mean": 0.1, "slope_per_year.sd": 0.1,
        "residual.proportional": 0.05,
    }  # fmt: skip
    for matrix in ([[1.0, 1.5], [1.5, 1.0]], [[2.0, 0.1], [0.1, 1.0]], [[1.0, 0.3], [0.1, 1.0]]):
        with pytest.raises(ModelError, match="effects\\.correlation must be a correlation matrix"):
            model.simulate({**truth, "effects.correlation": matrix}, patients_in_arms({"A": 3}), PLAN, seed=1)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (VisitPlan((), cutoff_day=100.0), "needs a baseline visit"),
        (VisitPlan((7.0, 14.0), cutoff_day=100.0), "needs a baseline visit"),
        (VisitPlan((0.0,), cutoff_day=100.0, enrolment_days=100.0), "cutoff_day must lie after the end of enrolment"),
        (VisitPlan((0.0,), cutoff_day=100.0, jitter_day=-1.0), "must not be negative"),
        (VisitPlan((0.0,), cutoff_day=100.0, dropout_per_year=-1.0), "must not be negative"),
    ],
)
def test_impossible_plans_are_refused(plan: VisitPlan, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        GSF.simulate(TRUTH, patients_in_arms({"A": 2, "B": 2}), plan, seed=1)


def test_knots_and_lesions_that_are_missing_are_asked_for() -> None:
    model = compose(dynamics=None, hazard="piecewise")
    with pytest.raises(ModelError, match="needs 4 knots; knots_year has 0"):
        model.simulate({"death.log_rate_per_year": 0.0}, patients_in_arms({"A": 3}), PLAN, seed=1)
    lesion = compose(dynamics="random-slope-log", hazard=None, size="lesion")
    with pytest.raises(ModelError, match="needs the table lesions"):
        lesion.simulate({}, patients_in_arms({"A": 3}), PLAN, seed=1)
