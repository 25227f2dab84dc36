"""What was recorded, and the tables for other software."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.predict import (
    best_changes,
    describe_arms,
    event_times,
    export_tables,
    individual_curves,
    size_changes,
    span_of_response,
)
from metachron.joint.names import flat_names
from metachron.survival import kaplan_meier


@pytest.fixture(scope="module")
def tables(fit: Fit) -> dict[str, pl.DataFrame]:
    return export_tables(fit)


def test_every_table_is_there(fit: Fit, lesion_fit: Fit, tables: dict[str, pl.DataFrame]) -> None:
    names = ["individual_estimates", "predictions", "clinical_parameters", "draws", "diagnostics"]
    assert list(tables) == names
    assert export_tables(lesion_fit)["predictions"].height == lesion_fit.cohort.measurements.height
    with pytest.raises(ModelError, match="no patients"):
        export_tables(fit.without_cohort())


def test_predictions_stand_beside_recorded_sizes(fit: Fit, cohort: Cohort, tables: dict[str, pl.DataFrame]) -> None:
    rows = tables["predictions"]
    assert rows.height == cohort.measurements.height
    measured = rows.filter(~pl.col("censored"))
    residual = (measured["size_mm"] - measured["predicted_mm_mean"]).to_list()
    assert measured["residual_mm"].to_list() == pytest.approx(residual)
    assert rows.filter("censored")["residual_mm"].null_count() == rows["censored"].sum() > 0
    row = rows.row(50, named=True)
    curve = individual_curves(fit, [row["patient"]], [row["time_year"]]).sizes.row(0, named=True)
    assert row["predicted_mm_q50"] == pytest.approx(curve["size_mm_q50"])


def test_draws_are_those_of_the_posterior(fit: Fit, tables: dict[str, pl.DataFrame]) -> None:
    draws = tables["draws"]
    names = [name.name for name in flat_names(fit.model, fit.dims, fit.labels)]
    assert draws.columns == ["chain", "draw", *names]
    growth = fit.posterior["log_growth_per_year.mean"].sel(arm="new").to_numpy()[0]
    assert draws["log_growth_per_year.mean[new]"].to_list() == growth.tolist()
    assert tables["diagnostics"]["parameter"].to_list() == names


def test_change_is_from_the_last_size_at_or_before_day_0(fit: Fit, cohort: Cohort) -> None:
    name = fit.labels.patients[2]
    rows = cohort.measurements.filter((pl.col("patient") == name) & (pl.col("state") == "measured")).sort("day")
    baseline = rows.filter(pl.col("day") <= 0)["size_mm"][-1]
    found = size_changes(fit).filter((pl.col("patient") == name) & ~pl.col("censored"))
    assert found["change"].to_list() == pytest.approx((rows["size_mm"] / baseline - 1.0).to_list())
    after = size_changes(fit).filter((pl.col("patient") == name) & (pl.col("time_year") > 0))
    assert best_changes(fit).filter(patient=name)["change"].item() == pytest.approx(after["change"].min())


def test_chosen_patients_span_the_response(fit: Fit) -> None:
    often = best_changes(fit).filter(pl.col("sizes") >= 3).reverse()
    chosen = span_of_response(fit, 5)
    assert len(set(chosen)) == 5
    assert (chosen[0], chosen[-1]) == (often["patient"][0], often["patient"][-1])
    changes = [often.filter(patient=patient)["change"].item() for patient in chosen]
    assert changes == sorted(changes)


def test_arms_are_described_by_kaplan_meier(fit: Fit, cohort: Cohort) -> None:
    table = describe_arms(fit)
    rows = event_times(fit)
    assert rows is not None
    assert table["patients"].to_list() == [25, 20]
    assert table["events"].sum() == cohort.events.height
    for row in table.iter_rows(named=True):
        mine = rows.filter(arm=row["arm"])
        expected = kaplan_meier(mine["time_year"], mine["event"]).median()
        assert row["median_year"] == expected.value
        reverse = kaplan_meier(mine["time_year"], ~mine["event"]).median()
        assert row["followup_year"] == reverse.value
    sizes = cohort.measurements.join(cohort.patients, on="patient").filter(arm="control")
    assert table["sizes"][0] == sizes.height
    assert table["below_limit"][0] == (sizes["state"] == "below_limit").sum()


def test_a_patient_without_followup_has_no_outcome(fit: Fit, cohort: Cohort) -> None:
    lost = cohort.patient_ids[0]
    kept = {name: getattr(cohort, name).filter(pl.col("patient") != lost) for name in ("followup", "events")}
    rows = event_times(replace(fit, cohort=replace(cohort, **kept)))
    assert rows is not None
    assert rows["patient"].to_list() == list(cohort.patient_ids[1:])
