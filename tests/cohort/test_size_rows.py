"""From measurements to series: sums over target lesions, censoring, and the account of unused rows."""

from __future__ import annotations

import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort.schema import SCHEMA
from metachron.cohort.size_rows import SizeTable, size_rows

LESIONS = pl.DataFrame(
    {
        "patient": ["A", "A", "A", "B"],
        "lesion": ["1", "2", "n", "1"],
        "organ": ["liver", "lung", "bone", "brain"],
        "role": ["target", "target", "non_target", "target"],
    }
)


def rows(*values: tuple[str, str | None, float, float | None, str]) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in SCHEMA["measurements"].columns}
    return pl.DataFrame(list(values), schema=schema, orient="row")


def sums(*values: tuple[str, str | None, float, float | None, str]) -> SizeTable:
    return size_rows(rows(*values), LESIONS, "sum", limit_mm=5.0)


def used(table: SizeTable) -> list[tuple[float, float, bool]]:
    return table.used.select("day", "size_mm", "censored").rows()


def test_a_sum_adds_all_target_lesions() -> None:
    table = sums(("A", "1", 0, 20, "measured"), ("A", "2", 0, 12.5, "measured"))
    assert used(table) == [(0, 32.5, False)]
    assert table.unused.is_empty()


def test_an_absent_lesion_adds_nothing_and_one_below_the_limit_adds_the_limit() -> None:
    table = sums(
        ("A", "1", 0, 20, "measured"), ("A", "2", 0, 0, "absent"),
        ("A", "1", 40, 14, "measured"), ("A", "2", 40, None, "below_limit"),
    )  # fmt: skip
    assert used(table) == [(0, 20, False), (40, 19, False)]


@pytest.mark.parametrize(
    ("states", "limit"),
    [(("absent", "absent"), 5), (("absent", "below_limit"), 5), (("below_limit", "below_limit"), 10)],
)
def test_a_sum_without_a_measured_component_is_censored_at_its_limits(states: tuple[str, str], limit: int) -> None:
    table = sums(
        ("A", "1", 0, 20, "measured"), ("A", "2", 0, 9, "measured"),
        ("A", "1", 40, None, states[0]), ("A", "2", 40, None, states[1]),
    )  # fmt: skip
    assert used(table) == [(0, 29, False), (40, limit, True)]


@pytest.mark.parametrize("state", ["not_evaluable", "present", "progressed", None])
def test_a_missing_component_makes_the_sum_missing_and_is_counted(state: str | None) -> None:
    first = [("A", "1", 0.0, 20.0, "measured"), ("A", "2", 0.0, 9.0, "measured"), ("A", "1", 40.0, 15.0, "measured")]
    lost = [("A", "2", 40.0, None, state)] if state else []
    table = sums(*first, *lost)
    assert used(table) == [(0, 29, False)]
    assert table.unused["day"].to_list() == [40.0] * (1 + len(lost))
    assert table.unused["reason"][0] == "a component of the sum is missing"


def test_a_lesion_recorded_twice_does_not_count_twice() -> None:
    table = sums(("A", "1", 0, 20, "measured"), ("A", "1", 0, 22, "measured"), ("A", "2", 0, 9, "measured"))
    assert used(table) == []
    assert set(table.unused["reason"]) == {"a target lesion is recorded twice on one day, so the sum is not known"}


def test_other_lesions_are_not_part_of_the_sum() -> None:
    table = sums(("B", "1", 0, 20, "measured"), ("A", "n", 0, 30, "measured"))
    assert used(table) == [(0, 20, False)]
    assert table.unused.select("lesion", "reason").rows() == [("n", "not a target lesion")]


def test_a_given_sum_is_used_as_it_is() -> None:
    table = sums(
        ("C", None, -2, 44, "measured"), ("C", None, 40, None, "below_limit"), ("C", None, 80, 0, "absent"),
        ("C", None, 120, None, "not_evaluable"),
    )  # fmt: skip
    assert used(table) == [(-2, 44, False), (40, 5, True), (80, 5, True)]
    assert table.unused["reason"].to_list() == ["not evaluable"]


def test_absent_before_any_measured_size_says_nothing() -> None:
    table = sums(("C", None, -2, 0, "absent"), ("C", None, 0, 3, "measured"), ("C", None, 40, 0, "absent"))
    assert used(table) == [(0, 3, False), (40, 5, True)]
    assert table.unused.select("day", "reason").rows() == [(-2, "absent before any measured size of the series")]
    single = rows(("B", "1", -2, 0, "absent"), ("B", "1", 40, None, "below_limit"), ("B", "1", 80, 0, "absent"))
    assert used(size_rows(single, LESIONS, "lesion", limit_mm=4.0)) == [(40, 4, True)]


def test_a_lesion_measured_on_an_incomplete_day_still_shows_that_there_was_tumour() -> None:
    table = sums(
        ("A", "1", 0, 20, "measured"),
        ("A", "1", 40, 0, "absent"), ("A", "2", 40, 0, "absent"),
    )  # fmt: skip
    assert used(table) == [(40, 5, True)]


def test_single_lesions_of_every_role() -> None:
    given = rows(("A", "n", 0, 30, "measured"), ("A", "1", 0, 20, "measured"), ("C", None, 0, 9, "measured"))
    table = size_rows(given, LESIONS, "lesion", limit_mm=5.0)
    assert set(table.used["lesion"]) == {"n", "1"}
    assert table.unused["reason"].to_list() == ["only a sum over lesions is known"]


def test_every_row_is_accounted_for() -> None:
    given = rows(
        ("A", "1", 0, 20, "measured"), ("A", "2", 0, 9, "measured"), ("A", "n", 0, None, "present"),
        ("A", "1", 40, None, "not_evaluable"), ("A", "2", 40, 9, "measured"), ("B", "1", 0, 0, "absent"),
        ("C", None, 0, 50, "measured"), ("C", None, 9, None, "not_evaluable"),
    )  # fmt: skip
    by_lesion = size_rows(given, LESIONS, "lesion", limit_mm=5.0)
    assert by_lesion.used.height + by_lesion.unused.height == given.height
    table = size_rows(given, LESIONS, "sum", limit_mm=5.0)
    components_used = 2 + 1
    assert table.unused.height + components_used == given.height
    assert dict(table.unused["reason"].value_counts().rows()) == {
        "not a target lesion": 1,
        "not evaluable": 2,
        "a component of the sum is missing": 1,
        "absent before any measured size of the series": 1,
    }


def test_what_cannot_be_asked() -> None:
    only_sums = rows(("C", None, 0, 50, "measured"))
    with pytest.raises(ModelError, match="size='sum'"):
        size_rows(only_sums, LESIONS, "lesion", limit_mm=5.0)
    with pytest.raises(ModelError, match="'sum' or 'lesion'"):
        size_rows(only_sums, LESIONS, "lesions", limit_mm=5.0)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="above 0 mm"):
        size_rows(only_sums, LESIONS, "sum", limit_mm=float("nan"))
