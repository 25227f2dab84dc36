"""Measured skill stands beside the posteriors, and says in how many comparisons a simpler method did as well."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from metachron.base import FitFileError
from metachron.forecast.scores import MODEL
from metachron.reference import beside_best, load_reference, reference_names, skill_in_words
from metachron.reference.skill import FILE, read_skill


def scores(*rows: tuple[float, str, str, str, float]) -> pl.DataFrame:
    names = ("landmark_day", "of", "score", "method", "value")
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.with_columns(horizon_day=pl.lit(365.0), patients=100, low=pl.lit(0.0), high=pl.lit(1.0))


MADE = scores(
    (0.0, "survival", "integrated Brier", MODEL, 0.10),
    (0.0, "survival", "integrated Brier", "Kaplan-Meier by arm", 0.12),
    (0.0, "survival", "integrated Brier", "Cox, baseline", 0.11),
    (90.0, "survival", "integrated Brier", MODEL, 0.10),
    (90.0, "survival", "integrated Brier", "Kaplan-Meier by arm", 0.09),
    (90.0, "survival", "AUC", MODEL, 0.99),
    (0.0, "sizes", "CRPS of log size", MODEL, 0.3),
    (0.0, "sizes", "CRPS of log size", "straight line", 0.4),
)


def test_the_best_competitor_decides() -> None:
    found = beside_best(MADE)
    assert found["best_other"].to_list() == ["Cox, baseline", "Kaplan-Meier by arm", "straight line"]
    assert found["other"].to_list() == [0.11, 0.09, 0.4]


def test_what_a_simpler_method_does_as_well_is_said() -> None:
    assert skill_in_words(MADE) == (
        "By integrated Brier of survival, the model is better than the best competitor in 1 of 2 pairs of landmark and "
        "horizon; in 1 a simpler method does as well or better. By CRPS of log size of sizes, the model is better than "
        "the best competitor in 1 of 1 pairs of landmark and horizon."
    )
    assert skill_in_words(None) == "not measured"


@pytest.mark.parametrize("name", reference_names())
def test_every_posterior_that_is_shipped_has_measured_skill(name: str) -> None:
    reference = load_reference(name)
    assert reference.skill is not None
    assert set(reference.skill["landmark_day"]) == {0.0, 60.0, 90.0, 180.0}
    for source in reference.parts.values():
        assert source.rests_on["measured skill"] == skill_in_words(reference.skill)


def test_scores_that_are_damaged_are_told(tmp_path: Path) -> None:
    assert read_skill(tmp_path) is None
    (tmp_path / FILE).write_text("landmark_day,of\n0,survival\n")
    with pytest.raises(FitFileError, match="horizon_day"):
        read_skill(tmp_path)
