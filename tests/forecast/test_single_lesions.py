"""Forecasts from fits of single lesions: against the closed form of straight lines, and what they tell and refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal, norm

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.forecast import Forecast, forecast, score
from metachron.forecast.scores import MODEL
from metachron.forecast.source import Source
from metachron.forecast.summaries import SURVIVAL
from metachron.inference import Fit, fit
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms
from metachron.report import write_forecast_page
from metachron.report.figures.forecast import lesion_label

LANDMARK, HORIZON = 110.0, 400.0
YEAR = 365.25
TRUTH: dict[str, Any] = {
    "baseline.mean": 3.2,
    "baseline.sd": 0.3,
    "baseline.lesion_sd": 0.5,
    "baseline.organ_sd": 0.3,
    "baseline.organ": {"liver": 0.3, "lung": -0.3, "lymph_node": 0.0},
    "slope_per_year.mean": -0.3,
    "slope_per_year.sd": 0.5,
    "slope_per_year.lesion_sd": 0.4,
    "slope_per_year.organ_sd": 0.4,
    "slope_per_year.organ": {"liver": 0.5, "lung": -0.4, "lymph_node": 0.0},
    "residual.additive": 0.12,
    "death.log_scale_year": 0.6,
    "death.log_shape": 0.2,
    "death.link[lesion-sum]": 0.5,
    "new_lesion.log_scale_year": 0.3,
    "new_lesion.log_shape": 0.1,
    "new_lesion.organ": {"bone": 0.2, "liver": -0.2},
    "new_lesion_frailty.sd": 0.5,
}
ORGANS = ("liver", "lung", "lymph_node", "liver")


def model_of(*links: str, new: bool = False) -> JointModel:
    """Return straight lines of log sizes, with death and new lesions where asked for."""
    return compose(
        dynamics="random-slope-log", hazard="weibull" if links else None, links=links, size="lesion",
        new_lesions="weibull" if new else None,
    ).replace(observation="additive")  # fmt: skip


def trial(model: JointModel, patients: int, study: str, *, seed: int, visits: tuple[float, ...]) -> Cohort:
    """Return patients with one to four lesions, the last of which is no target."""
    people = patients_in_arms({"a": patients}, study)
    rows = [
        (patient, f"L{k + 1}", ORGANS[k], "target" if k < 3 else "non_target")
        for number, patient in enumerate(people["patient"])
        for k in range(1 + number % 4)
    ]
    lesions = pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")
    names = {name for name, _ in _sites(model)}
    truth = {name: value for name, value in TRUTH.items() if name in names or name.startswith("death.link")}
    if model.hazard is None:
        truth.pop("death.link[lesion-sum]")
    organs = {"new_lesion_organs": ("bone", "liver")} if model.new_lesions else {}
    return model.simulate(truth, people, VisitPlan(visits, 900.0), seed=seed, lesions=lesions, **organs)


def _sites(model: JointModel) -> list[tuple[str, Any]]:
    from metachron.joint.design import Dims
    from metachron.joint.sites import list_sites

    return [(site.name, site) for site in list_sites(model, Dims(8, 8, 1, 1, (), False, 3, 2))]


@pytest.fixture(scope="module")
def lines() -> Fit:
    model = model_of()
    cohort = trial(model, 40, "trial", seed=4, visits=(-7.0, 50.0, 100.0, 150.0, 200.0))
    return fit(model, cohort, engine="nuts", chains=2, warmup=300, draws=500, seed=1, check=False)


@pytest.fixture(scope="module")
def others() -> Cohort:
    return trial(model_of(), 4, "elsewhere", seed=9, visits=(-7.0, 50.0, 100.0, 300.0))


@pytest.fixture(scope="module")
def found(lines: Fit, others: Cohort) -> Forecast:
    return forecast(lines, others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=1000)


def closed_form(fit: Fit, cohort: Cohort, patient: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return the weight of each posterior draw, mean and sd of each lesion's log size at the horizon, and lesions."""
    rows = cohort.measurements.filter((pl.col("patient") == patient) & (pl.col("day") <= LANDMARK))
    organs = dict(cohort.lesions.filter(pl.col("patient") == patient).select("lesion", "organ").iter_rows())
    lesions = rows["lesion"].unique(maintain_order=True).to_list()
    value = np.log(rows["size_mm"].to_numpy())
    design = np.zeros((len(value), 2 * len(lesions)))
    for number, (lesion, day) in enumerate(rows.select("lesion", "day").iter_rows()):
        design[number, 2 * lesions.index(lesion) : 2 * lesions.index(lesion) + 2] = 1.0, day / YEAR
    ahead = np.kron(np.eye(len(lesions)), [1.0, HORIZON / YEAR])
    names = ("baseline", "slope_per_year")
    posterior = {str(name): v.to_numpy().reshape(-1, *v.shape[2:]) for name, v in fit.posterior.items()}
    logs, means, sds = [], [], []
    for draw in range(len(posterior["residual.additive"])):
        mean = np.concatenate(
            [
                [
                    np.ravel(posterior[f"{n}.mean"][draw])[0]
                    + posterior[f"{n}.organ"][draw][fit.labels.organs.index(organs[lesion])]
                    for n in names
                ]
                for lesion in lesions
            ]
        )
        between = np.diag([posterior[f"{n}.sd"][draw] ** 2 for n in names])
        within = np.diag([posterior[f"{n}.lesion_sd"][draw] ** 2 for n in names])
        spread = np.kron(np.ones((len(lesions), len(lesions))), between) + np.kron(np.eye(len(lesions)), within)
        noise = posterior["residual.additive"][draw] ** 2
        covariance = design @ spread @ design.T + noise * np.eye(len(value))
        gain = spread @ design.T @ np.linalg.inv(covariance)
        logs.append(multivariate_normal.logpdf(value, design @ mean, covariance))
        means.append(ahead @ (mean + gain @ (value - design @ mean)))
        sds.append(np.sqrt(np.diag(ahead @ (spread - gain @ design @ spread) @ ahead.T)))
    weight = np.exp(np.asarray(logs) - max(logs))
    return weight / weight.sum(), np.asarray(means), np.asarray(sds), lesions


def test_sizes_of_lesions_are_the_closed_form(lines: Fit, others: Cohort, found: Forecast) -> None:
    """Quantiles to 5 errors of 400 effective draws, and 0.02 for the normal stand-in for the population's posterior."""
    assert found.reliability["reliable"].all()
    last = found.lesions.filter(pl.col("day") == HORIZON)
    for patient in others.patient_ids:
        weight, mean, sd, lesions = closed_form(lines, others, patient)
        for column, lesion in enumerate(lesions):
            row = last.filter((pl.col("patient") == patient) & (pl.col("lesion") == lesion))
            assert row.height == 1
            for name, level in (("size_mm_q05", 0.05), ("size_mm_q50", 0.5), ("size_mm_q95", 0.95)):
                reached = float(np.sum(weight * norm.cdf(np.log(row[name][0]), mean[:, column], sd[:, column])))
                assert reached == pytest.approx(level, abs=0.02 + 5.0 * np.sqrt(level * (1.0 - level) / 400.0))


def test_the_sum_is_that_of_target_lesions(others: Cohort, found: Forecast) -> None:
    """Of a patient with one lesion the sum is the lesion; one that is no target has a forecast and no part in it."""
    alone, most = others.patient_ids[0], others.patient_ids[3]
    sums, each = (frame.filter(pl.col("patient") == alone).sort("day") for frame in (found.sizes, found.lesions))
    assert each["size_mm_q50"].to_list() == sums["size_mm_q50"].to_list()
    last = found.lesions.filter((pl.col("patient") == most) & (pl.col("day") == HORIZON))
    assert last["lesion"].to_list() == ["L1", "L2", "L3", "L4"]
    assert last["organ"].to_list() == list(ORGANS)
    total = found.sizes.filter((pl.col("patient") == most) & (pl.col("day") == HORIZON))["size_mm_q50"][0]
    targets = last["size_mm_q50"].to_list()[:3]
    assert max(targets) < total < 1.3 * sum(targets)
    assert found.recorded_lesions.filter(pl.col("patient") == most)["lesion"].n_unique() == 4
    assert found.recorded_lesions["day"].max() <= LANDMARK  # type: ignore[operator]


def test_the_page_shows_lesions_by_organ(found: Forecast, others: Cohort, tmp_path: Any) -> None:
    page = write_forecast_page(found, tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("Size of each lesion of ") == 4
    assert "Pareto k" in page
    labels = found.lesions.select("lesion", "organ", "in_sum").unique().iter_rows(named=True)
    assert "L4 (liver, not in the sum)" in {lesion_label(row) for row in labels}


@pytest.fixture(scope="module")
def deadly() -> Fit:
    """Death by the sum of all lesions at each moment, new lesions by organ."""
    model = model_of("lesion-sum", new=True)
    cohort = trial(model, 30, "trial", seed=2, visits=(-7.0, 50.0, 100.0, 200.0))
    return fit(model, cohort, engine="nuts", chains=2, warmup=150, draws=150, seed=1, check=False)


def test_death_and_new_lesions_are_forecast_with_lesions(deadly: Fit) -> None:
    others = trial(deadly.model, 4, "elsewhere", seed=5, visits=(-7.0, 50.0))
    new = others.select(others.patient_ids[2:3])
    told = forecast(deadly, new, landmark_day=0.0, horizon_day=365.0, draws=300)
    assert told.outcomes.filter(pl.col("quantity") == SURVIVAL)["value"].is_between(0.0, 1.0, closed="none").all()
    assert set(told.new_lesions["organ"]) == {"any", "bone", "liver"}
    last = told.new_lesions.filter((pl.col("patient") == new.patient_ids[0]) & (pl.col("day") == 365.0))
    each = dict(last.select("organ", "new_lesion").iter_rows())
    assert 0.0 < each["any"] < each["bone"] + each["liver"]


@pytest.mark.slow
def test_sums_and_deaths_are_scored(deadly: Fit) -> None:
    """Scores as of fits of sums, for both sizes and survival. Two minutes."""
    others = trial(deadly.model, 40, "more", seed=6, visits=(-7.0, 50.0, 100.0, 200.0))
    found = score(deadly, others, landmark_day=60.0, horizon_day=360.0, draws=200).table
    told = found.filter(pl.col("method") == MODEL)
    assert set(told["of"]) == {"survival", "sizes"}
    assert told["value"].is_not_nan().all()


def test_patients_are_taken_out_of_a_fit_of_single_lesions(lines: Fit) -> None:
    """Without the patient's data the posterior is that of the others: the forecast of its last sizes is wider."""
    assert lines.cohort is not None
    own = lines.cohort.select(lines.cohort.patient_ids[3:4])
    left = forecast(lines, own, landmark_day=LANDMARK, horizon_day=HORIZON, draws=600, leave_out=True)
    assert left.reliability["pareto_k"].max() < 0.7  # type: ignore[operator]
    assert set(left.lesions["lesion"]) == {"L1", "L2", "L3", "L4"}


def test_what_cannot_be_forecast_is_refused(lines: Fit, deadly: Fit, others: Cohort) -> None:
    with pytest.raises(ModelError, match="looks at all lesions"):
        forecast(deadly, others, landmark_day=LANDMARK, horizon_day=HORIZON, draws=200, leave_out=True)
    untold = others.with_rows({"lesions": others.lesions.with_columns(role=pl.lit("non_target"))})
    with pytest.raises(ModelError, match="no target lesion"):
        forecast(lines, untold, landmark_day=LANDMARK, horizon_day=HORIZON, draws=200)
    counting = Source(replace(deadly, model=model_of("new-lesion-count", new=True)), None, frozenset(), None, {})
    with pytest.raises(ModelError, match="new-lesion-count"):
        forecast(counting, others, landmark_day=LANDMARK, horizon_day=HORIZON)
