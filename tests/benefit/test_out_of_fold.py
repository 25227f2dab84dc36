"""Scores of out-of-fold predictions against loops, against other definitions, and under chance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.benefit.decision_curve import net_benefit
from metachron.benefit.learning import cox_functions, cross_fit, draw_folds
from metachron.benefit.out_of_fold import OutOfFold
from metachron.survival import censoring_weights
from metachron.survival.measures import auc, brier


def _made(count: int, repeats: int) -> OutOfFold:
    rng = np.random.default_rng(1)
    life, end = rng.exponential(1.0, count), rng.uniform(0.3, 3.0, count)
    survival = np.round(rng.uniform(size=(repeats, count)), 1)  # with ties
    fold = np.stack([draw_folds(count, 3, rng) for _ in range(repeats)])
    return OutOfFold(np.minimum(life, end), life <= end, survival, fold, 0.8)


def test_auc_is_that_of_a_loop_over_pairs_of_a_fold() -> None:
    made = _made(40, 2)
    weight = censoring_weights(made.time, made.event, at=0.8)
    drawn = np.random.default_rng(2).integers(0, 40, 40)
    above = total = 0.0
    for survival, fold in zip(made.survival, made.fold, strict=True):
        for k in drawn:
            for m in drawn:
                if made.event[k] and made.time[k] <= 0.8 < made.time[m] and fold[k] == fold[m]:
                    total += weight[k]
                    above += weight[k] * ((survival[k] < survival[m]) + 0.5 * (survival[k] == survival[m]))
    assert made.auc()(drawn) == pytest.approx(above / total)


def test_scores_of_one_fold_are_the_usual_ones() -> None:
    made = _made(60, 1)
    one = OutOfFold(made.time, made.event, made.survival, np.zeros((1, 60)), 0.8)
    everybody, survival = np.arange(60), made.survival[0]
    assert one.auc()(everybody) == pytest.approx(auc(made.time, made.event, 1.0 - survival, 0.8))
    assert one.brier()(everybody) == pytest.approx(brier(made.time, made.event, survival, 0.8))
    known = OutOfFold(made.time, np.ones(60, dtype=bool), made.survival, made.fold, 0.8)
    for threshold in (0.3, 0.6):
        other = net_benefit(known.time, known.event, 1.0 - survival, 0.8, threshold=threshold)
        assert known.net_benefit(threshold)(everybody) == pytest.approx(other)


def test_noise_scores_one_half_within_folds_and_less_across() -> None:
    """Three covariates of noise, 60 patients, 24 trials: mean AUC 0.5 within 4 Monte Carlo standard errors (0.06);
    pairs of different folds would make it seem worse than chance."""
    within, across = [], []
    functions = cox_functions(["x0", "x1", "x2"], horizon_year=0.7)
    for seed in range(24):
        rng = np.random.default_rng(seed)
        life, end = rng.exponential(1.0, 60), rng.uniform(0.8, 3.0, 60)
        table = pl.DataFrame({f"x{j}": rng.normal(size=60) for j in range(3)})
        table = table.with_columns(time_year=pl.Series(np.minimum(life, end)), event=pl.Series(life <= end))
        survival, fold = cross_fit(table, *functions, folds=5, repeats=1, seed=seed)
        time, event = table["time_year"].to_numpy(), table["event"].to_numpy()
        within.append(OutOfFold(time, event, survival, fold, 0.7).auc()(np.arange(60)))
        across.append(auc(time, event, 1.0 - survival[0], 0.7))
    assert np.mean(within) == pytest.approx(0.5, abs=0.06)
    assert np.mean(across) < np.mean(within)


def test_folds_are_even_and_alike() -> None:
    alike = np.repeat([0, 1], [23, 14])
    fold = draw_folds(37, 5, np.random.default_rng(1), alike=alike)
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.ptp(np.bincount(fold[alike == 1])) <= 1
    with pytest.raises(ModelError, match="2 folds at least"):
        draw_folds(3, 4, np.random.default_rng(1))


def test_a_model_that_cannot_be_learned_says_in_which_fold() -> None:
    table = pl.DataFrame({"time_year": [1.0, 2.0, 3.0, 4.0], "event": [True, True, False, True], "x": [0.0, 0, 0, 1]})
    with pytest.raises(ModelError, match=r"without fold . of 2"):
        cross_fit(table, *cox_functions(["x"], horizon_year=0.5), folds=2, repeats=1, seed=1)
    fit, predict = cox_functions(["x"], horizon_year=9.0)
    with pytest.raises(ModelError, match="followed to 4 years"):
        predict(fit(table.with_columns(x=pl.Series([0.0, 1, 1, 0]))), table)
