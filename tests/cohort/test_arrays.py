"""Flat arrays: lengths, order, padding, time in years, events."""

from __future__ import annotations

import time
from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import ORGANS, Cohort, bucket
from metachron.cohort.arrays import SizeRows


def test_buckets_grow_in_eight_steps_per_octave() -> None:
    assert [bucket(n) for n in (0, 1, 8, 9, 16, 17, 18, 19, 32, 33, 1093)] == [8, 8, 8, 9, 16, 18, 18, 20, 32, 36, 1152]
    for octave in (16, 64, 1024, 2**20):
        assert len({bucket(n) for n in range(octave + 1, 2 * octave + 1, max(1, octave // 64))}) == 8


def test_a_bucket_is_large_enough_and_wastes_little() -> None:
    for n in (*range(8, 5000), 10**6, 10**6 + 1, 2**31 + 1):
        assert n <= bucket(n) <= n * 1.125
        assert bucket(bucket(n)) == bucket(n)


def real(rows: SizeRows) -> dict[str, np.ndarray]:
    keep = rows.weight == 1
    return {f.name: getattr(rows, f.name)[keep] for f in fields(rows)}


def test_sums_of_the_example(cohort: Cohort) -> None:
    arrays = cohort.to_arrays("sum")
    assert arrays.patient_ids == ("P1", "P2", "P3", "P4")
    assert arrays.series_ids == (("P1", None), ("P2", None), ("P3", None), ("P4", None))
    measured, censored = real(arrays.measured), real(arrays.censored)
    np.testing.assert_array_equal(measured["size_mm"], [55.5, 25.0, 50, 60, 18, 80, 64])
    np.testing.assert_allclose(measured["time_year"] * 365.25, [-7, 42, 0, 40, -3, -1, 41], atol=1e-12)
    np.testing.assert_array_equal(measured["patient"], [0, 0, 1, 1, 2, 3, 3])
    np.testing.assert_array_equal(measured["series"], measured["patient"])
    np.testing.assert_array_equal(censored["size_mm"], [5.0])
    np.testing.assert_array_equal(censored["patient"], [2])
    assert arrays.unused["reason"].to_list() == ["not a target lesion"]
    assert real(cohort.to_arrays("sum", limit_mm=3.0).measured)["size_mm"][1] == 23.0


def test_lesions_of_the_example(cohort: Cohort) -> None:
    arrays = cohort.to_arrays("lesion")
    assert arrays.series_ids == (("P1", "a"), ("P1", "b"), ("P2", "a"), ("P3", "a"))
    assert [ORGANS[i] for i in arrays.series_organ[:4]] == ["liver", "lung", "bone", "brain"]
    np.testing.assert_array_equal(arrays.series_patient[:4], [0, 0, 1, 2])
    np.testing.assert_array_equal(real(arrays.measured)["series"], [0, 1, 0, 2, 2, 3])
    np.testing.assert_array_equal(real(arrays.censored)["series"], [1, 3])
    sums = ["only a sum over lesions is known"] * 2
    assert sorted(arrays.unused["reason"]) == ["a state without a size (present)", *sums]


def test_padding_is_harmless(cohort: Cohort) -> None:
    arrays = cohort.to_arrays()
    assert len(arrays.patient_weight) == bucket(4)
    assert arrays.patient_weight.sum() == 4
    assert len(arrays.series_patient) == bucket(4)
    for rows in (arrays.measured, arrays.censored):
        padding = rows.weight == 0
        assert padding.any()
        assert len(rows.weight) == bucket(int(rows.weight.sum()))
        assert set(rows.time_year[padding]) == {0.5}
        assert set(rows.size_mm[padding]) == {10.0}
        assert set(rows.series[padding]) == set(rows.patient[padding]) == {0}
    assert arrays.events is not None
    np.testing.assert_array_equal(arrays.events.code[4:], -1)


def test_events(cohort: Cohort) -> None:
    death = cohort.to_arrays().events
    assert death is not None
    np.testing.assert_array_equal(death.code[:4], [1, 0, 0, 0])
    np.testing.assert_allclose(death.lower_year[:4] * 365.25, [312, 100, 420, 77.5])
    np.testing.assert_array_equal(death.lower_year[:4], death.upper_year[:4])
    progression = cohort.to_arrays(event="progression").events
    assert progression is not None
    np.testing.assert_array_equal(progression.code[:4], [-1, 2, -1, -1])
    assert (progression.lower_year[1], progression.upper_year[1] * 365.25) == (0.0, pytest.approx(40))


def test_delayed_entry(cohort: Cohort) -> None:
    followup = cohort.followup.with_columns(
        entry_day=pl.when((pl.col("patient") == "P3") & (pl.col("kind") == "death")).then(36.525).otherwise("entry_day")
    )
    events = Cohort.create("x", {**cohort.tables, "followup": followup}).to_arrays().events
    assert events is not None
    np.testing.assert_allclose(events.entry_year[:4], [0, 0, 0.1, 0])


def test_parts_can_be_left_out(cohort: Cohort) -> None:
    without_sizes = cohort.to_arrays(None)
    assert without_sizes.series_ids == ()
    assert without_sizes.measured.weight.sum() == 0
    assert cohort.to_arrays(event=None).events is None


def test_what_cannot_be_asked(cohort: Cohort) -> None:
    with pytest.raises(ModelError, match="no follow-up for 'discontinuation'; it has follow-up for: death, new_lesion"):
        cohort.to_arrays(event="discontinuation")
    with pytest.raises(ModelError, match="one event per patient"):
        cohort.to_arrays(event="new_lesion")
    only_sums = {**cohort.tables, "measurements": cohort.measurements.filter(pl.col("lesion").is_null())}
    with pytest.raises(ModelError, match="size='sum'"):
        Cohort.create("x", only_sums).to_arrays("lesion")


def test_a_large_cohort_takes_seconds() -> None:
    """100,000 patients, 1.2 million rows: validation and both kinds of arrays, 60 s at most (about 5 s when idle)."""
    n, visits = 100_000, 6
    ids = pl.Series("patient", [f"P{i}" for i in range(n)])
    patients = pl.DataFrame({"patient": ids}).with_columns(study=pl.lit("S"), arm=pl.lit("x"))
    lesions = patients.select("patient").join(pl.DataFrame({"lesion": ["1", "2"]}), how="cross")
    lesions = lesions.with_columns(organ=pl.lit("liver"), role=pl.lit("target"))
    days = pl.DataFrame({"day": [42.0 * k for k in range(visits)]})
    sizes = lesions.select("patient", "lesion").join(days, how="cross")
    sizes = sizes.with_columns(size_mm=20 + pl.int_range(pl.len()) % 50, state=pl.lit("measured"))
    followup = patients.select("patient", kind=pl.lit("death"), entry_day=pl.lit(0.0), last_day=pl.lit(400.0))
    start = time.perf_counter()
    cohort = Cohort.create(
        "large", {"patients": patients, "lesions": lesions, "measurements": sizes, "followup": followup}
    )
    arrays = cohort.to_arrays("sum"), cohort.to_arrays("lesion")
    assert time.perf_counter() - start < 60
    assert [int(a.measured.weight.sum()) for a in arrays] == [n * visits, 2 * n * visits]
    assert len(arrays[1].series_ids) == 2 * n
