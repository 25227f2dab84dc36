"""Individual weighted residuals against their formula."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from inference.made_fits import TRUTH, make_fit
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.criticism import individual_residuals
from metachron.inference.predict import predicted_sizes
from metachron.joint import JointModel


def test_residuals_of_proportional_errors(true_fit: Fit) -> None:
    """(y - m) / (tau m) with m the patient's own prediction and tau 0.1."""
    table, predicted = individual_residuals(true_fit), predicted_sizes(true_fit)
    mean = predicted["predicted_mm_mean"].to_numpy()
    np.testing.assert_allclose(table["predicted_mm"], mean, rtol=1e-10)
    measured = ~table["censored"].to_numpy()
    expected = (table["size_mm"].to_numpy() - mean) / (0.1 * mean)
    np.testing.assert_allclose(table["residual"].to_numpy()[measured], expected[measured], rtol=1e-9)
    assert table.filter("censored")["residual"].null_count() == (~measured).sum() > 0


def test_residuals_of_errors_on_the_log_scale(model: JointModel, cohort: Cohort) -> None:
    """(log y - log m) / sigma, the mean taken on the log scale over draws that differ."""
    log_normal = JointModel(model.replace(observation="log-normal").dynamics, None)
    theta = {name: v for name, v in TRUTH.items() if not name.startswith(("death", "residual"))}
    fit = make_fit(log_normal, cohort, {**theta, "residual.log_sd": 0.2}, draws=4, jitter=0.05)
    table = individual_residuals(fit)
    sigma = fit.posterior["residual.log_sd"].to_numpy().mean()
    expected = (np.log(table["size_mm"]) - np.log(table["predicted_mm"])) / sigma
    measured = ~table["censored"]
    assert table.filter(measured)["residual"].to_list() == pytest.approx(expected.filter(measured).to_list(), rel=1e-9)
    row = table.row(by_predicate=(pl.col("patient") == fit.labels.patients[0]) & (pl.col("day") < 0), named=True)
    base, growth = (
        fit.posterior[f"{name}.mean"].isel(arm=0, missing_dims="ignore").to_numpy()[0]
        + fit.posterior[f"{name}.effect"].to_numpy()[0, :, 0]
        for name in ("log_baseline_mm", "log_growth_per_year")
    )
    logs = base + np.exp(growth) * row["time_year"]
    assert math.log(row["predicted_mm"]) == pytest.approx(logs.mean(), rel=1e-10)


def test_parts_that_are_missing_are_named(survival_fit: Fit, true_fit: Fit) -> None:
    with pytest.raises(ModelError, match="no tumour dynamics"):
        individual_residuals(survival_fit)
    with pytest.raises(ModelError, match="no patients"):
        individual_residuals(true_fit.without_cohort())
