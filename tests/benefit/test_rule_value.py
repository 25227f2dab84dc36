"""The value of a rule by hand, against a simulated truth, and without being fooled by noise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benefit.made_trials import hazards, made_trial, restricted_mean
from metachron.base import InputError, ModelError
from metachron.benefit.outcome import TrialOutcome, response_outcome
from metachron.benefit.rule_value import cross_validated_rule_value, learn_by_regression, rule_value
from metachron.survival import restricted_mean as estimate_restricted_mean

HORIZON = 2.0


def _of(table: pl.DataFrame, policy: str, method: str) -> dict[str, float]:
    return table.filter((pl.col("policy") == policy) & (pl.col("method") == method)).row(0, named=True)


def true_value(marker: np.ndarray, treat: np.ndarray, *, slope: float = 0.6) -> float:
    """Return the mean years lived up to the horizon of patients with these markers, treated so."""
    untreated, treated = hazards(marker, slope=slope)
    return float(np.mean(restricted_mean(np.where(treat, treated, untreated), HORIZON)))


def test_a_response_by_hand() -> None:
    """Arm is what the rule says for patients 1, 2, 5 and 6, with responses 1, 0, 1, 1; equal arms, so equal weights."""
    treated = [True, True, True, False, False, False]
    treat = [True, True, False, True, False, False]
    found = rule_value(treat, response_outcome([1, 0, 1, 0, 1, 1], treated=treated), samples=20)
    assert _of(found.table, "rule", "weighted")["value"] == pytest.approx(3 / 4)
    assert _of(found.table, "all", "weighted")["value"] == pytest.approx(2 / 3)
    assert _of(found.table, "rule - none", "weighted")["value"] == pytest.approx(3 / 4 - 2 / 3)
    assert found.treat_share == 0.5
    # augmented with means 2/3 and 2/3: 2/3 + the mean of 2 (y - 2/3) over those whose arm is what the rule says
    assert _of(found.table, "rule", "augmented")["value"] == pytest.approx(2 / 3 + 2 * (3 - 4 * 2 / 3) / 6)


def test_treating_all_is_the_mean_of_the_arm() -> None:
    """But for pseudo-values, whose mean is the Kaplan-Meier area up to rounding of the jackknife (1e-3)."""
    _, outcome = made_trial(np.random.default_rng(1), 400, HORIZON)
    found = rule_value(np.ones(400), outcome, samples=400)
    own = estimate_restricted_mean(outcome.time_year[outcome.treated], outcome.event[outcome.treated], horizon=HORIZON)
    row = _of(found.table, "all", "weighted")
    assert row["value"] == pytest.approx(own.value, abs=1e-3)
    assert row["upper"] - row["lower"] == pytest.approx(own.upper - own.lower, rel=0.15)
    assert _of(found.table, "rule - all", "augmented")["value"] == 0.0


def test_intervals_of_a_fixed_rule_cover_its_value() -> None:
    """200 trials of 300: 95 % within 4 Monte Carlo standard errors (6 points); the augmented value is more precise."""
    population = np.linspace(-1, 1, 20_001)
    truth = true_value(population, population > 0.0, slope=1.5) - true_value(population, population > 2.0, slope=1.5)
    covered, widths = [], []
    for seed in range(200):
        marker, outcome = made_trial(np.random.default_rng(seed), 300, HORIZON, slope=1.5)
        table = rule_value(marker > 0.0, outcome, covariates=marker[:, None], samples=150, seed=seed).table
        rows = [_of(table, "rule - none", method) for method in ("weighted", "augmented")]
        covered.append([row["lower"] < truth < row["upper"] for row in rows])
        widths.append([row["upper"] - row["lower"] for row in rows])
    np.testing.assert_allclose(np.mean(covered, axis=0), 0.95, atol=0.06)
    assert np.mean(widths, axis=0)[1] < np.mean(widths, axis=0)[0]


def test_a_learned_rule_is_worth_what_it_is_for_new_patients() -> None:
    """Qualitative interaction: treatment harms where the marker is low. Mean over 12 trials of 400, within 4 standard
    errors (0.06 years) of the truth of treating where the marker is above the true cut."""
    population = np.linspace(-1, 1, 20_001)
    cut = -0.2 / 1.5  # the log hazard ratio -0.2 - 1.5 x is 0 there
    truth = true_value(population, population > cut, slope=1.5)
    values = []
    for seed in range(12):
        marker, outcome = made_trial(np.random.default_rng(seed), 400, HORIZON, slope=1.5)
        found = cross_validated_rule_value(
            pl.DataFrame({"x": marker}), outcome, learn_by_regression(["x"]), covariates=["x"], repeats=2, samples=20
        )
        values.append(_of(found.table, "rule", "augmented")["value"])
    assert np.mean(values) == pytest.approx(truth, abs=0.06)


def test_noise_gains_nothing_out_of_fold_and_much_in_it() -> None:
    """Ten markers of noise, the same benefit for all, 10 trials of 200. The rule judged on its teachers seems to gain
    on treating all; out of fold it loses, since it leaves some untreated."""
    inside, outside = [], []
    names = [f"x{j}" for j in range(10)]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        _, outcome = made_trial(rng, 200, HORIZON, slope=0.0)
        table = pl.DataFrame(rng.normal(size=(200, 10)), schema=names)
        learn = learn_by_regression(names)
        own = rule_value(learn(table, outcome)(table), outcome, samples=10)
        other = cross_validated_rule_value(table, outcome, learn, repeats=2, samples=10)
        inside.append(_of(own.table, "rule - all", "weighted")["value"])
        outside.append(_of(other.table, "rule - all", "weighted")["value"])
    assert np.mean(inside) > 0.05
    assert np.mean(outside) < 0.02


def test_the_rule_never_sees_the_patients_it_is_judged_on() -> None:
    marker, outcome = made_trial(np.random.default_rng(2), 60, 1.0)
    table, seen = pl.DataFrame({"x": marker, "row": np.arange(60)}), []

    def learn(rows: pl.DataFrame, train: TrialOutcome):  # type: ignore[no-untyped-def]
        assert len(train) == rows.height
        np.testing.assert_array_equal(train.time_year, outcome.time_year[rows["row"].to_numpy()])

        def rule(others: pl.DataFrame) -> np.ndarray:
            assert not set(others["row"]) & set(rows["row"])
            seen.extend(others["row"])
            return np.ones(others.height)

        return rule

    found = cross_validated_rule_value(table, outcome, learn, folds=3, repeats=2, samples=10)
    assert sorted(seen) == sorted(list(range(60)) * 2)
    assert (found.treat_share, found.agreement) == (1.0, 1.0)


def test_rules_that_do_not_decide_are_refused() -> None:
    marker, outcome = made_trial(np.random.default_rng(3), 60, 1.0)
    with pytest.raises(InputError, match="decide for every patient"):
        rule_value([None, *(marker[1:] > 0)], outcome)
    with pytest.raises(ModelError, match="between 0 and 1, not at 1"):
        rule_value(marker > 0, outcome, probability=1.0)
    with pytest.raises(ModelError, match="the table has 5 rows"):
        cross_validated_rule_value(pl.DataFrame({"x": marker[:5]}), outcome, learn_by_regression(["x"]))
