"""Properties that hold for any cohort: files lose nothing, row order means nothing, every row is accounted for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metachron.cohort import ORGANS, Cohort, bucket
from metachron.cohort.folder import read_folder
from metachron.cohort.write import write_folder

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z"), exclude_characters="\u180e"), min_size=1, max_size=6)
DAY = st.floats(-300, 0, allow_subnormal=False) | st.integers(-300, 0).map(float)
STATE = st.sampled_from(["measured", "below_limit", "absent", "not_evaluable"])
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Draw a cohort with lesions or sums, covariates with gaps, and follow-up."""
    ids = draw(st.lists(TEXT, min_size=1, max_size=5, unique=True))
    patients, lesions, rows, followup, events = [], [], [], [], []
    for patient in ids:
        covariates = [draw(st.none() | st.floats(-1e9, 1e9)), draw(st.none() | TEXT)]
        patients.append([patient, "S", draw(st.sampled_from(["left", "right"])), *covariates])
        names = draw(st.lists(TEXT, max_size=3, unique=True)) or [None]
        for lesion in names:
            if lesion is not None:
                role = draw(st.sampled_from(["target", "target", "non_target"]))
                lesions.append([patient, lesion, draw(st.sampled_from(ORGANS)), role])
            for day in draw(st.lists(DAY, max_size=4, unique=True)):
                state = draw(STATE)
                size = draw(st.floats(9, 600)) if state == "measured" else None
                rows.append([patient, lesion, day + 0.0, size, state])
        if draw(st.booleans()):
            last = draw(st.floats(60, 2000))
            followup.append([patient, "death", 0.0, last])
            if draw(st.booleans()):
                events.append([patient, "death", last, last])
    tables = {
        "patients": _frame(patients, {"patient": str, "study": str, "arm": str, "x": float, "label": str}),
        "lesions": _frame(lesions, dict.fromkeys(["patient", "lesion", "organ", "role"], str)),
        "measurements": _frame(rows, {"patient": str, "lesion": str, "day": float, "size_mm": float, "state": str}),
        "followup": _frame(followup, {"patient": str, "kind": str, "entry_day": float, "last_day": float}),
        "events": _frame(events, {"patient": str, "kind": str, "day_lower": float, "day_upper": float}),
    }
    empty = [c for c in ("x", "label") if tables["patients"][c].null_count() == len(ids)]
    tables["patients"] = tables["patients"].drop(empty)
    return Cohort.create("drawn", tables, notes=draw(st.lists(st.text(max_size=9), max_size=2)))


def _frame(rows: list[list[object]], schema: dict[str, type]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def shuffled(cohort: Cohort, seed: int, *, patients: bool) -> Cohort:
    tables = {
        name: frame if name == "patients" and not patients else frame.sample(fraction=1, shuffle=True, seed=seed)
        for name, frame in cohort.tables.items()
    }
    return Cohort.create(cohort.name, tables, notes=cohort.notes)


@FEW
@given(cohorts(), st.sampled_from(["csv", "parquet"]))
def test_writing_and_reading_is_the_identity(cohort: Cohort, format: Literal["csv", "parquet"]) -> None:
    with TemporaryDirectory() as folder:
        again = read_folder(write_folder(cohort, Path(folder) / "c", format=format))
    assert again == cohort
    for name, frame in cohort.tables.items():
        assert again.tables[name].equals(frame)


@FEW
@given(cohorts(), st.integers(0, 99))
def test_the_order_of_rows_is_no_content(cohort: Cohort, seed: int) -> None:
    assert shuffled(cohort, seed, patients=True).fingerprint() == cohort.fingerprint()


@FEW
@given(cohorts(), st.integers(0, 99), st.sampled_from(["sum", None]))
def test_arrays_do_not_depend_on_the_order_of_rows(cohort: Cohort, seed: int, size: Literal["sum"] | None) -> None:
    event = "death" if cohort.followup.height else None
    one = cohort.to_arrays(size, event=event)
    two = shuffled(cohort, seed, patients=False).to_arrays(size, event=event)
    assert (one.patient_ids, one.series_ids) == (two.patient_ids, two.series_ids)
    for part in ("measured", "censored", "events") if event else ("measured", "censored"):
        for name, values in vars(getattr(one, part)).items():
            np.testing.assert_allclose(values, getattr(getattr(two, part), name), rtol=1e-14)


@FEW
@given(cohorts(), st.integers(0, 99))
def test_the_order_of_patients_only_renumbers_them(cohort: Cohort, seed: int) -> None:
    def series(c: Cohort) -> set[tuple[object, ...]]:
        arrays = c.to_arrays(event=None)
        return {
            (arrays.patient_ids[p], arrays.series_ids[s], t, y, kind)
            for kind, rows in (("measured", arrays.measured), ("censored", arrays.censored))
            for p, s, t, y, w in zip(rows.patient, rows.series, rows.time_year, rows.size_mm, rows.weight, strict=True)
            if w == 1
        }

    one, two = series(cohort), series(shuffled(cohort, seed, patients=True))
    assert {row[:3] + row[4:] for row in one} == {row[:3] + row[4:] for row in two}
    assert sorted(row[3] for row in one) == pytest.approx(sorted(row[3] for row in two), rel=1e-12)


@FEW
@given(cohorts())
def test_every_measurement_is_used_once_or_listed(cohort: Cohort) -> None:
    if cohort.measurements["lesion"].null_count() == cohort.measurements.height:
        return
    arrays = cohort.to_arrays("lesion", event=None)
    used = arrays.measured.weight.sum() + arrays.censored.weight.sum()
    assert used + arrays.unused.height == cohort.measurements.height
    assert arrays.unused["reason"].null_count() == 0


@given(st.integers(0, 10**12))
def test_buckets(n: int) -> None:
    assert max(n, 8) <= bucket(n) <= max(8, 1.125 * n)
