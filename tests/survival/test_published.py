"""Published trials: the numbers that other software and the publications give; see reference/README.md."""

from __future__ import annotations

import polars as pl
import pytest

from metachron.survival import fit_cox, kaplan_meier

FFCD_REFERENCE = {"age": "<60 years", "treatment": "S", "who.PS": 0, "prev.resection": "No"}


def _by_term(table: pl.DataFrame) -> dict[str, dict[str, float]]:
    return {row["term"]: row for row in table.iter_rows(named=True)}


def _meet(fit_table: pl.DataFrame, expected: pl.DataFrame, tolerance: float) -> None:
    got = _by_term(fit_table)
    for row in expected.iter_rows(named=True):
        for name, value in row.items():
            if name != "term" and value is not None:
                assert got[row["term"]][name] == pytest.approx(value, abs=tolerance), (row["term"], name)


def test_ffcd_cox_of_survival(ffcd_patients: pl.DataFrame, reference) -> None:
    fit = fit_cox(ffcd_patients, time="time1", event="state", covariates=[*FFCD_REFERENCE], reference=FFCD_REFERENCE)
    assert (fit.rows, fit.events) == (150, 121)
    assert set(fit.terms) == set(reference("ffcd_cox")["term"])
    _meet(fit.table(), reference("ffcd_cox"), 0.5e-6)


def test_ffcd_andersen_gill_of_new_lesions(ffcd_stretches: pl.DataFrame, reference) -> None:
    levels = {name: level for name, level in FFCD_REFERENCE.items() if name != "prev.resection"}
    fit = fit_cox(
        ffcd_stretches, time="time1", event="new.lesions", entry="time0", cluster="id",
        covariates=[*levels], reference=levels,
    )  # fmt: skip
    assert fit.events == 139
    _meet(fit.table(), reference("ffcd_andersen_gill"), 0.5e-6)


def test_ffcd_medians(ffcd_patients: pl.DataFrame, reference) -> None:
    for row in reference("ffcd_kaplan_meier").iter_rows(named=True):
        arm = ffcd_patients.filter(pl.col("treatment") == row["arm"])
        median = kaplan_meier(arm["time1"], arm["state"]).median()
        assert median.value == pytest.approx(row["median_year"], abs=0.005)
        assert median.lower < median.value < median.upper


def test_oak_efficacy(oak: pl.DataFrame, reference) -> None:
    arms = {"atezolizumab": "MPDL3280A", "docetaxel": "Docetaxel"}
    for row in reference("oak_efficacy").iter_rows(named=True):
        part = oak.filter(pl.col(row["column"]).cast(pl.String) == row["level"]) if row["column"] else oak
        time, event = row["outcome"], f"{row['outcome']}_event"
        for name, code in arms.items():
            arm = part.filter(pl.col("TRT01P") == code)
            assert row[name] in (None, len(arm))
            assert row[f"{name}_events"] in (None, arm[event].sum())
            assert kaplan_meier(arm[time], arm[event]).median().value == pytest.approx(row[f"{name}_median"], abs=0.005)
        fit = fit_cox(part, time=time, event=event, covariates=["TRT01P"], reference={"TRT01P": "Docetaxel"}).table()
        for name, tolerance in (("hazard_ratio", 0.5e-4), ("lower", 0.5e-3), ("upper", 0.5e-3)):
            if row[name] is not None:
                assert fit[name][0] == pytest.approx(row[name], abs=tolerance), (row, name)
