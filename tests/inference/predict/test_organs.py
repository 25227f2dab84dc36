"""Parameters by organ, against arithmetic on known draws, and the shares of variance."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from inference.made_fits import make_fit
from joint.test_organs import EFFECT, ORGANS, PATIENTS, PLAN, SPREAD, TRUTH, lesion_model, lesions
from metachron.base import ModelError
from metachron.inference import Fit
from metachron.inference.predict.organs import organ_parameters, variance_shares
from metachron.joint import simulate

KNOWN = {**TRUTH, **SPREAD, **EFFECT}


@pytest.fixture(scope="module")
def exact() -> Fit:
    """One draw, the truth."""
    cohort = simulate(lesion_model(), KNOWN, PATIENTS, PLAN, seed=1, lesions=lesions())
    return make_fit(lesion_model(), cohort, KNOWN)


@pytest.fixture(scope="module")
def scattered(exact: Fit) -> Fit:
    """Draws about the truth."""
    assert exact.cohort is not None
    return make_fit(exact.model, exact.cohort, KNOWN, draws=400, jitter=0.5)


def row(table: pl.DataFrame, parameter: str, arm: str, organ: str) -> dict[str, object]:
    chosen = (pl.col("parameter") == parameter) & (pl.col("arm") == arm) & (pl.col("organ") == organ)
    return table.filter(chosen).row(0, named=True)


def test_values_and_ratios_are_those_of_the_draw(exact: Fit) -> None:
    table = organ_parameters(exact, reference="lung")
    liver = row(table, "growth_per_year", "new", "liver")
    assert liver["value_q50"] == pytest.approx(12 * math.log(2) / math.exp(-1.0 + 0.6))
    assert liver["unit"] == "months"
    assert liver["against_reference_q50"] == pytest.approx(math.exp(0.6))
    assert (liver["comparison"], liver["probability_worse"]) == ("ratio of growth_per_year", 1.0)
    assert (liver["lesions"], liver["patients"]) == (8, 8)
    shrinks = row(table, "shrinkage_per_year", "control", "liver")
    assert shrinks["probability_worse"] == 1.0
    assert row(table, "shrinkage_per_year", "control", "lung")["probability_worse"] is None
    assert row(table, "baseline_mm", "all", "liver")["probability_worse"] is None
    assert row(table, "baseline_mm", "all", "liver")["value_q50"] == pytest.approx(math.exp(3.5))


def test_worse_is_said_with_the_share_of_draws(scattered: Fit) -> None:
    found = row(organ_parameters(scattered), "growth_per_year", "new", "lymph_node")
    effect = scattered.posterior["log_growth_per_year.organ"].to_numpy()[0]
    assert found["probability_worse"] == pytest.approx(np.mean(effect[:, 2] > effect[:, 0]))
    assert 0.0 < float(found["probability_worse"]) < 1.0  # type: ignore[arg-type]


def test_shares_of_variance_sum_to_one(exact: Fit) -> None:
    shares = variance_shares(exact)
    growth = dict(shares.filter(pl.col("parameter") == "growth_per_year").select("level", "q50").iter_rows())
    whole = 0.4**2 + 0.5**2 + 0.3**2
    expected = {"patient": 0.16 / whole, "organ": 0.25 / whole, "lesion": 0.09 / whole}
    assert growth == pytest.approx(expected)


def test_a_fit_without_patients_has_no_counts(exact: Fit) -> None:
    table = organ_parameters(exact.without_cohort())
    assert table["lesions"].null_count() == table.height
    assert set(table["organ"]) == set(ORGANS)


def test_what_has_no_organs_is_told(exact: Fit) -> None:
    with pytest.raises(ModelError, match="no lesion of the fit is in 'brain'"):
        organ_parameters(exact, reference="brain")
    assert exact.cohort is not None
    plain = lesion_model(organ="none")
    fit = make_fit(plain, exact.cohort, TRUTH)
    with pytest.raises(ModelError, match="no effects of organs"):
        organ_parameters(fit)
    assert fit.model.dynamics is not None
    single = replace(fit.model.dynamics, parameters=tuple(replace(p, lesion=False) for p in plain.dynamics.parameters))  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="no lesion effects"):
        variance_shares(replace(fit, model=replace(fit.model, dynamics=single)))


def test_they_survive_the_fit_file(exact: Fit, tmp_path) -> None:
    path = exact.save(tmp_path / "organs.nc")
    assert organ_parameters(Fit.load(path)).equals(organ_parameters(exact))
