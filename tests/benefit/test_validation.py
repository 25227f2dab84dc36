"""Optimism against the truth of new patients, and tables for a development and an external cohort."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.benefit.learning import cox_functions
from metachron.benefit.validation import MEASURES, validate

HORIZON = 1.0
NAMES = [f"x{j}" for j in range(6)]


def _patients(seed: int, count: int, *, shift: float = 0.0) -> pl.DataFrame:
    """Six covariates, of which the first tells a little; a third censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 6))
    life, end = rng.exponential(np.exp(-0.5 * x[:, 0] - shift)), rng.uniform(0.7, 3.0, count)
    table = pl.DataFrame(x, schema=NAMES)
    return table.with_columns(time_year=pl.Series(np.minimum(life, end)), event=pl.Series(life <= end))


def test_corrected_values_are_those_of_new_patients() -> None:
    """Eight models of 70 patients against the same models for 3,000 new patients: on average corrected values are
    nearer to the truth than apparent ones, and within 4 standard errors of it (from the scatter of the eight)."""
    fit, predict = cox_functions(NAMES, horizon_year=HORIZON)
    new = _patients(1000, 3000)
    time, event = new["time_year"].to_numpy(), new["event"].to_numpy()
    apparent, corrected = [], []
    for seed in range(8):
        own = _patients(seed, 70)
        table = validate(own, fit, predict, horizon_year=HORIZON, samples=10, seed=seed).table
        foretold = predict(fit(own), new)
        truth = np.asarray([measure(time, event, foretold, HORIZON) for measure in MEASURES.values()])
        apparent.append(table["apparent"].to_numpy() - truth)
        corrected.append(table["corrected"].to_numpy() - truth)
    error = np.std(corrected, axis=0, ddof=1) / np.sqrt(8)
    before, after = np.mean(apparent, axis=0), np.mean(corrected, axis=0)
    for name, sign in (("AUC", 1), ("C-index", 1), ("Brier", -1), ("calibration slope", 1)):
        place = list(MEASURES).index(name)
        assert sign * before[place] > 0.02, name
        assert abs(after[place]) < abs(before[place]), name
        assert abs(after[place]) < 4.0 * error[place], name


def test_a_model_that_learns_nothing_has_no_optimism() -> None:
    """A fixed forecast: the mean over samples of a sample's value minus the value, 0 but for Monte Carlo error."""

    def predict(_: object, table: pl.DataFrame) -> np.ndarray:
        return np.exp(-np.exp(0.5 * table["x0"].to_numpy()))

    table = validate(_patients(1, 300), lambda _: None, predict, horizon_year=HORIZON, samples=100).table
    np.testing.assert_allclose(table["optimism"], 0.0, atol=0.04)
    inside = (table["lower"] < table["corrected"]) & (table["corrected"] < table["upper"])
    assert inside.all()
    assert table["external"].null_count() == len(MEASURES)


def test_an_external_cohort_with_more_events_is_not_calibrated() -> None:
    functions = cox_functions(["x0"], horizon_year=HORIZON)
    found = validate(
        _patients(2, 200), *functions, horizon_year=HORIZON, samples=10, external=_patients(3, 300, shift=0.7)
    )
    row = found.table.filter(pl.col("measure") == "observed / expected").row(0, named=True)
    assert row["apparent"] == pytest.approx(1.0, abs=0.05)
    assert row["external_lower"] > 1.1
    assert found.external_events > found.events


def test_a_model_too_large_for_its_patients_is_refused() -> None:
    small = _patients(4, 12)
    with pytest.raises(ModelError, match="bootstrap samples"):
        validate(small, *cox_functions(NAMES[:4], horizon_year=0.5), horizon_year=0.5, samples=20)
