"""Clinical words: half-lives, doubling times, percentages and hazard ratios from known parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.dynamics import LAWS
from metachron.inference import Fit
from metachron.inference.predict import CHANGE, GROWTH_BEGINS, clinical_parameters
from metachron.inference.predict.readings import covariate_words, reading
from metachron.joint import compose


def value(table: pl.DataFrame, quantity: str, arm: str = "all") -> dict[str, Any]:
    """Return the one row whose quantity starts with the given words."""
    return table.filter(pl.col("quantity").str.starts_with(quantity) & (pl.col("arm") == arm)).row(0, named=True)


def test_rates_read_as_months(exact: Fit) -> None:
    table = clinical_parameters(exact)
    assert value(table, "size at day 0")["median"] == pytest.approx(math.exp(4.1))
    row = value(table, "doubling time of growth", "new")
    assert (row["median"], row["unit"]) == (pytest.approx(12 * math.log(2) / math.exp(-0.9)), "months")
    half = value(table, "half-life of the part that shrinks", "control")
    assert half["median"] == pytest.approx(12 * math.log(2))
    assert half["patients_low"] == pytest.approx(12 * math.log(2) * math.exp(-0.8))
    assert half["patients_high"] == pytest.approx(12 * math.log(2) * math.exp(0.8))
    assert half["in_words"] == "two thirds of patients between 3.74 and 18.5 months"
    assert value(table, "measurement error")["median"] == pytest.approx(10.0)


def test_course_of_the_typical_patient(exact: Fit) -> None:
    table = clinical_parameters(exact)
    s, g = math.exp(0.2), math.exp(-0.9)
    week = 84 / 365.25
    change = 100 * (math.exp(-s * week) + math.exp(g * week) - 2)
    assert value(table, CHANGE, "new")["median"] == pytest.approx(change)
    assert value(table, GROWTH_BEGINS, "new")["median"] == pytest.approx(12 * math.log(s / g) / (s + g))


def test_hazard_ratio_is_per_clinical_step(exact: Fit) -> None:
    row = value(clinical_parameters(exact), "hazard ratio of death: how fast the tumour regrows, per doubling")
    assert row["median"] == pytest.approx(2**0.8)
    assert row["in_words"] == "more hazard of death: the interval lies above 1"


def test_intervals_are_those_of_the_draws(fit: Fit) -> None:
    row = value(clinical_parameters(fit), "doubling time of growth", "control")
    draws = 12 * math.log(2) / np.exp(fit.posterior["log_growth_per_year.mean"].sel(arm="control").to_numpy().ravel())
    assert [row["q05"], row["median"], row["q95"]] == pytest.approx(np.quantile(draws, (0.05, 0.5, 0.95)))


def test_an_interval_about_1_is_not_settled(build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]) -> None:
    model = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])
    fit = build(model, cohort, {**truth, "death.link[log-growth]": 0.0}, draws=30, jitter=0.1)
    row = value(clinical_parameters(fit), "hazard ratio of death")
    assert row["q05"] < 1 < row["q95"]
    assert row["in_words"] == "not settled: the interval includes 1"


def test_covariates_of_hazard_and_dynamics(build: Callable[..., Fit], cohort: Cohort, truth: dict[str, Any]) -> None:
    model = compose(
        dynamics="stein-fojo", hazard="weibull", links=["log-growth"], covariates=["arm", "age_year"],
        dynamics_covariates={"growth_per_year": ["arm"]},
    )  # fmt: skip
    assert model.dynamics is not None
    parts = tuple(replace(p, group="all") if p.name == "growth_per_year" else p for p in model.dynamics.parameters)
    model = replace(model, dynamics=replace(model.dynamics, parameters=parts))
    changed = {
        "log_growth_per_year.mean": -0.2,
        "log_growth_per_year.beta": np.asarray([-0.7]),
        "death.beta": np.asarray([math.log(0.5), 0.1]),
    }
    table = clinical_parameters(build(model, cohort, {**truth, **changed}))
    assert value(table, "hazard ratio of death: arm new against control")["median"] == pytest.approx(0.5)
    assert value(table, "hazard ratio of death: age_year, per 1")["median"] == pytest.approx(math.exp(0.1))
    assert value(table, "doubling time of growth", "control")["median"] == pytest.approx(
        12 * math.log(2) / math.exp(-0.2)
    )
    assert value(table, "doubling time of growth", "new")["median"] == pytest.approx(12 * math.log(2) / math.exp(-0.9))
    ratio = table.filter(pl.col("quantity").str.starts_with("ratio of growth per year"))
    assert ratio["median"].to_list() == pytest.approx([math.exp(-0.7)])


def test_lesion_models_say_how_lesions_differ(lesion_fit: Fit) -> None:
    row = value(clinical_parameters(lesion_fit), "size at day 0: difference between lesions")
    assert (row["median"], row["unit"]) == (pytest.approx(math.exp(0.3)), "factor")


def test_a_fit_without_patients_still_speaks(exact: Fit) -> None:
    assert clinical_parameters(exact.without_cohort()).equals(clinical_parameters(exact))


@pytest.mark.parametrize("name", list(LAWS))
def test_every_parameter_of_every_law_reads_as_a_monotone_map(name: str) -> None:
    law = LAWS[name]
    for spec in law.parameters:
        read = reading(law, spec)
        steps = np.diff(read.convert(np.asarray([0.2, 0.4, 0.6])))
        assert (steps > 0).all() or (steps < 0).all()
        assert read.quantity
        assert read.unit


def test_a_gompertz_rate_is_not_called_a_doubling_time() -> None:
    law = LAWS["gompertz"]
    growth = next(spec for spec in law.parameters if spec.name == "growth_per_year")
    assert "doubling" not in reading(law, growth).quantity
    assert float(reading(law, growth).convert(np.asarray(0.0))) == 1.0


def test_covariate_columns_in_words() -> None:
    assert covariate_words("ecog=2", "0") == "ecog 2 against 0"
    assert covariate_words("age_year/10", None) == "age_year, per 10"
