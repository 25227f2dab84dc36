"""The elastic net of the comparison with LORIS: optimality, an independent fit, and no look at left-out patients."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.elastic_net import choose, fit_path
from scipy.special import expit

rng = np.random.default_rng(4)
COLUMNS = rng.normal(size=(300, 6)) * np.array([1.0, 5.0, 0.2, 1.0, 1.0, 1.0]) + 3.0
RESPONSE = (rng.random(300) < expit(0.8 * (COLUMNS[:, 0] - 3) - 0.1 * (COLUMNS[:, 1] - 3))).astype(float)


@pytest.mark.parametrize("mix", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("penalty", [0.2, 0.05, 0.005])
def test_the_minimum_satisfies_its_conditions(penalty: float, mix: float) -> None:
    """Gradient of the smooth part: -penalty mix sign(b) where b is not 0, at most that large where it is. To 1e-5:
    steps end when no parameter moves by 1e-7.
    """
    fit = fit_path(COLUMNS, RESPONSE, [penalty], mix)[0]
    residual = expit(fit.score(COLUMNS)) - RESPONSE
    standard = (COLUMNS - fit.centre) / fit.scale
    slope = standard.T @ residual / len(RESPONSE) + penalty * (1 - mix) * fit.coefficients
    on = fit.coefficients != 0
    assert abs(residual.mean()) < 1e-5
    assert np.abs(slope[on] + penalty * mix * np.sign(fit.coefficients[on])).max(initial=0.0) < 1e-5
    assert (np.abs(slope[~on]) <= penalty * mix + 1e-5).all()


def test_without_a_penalty_it_is_maximum_likelihood() -> None:
    """As statsmodels fits it; 1e-4 is what a penalty of 1e-7 leaves."""
    from statsmodels.discrete.discrete_model import Logit

    fit = fit_path(COLUMNS, RESPONSE, [1e-7], 0.5)[0]
    other = Logit(RESPONSE, np.column_stack([np.ones(300), COLUMNS])).fit(disp=0)
    assert fit.coefficients / fit.scale == pytest.approx(other.params[1:], abs=1e-4)
    assert expit(fit.score(COLUMNS)) == pytest.approx(other.predict(), abs=1e-4)


def test_a_strong_penalty_leaves_the_mean_alone() -> None:
    fit = fit_path(COLUMNS, RESPONSE, [5.0], 1.0)[0]
    assert not fit.coefficients.any()
    assert expit(fit.intercept) == pytest.approx(RESPONSE.mean())


def test_a_constant_column_does_nothing() -> None:
    fit = fit_path(np.column_stack([COLUMNS, np.full(300, 7.0)]), RESPONSE, [0.01], 0.5)[0]
    assert fit.coefficients[-1] == 0.0


def test_noise_is_no_better_than_chance_out_of_fold() -> None:
    """The same patients without relation: out of fold the area is near one half, and never far above.

    0.123 is three standard errors of an area with 100 against 100 patients.
    """
    from metachron.scores import response_auc

    noise = np.random.default_rng(9)
    response = np.repeat([0.0, 1.0], 100)
    chosen = choose(noise.normal(size=(200, 20)), response, folds=5, repeats=1)
    assert response_auc(response, chosen.out_of_fold[0]).value < 0.5 + 3 * 0.041
