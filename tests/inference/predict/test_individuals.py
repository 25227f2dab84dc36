"""Curves and estimates of single patients against the closed forms of the law and the hazard."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.predict import curves, individual_curves, individual_estimates
from metachron.inference.predict.bands import band
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.estimates import HORIZON_YEAR
from metachron.joint import compose

TIMES = np.asarray([-0.1, 0.0, 0.5, 1.5])


def natural(fit: Fit, patient: int) -> dict[str, np.ndarray]:
    """Return b, s and g of a patient in every draw, from means, groups and effects of the posterior."""
    arm = fit.cohort.patients["arm"][patient]
    found = {}
    for label in ("log_baseline_mm", "log_shrinkage_per_year", "log_growth_per_year"):
        mean = fit.posterior[f"{label}.mean"]
        mean = mean.sel(arm=arm) if "arm" in mean.dims else mean
        found[label] = np.exp(mean.to_numpy() + fit.posterior[f"{label}.effect"].to_numpy()[..., patient]).ravel()
    return found


def stein_fojo(fit: Fit, patient: int, time: float) -> np.ndarray:
    b, s, g = natural(fit, patient).values()
    return b * np.exp(g * time) if time < 0 else b * (np.exp(-s * time) + np.exp(g * time) - 1.0)


def test_size_is_the_law_at_the_patients_parameters(fit: Fit) -> None:
    patient = 3
    name = fit.labels.patients[patient]
    rows = individual_curves(fit, [name], TIMES).sizes
    assert rows["patient"].to_list() == [name] * len(TIMES)
    for time, row in zip(TIMES, rows.iter_rows(named=True), strict=True):
        expected = np.quantile(stein_fojo(fit, patient, time), (0.05, 0.5, 0.95))
        assert [row[f"size_mm_{q}"] for q in ("q05", "q50", "q95")] == pytest.approx(expected, rel=1e-10)


def test_survival_is_the_weibull_with_the_patients_growth(exact: Fit) -> None:
    patient = 30
    rows = individual_curves(exact, [exact.labels.patients[patient]], TIMES).survival
    growth = natural(exact, patient)["log_growth_per_year"][0]
    risk = math.exp(0.8 * math.log(growth / 0.5))
    expected = [math.exp(-risk * (time / math.exp(0.3)) ** math.exp(0.2)) for time in (0.0, 0.5, 1.5)]
    assert rows["survival_q50"].to_list() == pytest.approx(expected, rel=1e-10)
    assert rows["time_year"].to_list() == [0.0, 0.5, 1.5]


def test_recorded_sizes_stand_beside_the_curves(fit: Fit, cohort: Cohort) -> None:
    name = fit.labels.patients[0]
    recorded = individual_curves(fit, [name], TIMES).recorded
    source = cohort.measurements.filter(pl.col("patient") == name).sort("day")
    assert recorded["day"].to_list() == pytest.approx(source["day"].to_list())
    assert recorded["censored"].to_list() == [state != "measured" for state in source["state"]]


def test_pieces_do_not_change_the_answer(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = individual_curves(fit, None, TIMES)
    monkeypatch.setattr(curves, "AT_ONCE", 7)
    parts = individual_curves(fit, None, TIMES)
    assert whole.sizes["patient"].to_list() == [p for p in fit.labels.patients for _ in TIMES]
    for one, other in ((whole.sizes, parts.sizes), (whole.survival, parts.survival)):
        np.testing.assert_allclose(
            one[:, 2:].to_numpy()[:, -3:].astype(float), other[:, 2:].to_numpy()[:, -3:].astype(float)
        )


def test_estimates_summarise_the_draws(fit: Fit) -> None:
    table = individual_estimates(fit)
    patient = 7
    b, s, g = natural(fit, patient).values()
    row = table.row(patient, named=True)
    assert table["patient"].to_list() == list(fit.labels.patients)
    assert row["baseline_mm_mean"] == pytest.approx(b.mean())
    assert row["growth_per_year_median"] == pytest.approx(np.median(g))
    assert row["shrinkage_per_year_sd"] == pytest.approx(s.std(ddof=1))
    begins = np.maximum(np.log(s / g), 0.0) / (s + g)
    assert row["time_to_growth_year_q95"] == pytest.approx(np.quantile(begins, 0.95))


def test_median_survival_solves_the_cumulative_hazard(exact: Fit) -> None:
    table = individual_estimates(exact)
    for patient in (0, 40):
        risk = (natural(exact, patient)["log_growth_per_year"][0] / 0.5) ** 0.8
        expected = math.exp(0.3) * (math.log(2.0) / risk) ** math.exp(-0.2)
        found = table["median_survival_year_median"][patient]
        assert found == pytest.approx(expected if expected < HORIZON_YEAR else math.inf, rel=1e-9)


def test_a_line_that_falls_never_grows(build: Callable[..., Fit], cohort: Cohort) -> None:
    model = compose(dynamics="random-slope", hazard=None)
    theta: dict[str, Any] = {
        "baseline.mean": 60.0, "baseline.sd": 1.0, "slope_per_year.mean": {"control": -20.0, "new": -20.0},
        "slope_per_year.sd": 0.1, "residual.additive": 2.0,
    }  # fmt: skip
    table = individual_estimates(build(model, cohort, theta, draws=5))
    assert (table["time_to_growth_year_median"] == math.inf).all()
    assert table["time_to_growth_year_mean"].null_count() == table.height
    assert table["slope_per_year_mean"].is_between(-21.0, -19.0).all()


def test_lesions_have_a_row_each(lesion_fit: Fit) -> None:
    table = individual_estimates(lesion_fit)
    assert [tuple(row) for row in table.select("patient", "lesion").iter_rows()] == list(lesion_fit.labels.series)
    mean = lesion_fit.posterior["log_baseline_mm.mean"].to_numpy()[..., None]
    effect = lesion_fit.posterior["log_baseline_mm.effect"].to_numpy()
    owner = [lesion_fit.labels.patients.index(patient) for patient, _ in lesion_fit.labels.series]
    log_size = mean + effect[..., owner] + lesion_fit.posterior["log_baseline_mm.lesion_effect"].to_numpy()
    assert table["baseline_mm_mean"].to_list() == pytest.approx(np.exp(log_size).mean(axis=(0, 1)))
    one = individual_curves(lesion_fit, [lesion_fit.labels.patients[1]], [0.0]).sizes
    assert one["lesion"].to_list() == ["L1", "L2"]
    assert one["size_mm_q50"].to_list() == pytest.approx(np.median(np.exp(log_size), axis=(0, 1))[2:4])


def test_unknown_patient_and_stripped_fit_are_refused(fit: Fit) -> None:
    with pytest.raises(ModelError, match="nobody"):
        individual_curves(fit, ["nobody"], TIMES)
    with pytest.raises(ModelError, match="no patients"):
        individual_estimates(fit.without_cohort())


def test_draws_are_spread_evenly_and_at_least_one(fit: Fit) -> None:
    all_draws = fit.posterior["log_baseline_mm.mean"].to_numpy()[0]
    assert np.asarray(take_draws(fit, 4).theta["log_baseline_mm.mean"]) == pytest.approx(all_draws[[0, 10, 19, 29]])
    assert len(take_draws(fit, 10_000).theta["log_baseline_mm.mean"]) == 30
    with pytest.raises(ModelError, match="at least 1 draw"):
        take_draws(fit, 0)


def test_band_counts_infinite_draws_and_leaves_out_missing_ones() -> None:
    assert band(np.asarray([1.0, 2.0, math.inf]))["q50"] == 2.0
    assert band(np.asarray([1.0, math.inf, math.inf]))["q50"] == math.inf
    assert band(np.asarray([[1.0, math.nan], [3.0, math.nan]]))["q50"].tolist() == pytest.approx(
        [2.0, math.nan], nan_ok=True
    )
