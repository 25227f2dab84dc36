"""Coverage of curves of benefit, of their simultaneous bands, and of the value of rules, over many simulated trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from benefit.made_trials import hazards, made_trial, restricted_mean, true_benefit
from metachron.benefit import (
    BenefitCurve,
    TrialOutcome,
    benefit_curve,
    cross_validated_rule_value,
    hazard_ratio_curve,
    learn_by_regression,
    response_outcome,
    rule_value,
)

HORIZON = 2.0
PLACES = np.linspace(-0.9, 0.9, 25)
POPULATION = np.linspace(-1.0, 1.0, 4001)
SLOPE = 1.5


def _four_errors(trials: int) -> float:
    """Return four Monte Carlo standard errors of a share of 0.95."""
    return 4.0 * float(np.sqrt(0.95 * 0.05 / trials))


def _coverage(draw: Callable[[int], BenefitCurve], truth: np.ndarray, trials: int, name: str) -> tuple[float, float]:
    inside = []
    for seed in range(trials):
        t = draw(seed).table
        pointwise = (t["lower"] < truth) & (t["upper"] > truth)
        inside.append((pointwise.to_numpy().mean(), ((t["band_lower"] < truth) & (t["band_upper"] > truth)).all()))
    found = np.mean(inside, axis=0)
    print(f"{name}: {trials} trials, pointwise {found[0]:.3f}, band {found[1]:.3f}")
    return float(found[0]), float(found[1])


@pytest.mark.slow
def test_bands_of_years_gained() -> None:
    """2,000 trials of 300 with censoring that differs between arms; about 1 minute."""

    def draw(seed: int) -> BenefitCurve:
        marker, outcome = made_trial(np.random.default_rng(seed), 300, HORIZON)
        return benefit_curve(marker, outcome, at=PLACES, samples=4000, seed=seed)

    found = _coverage(draw, true_benefit(PLACES, HORIZON), 2000, "years gained")
    np.testing.assert_allclose(found, 0.95, atol=_four_errors(2000))


@pytest.mark.slow
def test_bands_of_hazard_ratios() -> None:
    """500 trials of 300; 3 minutes on a busy machine."""

    def draw(seed: int) -> BenefitCurve:
        marker, outcome = made_trial(np.random.default_rng(seed), 300, HORIZON)
        return hazard_ratio_curve(marker, outcome, knots=3, at=PLACES, samples=4000, seed=seed)

    untreated, treated = hazards(PLACES)
    found = _coverage(draw, treated / untreated, 500, "hazard ratio")
    np.testing.assert_allclose(found, 0.95, atol=_four_errors(500))


@pytest.mark.slow
def test_bands_of_response_rates() -> None:
    """1,000 trials of 400 with logits -1 + x / 2 untreated and -0.6 + x treated; about 1 minute."""

    def rates(marker: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 1.0 / (1.0 + np.exp(1.0 - 0.5 * marker)), 1.0 / (1.0 + np.exp(0.6 - marker))

    def draw(seed: int) -> BenefitCurve:
        rng = np.random.default_rng(seed)
        marker, treated = rng.uniform(-1.0, 1.0, 400), rng.random(400) < 0.5
        untreated_rate, treated_rate = rates(marker)
        response = rng.random(400) < np.where(treated, treated_rate, untreated_rate)
        outcome = response_outcome(response, treated=treated)
        return benefit_curve(marker, outcome, knots=3, at=PLACES, samples=4000, seed=seed)

    untreated, treated = rates(PLACES)
    found = _coverage(draw, treated - untreated, 1000, "response")
    np.testing.assert_allclose(found, 0.95, atol=_four_errors(1000))


def _true_value(treat: np.ndarray, horizon_year: float = HORIZON) -> float:
    untreated, treated = hazards(POPULATION, slope=SLOPE)
    return float(np.mean(restricted_mean(np.where(treat, treated, untreated), horizon_year)))


def _covers(table: pl.DataFrame, policy: str, truth: float) -> list[bool]:
    rows = table.filter(pl.col("policy") == policy).sort("method")
    return [bool(low < truth < high) for low, high in rows.select("lower", "upper").iter_rows()]


@pytest.mark.slow
def test_values_of_a_fixed_rule() -> None:
    """1,000 trials of 300, augmented and weighted, and both differences; 3 minutes."""
    everybody, nobody = np.ones_like(POPULATION, dtype=bool), np.zeros_like(POPULATION, dtype=bool)
    own = _true_value(POPULATION > 0.0)
    truth = {"rule": own, "rule - all": own - _true_value(everybody), "rule - none": own - _true_value(nobody)}
    covered = []
    for seed in range(1000):
        marker, outcome = made_trial(np.random.default_rng(seed), 300, HORIZON, slope=SLOPE)
        table = rule_value(marker > 0.0, outcome, covariates=marker[:, None], samples=300, seed=seed).table
        covered.append([_covers(table, policy, value) for policy, value in truth.items()])
    found = np.mean(covered, axis=0)
    print(f"fixed rule: augmented and weighted, by {', '.join(truth)}: {found.tolist()}")
    np.testing.assert_allclose(found, 0.95, atol=_four_errors(1000))


@pytest.mark.slow
def test_values_of_learned_rules() -> None:
    """500 trials of 400, years lived up to 1.5, five folds, twice; the truth of a trial is the mean value for the whole
    population of the ten rules that it taught; about 2 minutes."""
    covered, errors = [], []
    for seed in range(500):
        marker, outcome = made_trial(np.random.default_rng(seed), 400, 1.5, slope=SLOPE)
        plain, values = learn_by_regression(["x"]), []

        def learn(table: pl.DataFrame, train: TrialOutcome, plain=plain, values=values):  # type: ignore[no-untyped-def]
            rule = plain(table, train)
            values.append(_true_value(rule(pl.DataFrame({"x": POPULATION})), 1.5))
            return rule

        found = cross_validated_rule_value(
            pl.DataFrame({"x": marker}), outcome, learn, covariates=["x"], repeats=2, samples=300, seed=seed
        )
        covered.append(_covers(found.table, "rule", float(np.mean(values))))
        rows = found.table.filter(pl.col("policy") == "rule").sort("method")
        errors.append((rows["value"] - float(np.mean(values))).to_list())
    coverage, bias = np.mean(covered, axis=0), np.mean(errors, axis=0)
    print(f"learned rules: coverage {coverage.tolist()}, bias {bias.tolist()} years (augmented, weighted)")
    np.testing.assert_allclose(coverage, 0.95, atol=_four_errors(500))
    np.testing.assert_allclose(bias, 0.0, atol=4.0 * np.std(errors, axis=0).max() / np.sqrt(500))
