"""Lesion diameters of five atezolizumab trials."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS, atezolizumab

FILE = atezolizumab.FILE.name
Load = Callable[[str], Cohort]
Sheet = Callable[[str, str], pl.DataFrame]

# name, sheet: rows, patients, zeros, too small, not evaluable, empty (counted apart from this package)
COUNTS = {
    ("atezolizumab-fir", "Study1"): (456, 76, 44, 0, 2, 0),
    ("atezolizumab-poplar", "Study2"): (966, 165, 21, 7, 14, 2),
    ("atezolizumab-birch", "Study3"): (2177, 387, 63, 19, 11, 1),
    ("atezolizumab-oak", "Study4"): (4126, 701, 115, 25, 23, 4),
    ("atezolizumab-imvigor210", "Study5"): (835, 143, 128, 3, 12, 0),
}


def _rows(*cells: tuple[float, float | None, str | None]) -> pl.DataFrame:
    names = ["Patient_Anonmyized", "Treatment_Day", "TargetLesionLongDiam_mm"]
    return pl.DataFrame(cells, schema=names, orient="row").with_columns(pl.lit("Study_9_Arm_1").alias("Study_Arm"))


def test_text_cells_become_states() -> None:
    sheet = _rows((7.0, -3.0, "12.5"), (7.0, 40.0, "TOO SMALL TO MEASURE"), (7.0, 80.0, "0"), (7.0, 120.0, "4"))
    read = atezolizumab.tables_of(sheet, "X", {"Study_9_Arm_1": "drug"})
    rows = read.tables["measurements"].select("day", "size_mm", "state").rows()
    assert rows == [
        (-3.0, 12.5, "measured"),
        (40.0, None, "below_limit"),
        (80.0, 0.0, "absent"),
        (120.0, 4.0, "measured"),
    ]
    assert read.tables["patients"].rows() == [("7", "X", "drug", "Study_9_Arm_1")]


def test_rows_without_a_place_are_counted_once() -> None:
    sheet = _rows((7.0, -3.0, "12"), (7.0, 40.0, None), (7.0, None, "9"), (7.0, None, None), (7.0, -3.0, "15"))
    read = atezolizumab.tables_of(sheet, "X", {})
    assert [len(part.patients) for part in read.unused] == [2, 1, 1]
    assert read.tables["measurements"]["size_mm"].to_list() == [12.0]


def test_another_text_is_an_error() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError, match="about 12"):
        atezolizumab.tables_of(_rows((7.0, -3.0, "about 12")), "X", {})


@pytest.mark.parametrize(("name", "sheet_name"), COUNTS)
def test_counts(load: Load, sheet: Sheet, name: str, sheet_name: str) -> None:
    rows, patients, zeros, too_small, not_evaluable, empty = COUNTS[name, sheet_name]
    cohort, published = load(name), sheet(FILE, sheet_name)
    assert published.height == rows
    assert cohort.patients.height == patients == DATASETS[name].patients
    assert cohort.patients["patient"].n_unique() == patients
    assert cohort.measurements.height + cohort.unused["count"].sum() == rows
    assert cohort.measurements.height == DATASETS[name].measurements
    cells = published["TargetLesionLongDiam_mm"]
    assert (cells == "0").sum() == zeros
    assert cells.null_count() == empty
    states = dict(cohort.measurements["state"].value_counts().iter_rows())
    assert states.get("below_limit", 0) == too_small
    assert states.get("not_evaluable", 0) == not_evaluable
    dropped_zeros = {"atezolizumab-poplar": 1, "atezolizumab-imvigor210": 2}  # second rows, and one without a day
    assert states["absent"] == zeros - dropped_zeros.get(name, 0)
    assert cohort.lesions.height == patients


def test_small_measured_values_are_used_as_measured(load: Load) -> None:
    sizes = pl.concat([load(name).measurements for name, _ in COUNTS]).filter(pl.col("state") == "measured")["size_mm"]
    assert ((sizes > 0) & (sizes < 5)).sum() == 52


@pytest.mark.parametrize(("name", "sheet_name"), COUNTS)
def test_settled_duplicates_are_those_of_the_sheet(load: Load, sheet: Sheet, name: str, sheet_name: str) -> None:
    rows = sheet(FILE, sheet_name).with_columns(pl.col("Patient_Anonmyized").cast(pl.Int64).cast(pl.String))
    twice = rows.filter(pl.struct("Patient_Anonmyized", "Treatment_Day").is_duplicated())
    assert {entry.patient for entry in DATASETS[name].settled} == set(twice["Patient_Anonmyized"])
    kept = load(name).measurements.filter(pl.col("patient").is_in(twice["Patient_Anonmyized"].implode()))
    first = twice.unique(["Patient_Anonmyized", "Treatment_Day"], keep="first")
    joined = first.join(kept, left_on=["Patient_Anonmyized", "Treatment_Day"], right_on=["patient", "day"], how="left")
    assert joined.select((pl.col("TargetLesionLongDiam_mm").cast(pl.Float64) == pl.col("size_mm")).all()).item()


def test_identifiers_keep_every_digit(load: Load) -> None:
    ids = load("atezolizumab-fir").patient_ids
    assert "3657015667902160896" in ids
    assert all(float(int(patient)) == int(patient) for patient in ids)  # what a 64-bit cell can hold, nothing lost


def test_one_lesion_is_not_the_sum(load: Load) -> None:
    lesion = load("atezolizumab-oak").baseline_sizes("lesion")["size_mm"].median()
    total = load("oak-clinical").patients["baseline_sld_mm"].median()
    assert (lesion, total) == (37.0, 66.0)


def test_arms_of_oak_are_those_of_the_labelled_series(load: Load) -> None:
    """Every labelled series of oak203 (0 and too small stand as 2 mm there) is one of the same arm here."""
    size = pl.when(pl.col("state").is_in(["absent", "below_limit"])).then(2.0).otherwise(pl.col("size_mm"))

    def series(cohort: Cohort) -> pl.DataFrame:
        rows = cohort.measurements.filter(pl.col("state") != "not_evaluable").with_columns(size.alias("size_mm"))
        rows = rows.sort("patient", "day").group_by("patient").agg("day", "size_mm")
        return rows.join(cohort.patients.select("patient", "arm"), on="patient")

    labelled, here = series(load("oak203")), series(load("atezolizumab-oak"))
    both = labelled.join(here, on=["day", "size_mm"], how="left", suffix="_here")
    assert both.height == 203
    assert both.select((pl.col("arm") == pl.col("arm_here")).all(ignore_nulls=False)).item()


def test_poplar_arms_look_like_those_of_oak(load: Load) -> None:
    """What the notes say of the unnamed arms: rows per patient, and the part of the arm followed beyond a year."""
    seen = {}
    for name in ("atezolizumab-poplar", "atezolizumab-oak"):
        cohort = load(name)
        days = cohort.visits.join(cohort.patients, on="patient").group_by("patient", "published_arm")
        days = days.agg(pl.col("day").max(), pl.len().alias("rows"))
        arms = days.group_by("published_arm").agg(pl.col("rows").mean().round(1), (pl.col("day") > 365).mean().round(2))
        seen |= {arm: (rows, late) for arm, rows, late in arms.iter_rows()}
    assert seen["Study_2_Arm_1"] == (5.1, 0.11)
    assert seen["Study_2_Arm_2"] == (6.5, 0.24)
    assert seen["Study_4_Arm_1"] == (5.1, 0.11)
    assert seen["Study_4_Arm_2"] == (6.6, 0.30)
    assert load("atezolizumab-poplar").arms == ("Study_2_Arm_1", "Study_2_Arm_2")


def test_arrays_hold_every_usable_row(load: Load) -> None:
    """4,126 rows less 23 not evaluable and 4 empty: 4,099, of which 115 zeros and 25 too small are censored."""
    arrays = load("atezolizumab-oak").to_arrays("lesion", event=None)
    assert arrays.measured.weight.sum() + arrays.censored.weight.sum() == 4099
    assert arrays.censored.weight.sum() == 115 + 25
    assert arrays.unused.height == 23
