"""Published survival taken apart into events and follow-up."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from metachron.base import InputError
from metachron.cohort.datasets import ffcd, loris
from metachron.cohort.datasets.outcomes import missing_outcomes, outcome_tables, outcomes

FRAME = pl.DataFrame(
    {
        "patient": ["died later", "died without", "censored", "progressed at last contact", "unknown"],
        "os": [20.0, 5.0, 9.0, 7.0, None],
        "dead": [True, True, False, False, True],
        "pfs": [10.0, 5.0, 8.0, 7.0, 3.0],
        "ended": [True, True, False, True, None],
    }
)


@pytest.fixture
def ends() -> pl.DataFrame:
    return outcomes(FRAME, "day", survival="os", death=pl.col("dead"), pfs="pfs", progression=pl.col("ended"))


def test_pfs_that_ends_by_death_is_no_progression(ends: pl.DataFrame) -> None:
    events = outcome_tables(ends)["events"]
    assert [tuple(row) for row in events.select("patient", "kind", "day_lower", "day_upper").rows()] == [
        ("died later", "death", 20.0, 20.0),
        ("died without", "death", 5.0, 5.0),
        ("died later", "progression", 10.0, 10.0),
        ("progressed at last contact", "progression", 7.0, 7.0),
    ]


def test_empty_outcomes_have_no_follow_up(ends: pl.DataFrame) -> None:
    followup = outcome_tables(ends)["followup"]
    assert "unknown" not in followup["patient"].to_list()
    assert followup.height == 8
    assert missing_outcomes(ends, "death") == ("unknown",)
    assert missing_outcomes(ends, "progression") == ("unknown",)


def test_months_are_twelfths_of_365_25_days() -> None:
    frame = FRAME.with_columns(pl.lit(12.0).alias("os"))
    ends = outcomes(frame, "month", survival="os", death=pl.col("dead"), pfs="pfs", progression=pl.col("ended"))
    assert ends["death_day"].unique().to_list() == [365.25]


def test_box_cox_back_transform() -> None:
    printed = pl.DataFrame({"y": [-3.33333333333333, 0.0, (5**0.3 - 1) / 0.3]})
    size = printed.select(ffcd.size_mm_from_box_cox(pl.col("y")).alias("mm"))
    # 50 mm is right to rounding (a power of a double); the sum of zero is exactly zero, as its state needs
    assert size["mm"].to_list() == [0.0, 10.0, pytest.approx(50, rel=1e-12)]


def _loris_sheet() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "SAMPLE_ID": [1.0, 2.0],
            "Albumin": [3.9, 4.1],
            "TMB": [None, None],
            "OS_Months": [30.0, 10.0],
            "OS_Event": [0.0, 1.0],
            "PFS_Months": [4.0, 3.0],
            "PFS_Event": [1.0, 1.0],
            "Response": [1.0, 0.0],
        }
    )


def test_loris_identifiers_carry_the_sheet() -> None:
    tables = loris.tables_of(_loris_sheet(), "MSK1", unit="month").tables
    assert_frame_equal(
        tables["patients"],
        pl.DataFrame(
            {
                "patient": ["MSK1-1", "MSK1-2"],
                "study": ["MSK1", "MSK1"],
                "arm": [loris.CHECKPOINT_INHIBITOR] * 2,
                "albumin_g_per_dl": [3.9, 4.1],
                "response": [True, False],
            }
        ),
        check_column_order=False,
    )
    assert tables["assessments"]["response"].to_list() == ["responder", "non-responder"]


@pytest.mark.parametrize("unit", ["day", "year"])
def test_loris_times_in_the_wrong_unit_are_refused(unit: str) -> None:
    with pytest.raises(InputError, match="time-unit"):
        loris.tables_of(_loris_sheet(), "MSK1", unit=unit)
