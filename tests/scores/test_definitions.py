"""Every score at each of its boundaries. Only LORIS has a published example (test_loris.py); these tests rest on the
definitions in the publications' abstracts, see ``checked`` of each score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metachron.cohort import Cohort
from metachron.scores import SCORES, compute_scores

Made = Callable[..., Cohort]
JUST = 1e-9

BASE: dict[str, dict[str, Any]] = {
    "lipi": {"dnlr": 2.0, "ldh": 200.0, "ldh_upper_limit": 250.0},
    "grim": {"nlr": 3.0, "ldh": 200.0, "ldh_upper_limit": 250.0, "albumin_g_per_dl": 4.0},
    "rmh": {"albumin_g_per_dl": 4.0, "ldh": 200.0, "ldh_upper_limit": 250.0, "met_sites": 1.0},
    "mdacc": {
        "albumin_g_per_dl": 4.0, "ldh": 200.0, "ldh_upper_limit": 250.0, "met_sites": 1.0, "gastrointestinal": "no",
        "ecog": 0.0,
    },
    "mda-ici": {
        "age_year": 50.0, "ecog": 0.0, "ldh": 100.0, "ldh_upper_limit": 600.0, "platelets_per_nl": 200.0,
        "neutrophils_per_nl": 4.0, "lymphocytes_per_nl": 2.0, "involved_liver": "no",
    },
    "epsilon": {"ecog": 1.0, "pack_years": 50.0, "involved_liver": "no", "ldh": 300.0, "nlr": 2.0},
}  # fmt: skip
"""A patient without any factor, by score."""

BOUNDARIES = [
    ("lipi", "dnlr", 3.0, 3.0 + JUST),
    ("lipi", "ldh", 250.0, 250.0 + 1e-6),
    ("grim", "nlr", 6.0, 6.0 + JUST),
    ("grim", "ldh", 250.0, 250.0 + 1e-6),
    ("grim", "albumin_g_per_dl", 3.5, 3.5 - JUST),
    ("rmh", "albumin_g_per_dl", 3.5, 3.5 - JUST),
    ("rmh", "ldh", 250.0, 250.0 + 1e-6),
    ("rmh", "met_sites", 2.0, 3.0),
    ("mdacc", "albumin_g_per_dl", 3.5, 3.5 - JUST),
    ("mdacc", "ldh", 250.0, 250.0 + 1e-6),
    ("mdacc", "met_sites", 2.0, 3.0),
    ("mdacc", "gastrointestinal", "no", "yes"),
    ("mdacc", "ecog", 0.0, 1.0),
    ("mda-ici", "age_year", 52.0, 52.0 + JUST),
    ("mda-ici", "ecog", 1.0, 2.0),
    ("mda-ici", "ldh", 450.0, 450.0 + 1e-6),
    ("mda-ici", "platelets_per_nl", 300.0, 300.0 + 1e-6),
    ("mda-ici", "neutrophils_per_nl", 4.9, 4.9 + JUST),
    ("mda-ici", "lymphocytes_per_nl", 1.8, 1.8 - JUST),
    ("mda-ici", "involved_liver", "no", "yes"),
    ("epsilon", "ecog", 1.0, 2.0),
    ("epsilon", "pack_years", 43.0, 43.0 - JUST),
    ("epsilon", "involved_liver", "no", "yes"),
    ("epsilon", "ldh", 400.0 - 1e-6, 400.0),
    ("epsilon", "nlr", 4.0 - JUST, 4.0),
]
"""Score, input, the last value that is no factor, the first that is one."""


def one(made: Made, score: str, **columns: Any) -> tuple[float | None, str | None]:
    """Return value and group of one patient."""
    row = compute_scores(made(**columns), [score]).values.row(0, named=True)
    return row["value"], row["group"]


@pytest.mark.parametrize(("score", "column", "last", "first"), BOUNDARIES)
def test_each_factor_counts_from_its_boundary_on(made: Made, score: str, column: str, last: Any, first: Any) -> None:
    assert one(made, score, **{**BASE[score], column: last})[0] == 0.0
    assert one(made, score, **{**BASE[score], column: first})[0] == 1.0


def test_every_input_of_a_counted_score_is_tested_at_a_boundary() -> None:
    tested = {name: {column for score, column, *_ in BOUNDARIES if score == name} for name in BASE}
    for name, columns in tested.items():
        assert columns == set(SCORES[name].columns) - {"ldh_upper_limit"}


@pytest.mark.parametrize(
    ("score", "labels"),
    [
        ("lipi", ["good", "intermediate", "poor"]),
        ("grim", ["low", "low", "high", "high"]),
        ("rmh", ["good", "good", "poor", "poor"]),
        ("mdacc", ["0", "1", "2", "3", "4 or 5", "4 or 5"]),
        ("mda-ici", ["0 to 2", "0 to 2", "0 to 2", "3", "4", "5 or more", "5 or more", "5 or more"]),
        ("epsilon", [None] * 6),
    ],
)
def test_groups_follow_the_number_of_factors(made: Made, score: str, labels: list[str | None]) -> None:
    """Factors are switched on one after the other."""
    switches = [(column, first) for name, column, _, first in BOUNDARIES if name == score]
    assert len(switches) == len(labels) - 1
    patient = dict(BASE[score])
    found = [one(made, score, **patient)]
    for column, first in switches:
        patient[column] = first
        found.append(one(made, score, **patient))
    assert [value for value, _ in found] == list(range(len(labels)))
    assert [group for _, group in found] == labels


@pytest.mark.parametrize(
    ("score", "column", "value", "label"),
    [
        ("tmb-high", "tmb_per_mb", 10.0 - JUST, "not high"),
        ("tmb-high", "tmb_per_mb", 10.0, "high"),
        ("msi-high", "msi_unstable", 0.0, "not MSI-H"),
        ("msi-high", "msi_unstable", 1.0, "MSI-H"),
        ("nlr", "nlr", 5.0 - JUST, "low"),
        ("nlr", "nlr", 5.0, "high"),
        ("dnlr", "dnlr", 3.0, "low"),
        ("dnlr", "dnlr", 3.0 + JUST, "high"),
        ("pdl1-tps", "pdl1_percent", 0.0, "below 1 %"),
        ("pdl1-tps", "pdl1_percent", 1.0 - JUST, "below 1 %"),
        ("pdl1-tps", "pdl1_percent", 1.0, "1 to 49 %"),
        ("pdl1-tps", "pdl1_percent", 50.0 - JUST, "1 to 49 %"),
        ("pdl1-tps", "pdl1_percent", 50.0, "50 % or more"),
        ("pdl1-cps", "pdl1_cps", 1.0 - JUST, "below 1"),
        ("pdl1-cps", "pdl1_cps", 1.0, "1 to 9"),
        ("pdl1-cps", "pdl1_cps", 10.0 - JUST, "1 to 9"),
        ("pdl1-cps", "pdl1_cps", 10.0, "10 or more"),
    ],
)
def test_categories_at_their_limits(made: Made, score: str, column: str, value: float, label: str) -> None:
    assert one(made, score, **{column: value})[1] == label


@pytest.mark.parametrize(
    ("tumour", "immune", "expected"),
    [
        (0.0, 0.0, 0), (1.0 - JUST, 0.0, 0), (1.0, 0.0, 1), (0.0, 1.0, 1), (5.0 - JUST, 1.0, 1), (5.0, 0.0, 2),
        (0.0, 5.0, 2), (50.0 - JUST, 0.0, 2), (50.0, 0.0, 3), (0.0, 10.0 - JUST, 2), (0.0, 10.0, 3), (49.0, 10.0, 3),
    ],
)  # fmt: skip
def test_sp142_takes_the_higher_class(made: Made, tumour: float, immune: float, expected: int) -> None:
    value, label = one(made, "pdl1-sp142", pdl1_tc_percent=tumour, pdl1_ic_percent=immune)
    assert value == expected
    assert label == ("TC0 and IC0", "TC1 or IC1", "TC2 or IC2", "TC3 or IC3")[expected]


@pytest.mark.parametrize("score", list(SCORES.values()), ids=list(SCORES))
def test_a_score_says_where_it_comes_from(score: Any) -> None:
    assert "doi:10." in score.source
    assert all((score.title, score.equation, score.population, score.checked, score.example))
    assert len({item.column for item in score.inputs}) == len(score.inputs)
    bounds = [group.lower for group in score.groups]
    assert bounds == sorted(bounds)
    assert {rule.column for rule in score.truncations} <= set(score.columns)
