"""What a rule of treatment is worth: the mean outcome if everybody were treated by it, against all and none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from metachron.base import InputError, ModelError, Problem
from metachron.benefit.arm_regression import fit_arms
from metachron.benefit.learning import draw_folds
from metachron.benefit.outcome import TrialOutcome, floats
from metachron.survival.coding import require_columns
from metachron.survival.measures import bootstrap

Rule = Callable[[pl.DataFrame], np.ndarray]
"""Says of each row of a table whether to treat."""
Learn = Callable[[pl.DataFrame, TrialOutcome], Rule]
"""Learns a rule from patients and what happened to them."""
RULE, ALL, NONE, RULE_ALL, RULE_NONE = "rule", "all", "none", "rule - all", "rule - none"
WEIGHTED, AUGMENTED = "weighted", "augmented"


@dataclass(frozen=True, eq=False)
class RuleValue:
    """The value of a rule.

    Attributes
    ----------
    table : policy (``"rule"``, ``"all"`` treated, ``"none"``, and the differences ``"rule - all"``, ``"rule - none"``),
        method, value with lower and upper, in the unit of the outcome: years up to the horizon, or a probability.
    treat_share : share of patients whom the rule treats, averaged over repeats.
    agreement : share of patients for whom all repeats decide alike; 1 for a fixed rule.
    patients : number.
    """

    table: pl.DataFrame
    treat_share: float
    agreement: float
    patients: int
    level: float


def rule_value(
    treat: ArrayLike,
    outcome: TrialOutcome,
    *,
    covariates: np.ndarray | None = None,
    probability: float | None = None,
    samples: int = 500,
    level: float = 0.95,
    seed: int = 1,
) -> RuleValue:
    """Return the value of a rule that was fixed before these patients were looked at.

    ``"weighted"``: the mean outcome of patients whose arm is what the rule says, each weighted by one over the
    probability of that arm, weights scaled to mean 1; NaN where the
    rule says nobody's arm. ``"augmented"``: the mean over all patients of what regressions
    of the outcome, one per arm, expect under the rule, plus the weighted residual of those whose arm is what it says;
    it holds whatever the regressions are worth, and is more precise where they are worth something. Source: Zhang
    2012, doi:10.1111/j.1541-0420.2012.01763.x; for years lived or survival outcomes are pseudo-values, see
    `metachron.benefit.outcome.TrialOutcome.values`. Intervals are of patients drawn with replacement.

    Parameters
    ----------
    treat : True or False for each patient, from what was known before treatment.
    covariates : patients x columns for the regressions; None: their means alone.
    probability : of being treated, as randomised; None: the share of treated patients.

    Raises
    ------
    InputError
        When the decisions are not True or False for each patient, or an arm is not followed to the horizon.
    ModelError
        When the probability is not between 0 and 1, or an arm cannot determine its regression.
    """
    decisions = _decisions(treat, len(outcome))[None, :]
    columns = np.empty((len(outcome), 0)) if covariates is None else np.asarray(covariates, dtype=float)
    arms = fit_arms(columns, outcome)
    expected = np.stack([arms.treated.predict(columns), arms.control.predict(columns)])[None]
    return _value(decisions, expected, outcome, probability, samples=samples, level=level, seed=seed)


def cross_validated_rule_value(
    table: pl.DataFrame,
    outcome: TrialOutcome,
    learn: Learn,
    *,
    covariates: Sequence[str] = (),
    probability: float | None = None,
    folds: int = 5,
    repeats: int = 10,
    samples: int = 500,
    level: float = 0.95,
    seed: int = 1,
) -> RuleValue:
    """Return the value of rules learned as ``learn`` learns them, each judged on patients it was not learned from.

    Everything that makes the rule, choices of markers and cut-offs included, has to happen inside ``learn``. It sees
    the patients of the other folds alone, with pseudo-values of these alone; so do the regressions of the augmented
    value.
    The value is that of rules learned from (folds - 1) / folds of the patients; values of the same patients by
    the rule that they taught are too good. Intervals take the learned rules as they are. Parameters, methods and
    errors as in `rule_value`; ``covariates`` are numeric columns of the table. Folds are drawn within arms.
    """
    require_columns(table, covariates)
    columns = table.select(pl.col(name).cast(pl.Float64) for name in covariates).to_numpy()
    columns = columns.reshape(table.height, len(covariates))
    if table.height != len(outcome):
        raise ModelError(f"the table has {table.height} rows, and the outcome {len(outcome)} patients")
    rng = np.random.default_rng(seed)
    decisions = np.zeros((repeats, len(outcome)), dtype=bool)
    expected = np.empty((repeats, 2, len(outcome)))
    for repeat in range(repeats):
        fold = draw_folds(len(outcome), folds, rng, alike=outcome.treated)
        for number in range(folds):
            out = fold == number
            train = outcome.rows(~out)
            try:
                rule = learn(table.filter(pl.Series(~out)), train)
                arms = fit_arms(columns[~out], train)
            except (InputError, ModelError) as error:
                raise ModelError(f"without fold {number + 1} of {folds} no rule can be learned: {error}") from error
            decisions[repeat, out] = _decisions(rule(table.filter(pl.Series(out))), int(out.sum()))
            expected[repeat, :, out] = np.column_stack(
                [arms.treated.predict(columns[out]), arms.control.predict(columns[out])]
            )
    return _value(decisions, expected, outcome, probability, samples=samples, level=level, seed=seed)


def learn_by_regression(markers: Sequence[str], *, least_benefit: float = 0.0) -> Learn:
    """Return a way to learn: treat where regressions of the outcome on the markers, by arm, expect more than this
    benefit (years up to the horizon, or a probability); see `metachron.benefit.arm_regression.fit_arms`.
    """

    def learn(table: pl.DataFrame, outcome: TrialOutcome) -> Rule:
        arms = fit_arms(table.select(markers).to_numpy(), outcome)
        return lambda others: arms.benefit(others.select(markers).to_numpy()) > least_benefit

    return learn


def _value(
    decisions: np.ndarray,
    expected: np.ndarray,
    outcome: TrialOutcome,
    probability: float | None,
    *,
    samples: int,
    level: float,
    seed: int,
) -> RuleValue:
    """Return the value of decisions, repeats x patients, with expected outcomes, repeats x (treated, untreated) x
    patients."""
    share = float(outcome.treated.mean()) if probability is None else probability
    if not 0.0 < share < 1.0:
        raise ModelError(f"the probability of being treated lies between 0 and 1, not at {share:g}")
    values = outcome.values()
    policies = {RULE: decisions, ALL: np.ones_like(decisions), NONE: np.zeros_like(decisions)}
    rows = []
    chance = np.where(outcome.treated, share, 1.0 - share)
    weights = {name: (policy == outcome.treated) / chance for name, policy in policies.items()}
    own = np.where(outcome.treated, expected[:, 0], expected[:, 1])
    scores = {
        WEIGHTED: {name: _weighted(weight, values) for name, weight in weights.items()},
        AUGMENTED: {
            name: _mean_of(np.where(policy, expected[:, 0], expected[:, 1]) + weights[name] * (values - own))
            for name, policy in policies.items()
        },
    }
    for method, score in scores.items():
        for policy, first, second in (
            (RULE, RULE, None), (ALL, ALL, None), (NONE, NONE, None), (RULE_ALL, RULE, ALL), (RULE_NONE, RULE, NONE),
        ):  # fmt: skip

            def measure(i: np.ndarray, score=score, first: str = first, second: str | None = second) -> float:  # type: ignore[no-untyped-def]
                return score[first](i) - (score[second](i) if second else 0.0)

            interval = bootstrap(len(values), measure, samples=samples, seed=seed, level=level)
            rows.append((policy, method, measure(np.arange(len(values))), *interval))
    table = pl.DataFrame(rows, schema=["policy", "method", "value", "lower", "upper"], orient="row")
    same = float(np.mean(decisions.all(axis=0) | ~decisions.any(axis=0)))
    return RuleValue(table, float(decisions.mean()), same, len(values), level)


def _weighted(weight: np.ndarray, values: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the mean of values weighted by repeats x patients, for patients drawn; NaN without any weight."""

    def score(drawn: np.ndarray) -> float:
        own = weight[:, drawn]
        total = own.sum(axis=1)
        return float(np.mean(own @ values[drawn] / total)) if total.all() else float("nan")

    return score


def _mean_of(each: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the mean over repeats x patients, for patients drawn."""
    mean = each.mean(axis=0)
    return lambda drawn: float(mean[drawn].mean())


def _decisions(treat: ArrayLike, count: int) -> np.ndarray:
    values = floats(treat)
    if len(values) != count or not np.isin(values, (0.0, 1.0)).all():
        found = f"{len(values)} decisions for {count} patients, {int(np.sum(~np.isin(values, (0.0, 1.0))))} not 0 or 1"
        remedy = "decide for every patient, also where a marker is missing"
        raise InputError([Problem("rule", found, "True (treat) or False for each patient", remedy)], "the rule")
    return values == 1.0
