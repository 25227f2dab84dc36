"""What was recorded by organ, on patients made by hand: response, where progression came from, agreement of lesions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.inference.predict import agreement, progressions, response_by_organ

SIZES = {
    ("a", "liver"): [(-7.0, 40.0), (56.0, 30.0), (112.0, 60.0)],
    ("a", "lung"): [(-7.0, 20.0), (56.0, 10.0), (112.0, 12.0)],
    ("b", "liver"): [(-7.0, 50.0), (56.0, 50.0), (112.0, 45.0)],
    ("b", "lung"): [(-7.0, 10.0), (56.0, None), (112.0, None)],
    ("c", "bone"): [(-7.0, 30.0), (56.0, 33.0)],
}
"""Patient a progresses by the liver on day 112, while the lung lesion is 40 % below its baseline; b has a new bone and
a new liver lesion on day 112 and no growth; c has one lesion and no progression."""


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    rows = [
        (patient, organ, day, size, "measured" if size is not None else "below_limit")
        for (patient, organ), visits in SIZES.items()
        for day, size in visits
    ]
    lesions = [(patient, organ, organ, "target") for patient, organ in SIZES]
    new = [("b", "new_lesion", 112.0, 112.0, "bone"), ("b", "new_lesion", 112.0, 112.0, "liver")]
    return Cohort.create(
        "by hand",
        {
            "patients": pl.DataFrame({"patient": ["a", "b", "c"], "study": "S", "arm": ["A", "B", "B"]}),
            "measurements": pl.DataFrame(rows, ["patient", "lesion", "day", "size_mm", "state"], orient="row"),
            "lesions": pl.DataFrame(lesions, ["patient", "lesion", "organ", "role"], orient="row"),
            "events": pl.DataFrame(new, ["patient", "kind", "day_lower", "day_upper", "organ"], orient="row"),
            "followup": pl.DataFrame(
                {"patient": ["a", "b", "c"], "kind": "new_lesion", "entry_day": 0.0, "last_day": [112.0, 112.0, 253.25]}
            ),
        },
    )


def test_progression_comes_from_the_organ_that_grew_or_the_new_lesion(cohort: Cohort) -> None:
    """Of a the sum went from 40 mm to 72 mm, 30 of them in the liver; b counts in both organs of its new lesions."""
    found = progressions(cohort, limit_mm=5.0)
    assert found.rows() == [
        ("a", "A", 112.0, "growth", "liver"),
        ("b", "B", 112.0, "new lesion", "bone"),
        ("b", "B", 112.0, "new lesion", "liver"),
    ]


def test_growth_before_a_new_lesion_comes_first(cohort: Cohort) -> None:
    late = cohort.events.with_columns(patient=pl.lit("a"), day_lower=pl.lit(168.0), day_upper=pl.lit(168.0))
    found = progressions(cohort.with_rows({"events": late}), limit_mm=5.0)
    assert found.rows() == [("a", "A", 112.0, "growth", "liver")]


def test_response_by_arm_and_organ(cohort: Cohort) -> None:
    found = {(row["arm"], row["organ"]): row for row in response_by_organ(cohort, limit_mm=5.0).iter_rows(named=True)}
    assert set(found) == {("A", "liver"), ("A", "lung"), ("B", "bone"), ("B", "liver"), ("B", "lung")}
    assert found["A", "liver"]["best_change"] == pytest.approx(-0.25)
    assert found["A", "lung"]["best_change"] == pytest.approx(-0.5)
    assert (found["A", "liver"]["shrunk"], found["A", "lung"]["shrunk"]) == (0.0, 1.0)
    assert found["B", "lung"]["vanished"] == 1.0
    assert found["B", "bone"]["best_change"] == pytest.approx(0.1)
    assert [found["B", organ]["new_lesions"] for organ in ("bone", "liver", "lung")] == [1, 1, 0]
    assert found["B", "bone"]["new_lesions_per_year"] == pytest.approx(1.0)  # 112 and 253.25 days are one year
    assert [found["B", organ]["progression_by_new_lesion"] for organ in ("bone", "liver", "lung")] == [1, 1, 0]
    assert found["A", "liver"]["progression_by_growth"] == 1


def test_agreement_is_the_analysis_of_variance(cohort: Cohort) -> None:
    """Two patients with two lesions each: ratios 0.75 and 0.5, and 0.9 and 0.5; a alone had a mixed response."""
    found = agreement(cohort, limit_mm=5.0)
    logs = np.log([[0.75, 0.5], [0.9, 0.5]])
    within = logs.var(axis=1, ddof=1).mean()
    among = 2.0 * logs.mean(axis=1).var(ddof=1)
    expected = max(0.0, (among - within) / 2.0)
    assert found.patients == 2
    assert found.between == pytest.approx(expected / (expected + within))
    assert found.mixed == pytest.approx(0.5)


def test_lesions_that_all_respond_alike_agree(cohort: Cohort) -> None:
    """Every lesion of a patient at the same ratio: all variance lies between patients."""
    ratio = pl.when(pl.col("patient") == "a").then(0.5).otherwise(0.9)
    base = cohort.measurements.filter(pl.col("day") < 0)
    after = base.with_columns(day=pl.lit(56.0), size_mm=pl.col("size_mm") * ratio)
    found = agreement(cohort.with_rows({"measurements": pl.concat([base, after])}), limit_mm=1.0)
    assert found.between == pytest.approx(1.0)
    assert found.mixed == 0.0


def test_of_sums_only_new_lesions_and_growth_are_known(cohort: Cohort) -> None:
    sums = cohort.measurements.group_by("patient", "day").agg(pl.col("size_mm").sum()).with_columns(
        lesion=pl.lit(None, pl.String), state=pl.lit("measured")
    )  # fmt: skip
    alone = cohort.with_rows(
        {"measurements": sums.select(cohort.measurements.columns), "lesions": cohort.lesions.clear()}
    )
    found = response_by_organ(alone, limit_mm=5.0)
    assert found.filter(pl.col("organ") == "unknown")["progression_by_growth"].to_list() == [1]
    assert found["lesions"].sum() == 0
    assert agreement(alone, limit_mm=5.0).patients == 0
