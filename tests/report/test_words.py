"""What the report says is what the numbers say."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import polars as pl
import pytest

from metachron.inference import Fit
from metachron.inference.predict import CHANGE, GROWTH_BEGINS
from metachron.report.blocks import Bullets, Paragraph
from metachron.report.numbers import Numbers
from metachron.report.sections.summary import _compared, _grows, _hazard, _moved, summary_section
from metachron.report.tally import size_tally
from metachron.report.typeset import typeset
from metachron.report.wording import count, interval, joined, number, percent, with_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (12.34, "12.3"), (0.012345, "0.0123"), (123456.0, "123,456"), (-3.2, "\N{MINUS SIGN}3.20"),
        (math.inf, "\N{INFINITY}"), (math.nan, "\N{EN DASH}"), (None, "\N{EN DASH}"), (0.9996, "1.000"),
    ],
)  # fmt: skip
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


def test_small_words() -> None:
    assert interval(1.234, 5.678) == "1.23 to 5.68"
    assert with_interval(1.5, 1.0, 2.0, unit="mm") == "1.50 mm (90 % interval 1.00 to 2.00)"
    assert percent(0.456) == "46 %"
    assert count(12345) == "12,345"
    assert joined(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("low", "middle", "high", "text"),
    [
        (-30.0, -20.0, -10.0, "is 20 % smaller (90 % interval 10 to 30 %)"),
        (10.0, 20.0, 30.0, "is 20 % larger (90 % interval 10 to 30 %)"),
        (-10.0, -2.0, 5.0, "shrinkage and growth are both possible"),
    ],
)
def test_a_change_is_a_shrinkage_only_when_its_interval_says_so(
    low: float, middle: float, high: float, text: str
) -> None:
    assert text in _moved({"q05": low, "median": middle, "q95": high})


@pytest.mark.parametrize(
    ("low", "middle", "high", "text"),
    [
        (3.0, 5.0, 9.0, "growth begins after 5.0 months (90 % interval 3.0 to 9.0 months)"),
        (3.0, 5.0, math.inf, "growth begins after 5.0 months (90 % interval 3.0 to never)"),
        (0.0, 0.0, 0.0, "it grows from the start"),
        (math.inf, math.inf, math.inf, "it does not grow again"),
        (2.0, math.inf, math.inf, "it may never grow again (if it does, after 2.0 months at the earliest)"),
        (0.0, math.inf, math.inf, "whether it grows again is open"),
    ],
)
def test_growth_in_words(low: float, middle: float, high: float, text: str) -> None:
    assert _grows({"q05": low, "median": middle, "q95": high}) == text


def _ratio(low: float, middle: float, high: float) -> dict[str, object]:
    part = {"part": "hazard", "quantity": "hazard ratio of death: x, per doubling", "arm": "all", "unit": "ratio"}
    return {**part, "median": middle, "q05": low, "q95": high}


@pytest.mark.parametrize(
    ("low", "middle", "high", "claim"),
    [
        (1.1, 1.5, 2.0, "it goes with a higher hazard"),
        (0.4, 0.6, 0.9, "it goes with a lower hazard"),
        (0.8, 1.5, 2.5, "the interval includes 1, so these data do not settle it"),
    ],
)
def test_a_hazard_ratio_claims_no_more_than_its_interval(
    joint_fit: Fit, low: float, middle: float, high: float, claim: str
) -> None:
    class Stated(Numbers):
        @cached_property
        def clinical(self) -> pl.DataFrame:
            return pl.DataFrame([_ratio(low, middle, high)])

    first, last = _hazard(Stated(joint_fit))
    assert first.startswith("Hazard ratio of death for x, per doubling: ")
    assert first.endswith(f"{claim}.")
    assert "do not show a cause" in last
    row = {f"hazard_ratio_{name}": value for name, value in (("q05", low), ("q50", middle), ("q95", high))}
    compared = _compared({**row, "arm": "new", "reference": "control"}, "12 months")
    assert ("do not tell the arms apart" in compared) is (low < 1 < high)


def test_the_head_of_the_report_agrees_with_the_table(joint_fit: Fit) -> None:
    numbers = Numbers(joint_fit)
    blocks = summary_section(numbers).blocks
    assert isinstance(blocks[0], Paragraph)
    assert blocks[0].text.startswith("This fit has not converged: nothing below should be used.")
    (bullets,) = (block for block in blocks if isinstance(block, Bullets))
    for quantity in (CHANGE, GROWTH_BEGINS):
        row = numbers.clinical.filter(pl.col("quantity") == quantity).row(1, named=True)
        assert any(number(abs(row["median"]), 2) in item and "on new" in item for item in bullets.items)


def test_tally_counts_shares_below_the_limit_only_where_there_are_some(joint_fit: Fit) -> None:
    numbers = Numbers(joint_fit)
    check = numbers.size_check
    inside, total = size_tally(numbers)
    rows = check.percentiles.filter(pl.col("count") >= 5).height
    assert 0 < inside <= total
    none = replace(check, below_limit=check.below_limit.with_columns(observed=pl.lit(0.0)))
    numbers.__dict__["size_check"] = none
    assert size_tally(numbers)[1] == rows < total


def test_typesetting_escapes_and_links() -> None:
    assert typeset("a < b & 5 %") == "a &lt; b &amp; 5\N{NO-BREAK SPACE}%"
    link = '<a href="https://doi.org/10.1000/x.1">doi:10.1000/x.1</a>'
    assert typeset("(Name 2000, doi:10.1000/x.1).") == f"(Name 2000, {link})."
    assert typeset("doi:10.1016/S1470-2045(11)70199-1") == (
        '<a href="https://doi.org/10.1016/S1470-2045(11)70199-1">doi:10.1016/S1470-2045(11)70199-1</a>'
    )
    assert typeset(3) == 3
