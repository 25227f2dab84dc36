"""Logistic regression against statsmodels, closed forms of two-by-two tables, and its penalty by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from metachron.base import ModelError
from metachron.benefit import fit_logistic


def _table(a: int, b: int, c: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the design and responses of a exposed responders, b exposed others, c and d of the unexposed."""
    exposed = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])[:, None]
    return exposed, np.repeat([True, False, True, False], [a, b, c, d])


def test_maximum_likelihood_is_that_of_statsmodels():
    import statsmodels.api as sm

    generator = np.random.default_rng(1)
    design = generator.normal(size=(120, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 2.0]
    response = generator.random(120) < 1.0 / (1.0 + np.exp(-0.5 - 0.05 * (design[:, 1] - 50.0)))
    found = fit_logistic(design, response, ("a", "b", "c"))
    other = sm.GLM(response.astype(float), sm.add_constant(design), family=sm.families.Binomial()).fit()
    np.testing.assert_allclose(found.coefficients, other.params, rtol=1e-5)
    np.testing.assert_allclose(found.covariance, other.cov_params(), rtol=1e-4)
    assert found.log_likelihood == pytest.approx(other.llf, abs=1e-8)
    assert (found.penalised, found.separated) == (False, ())


def test_a_two_by_two_table_in_closed_form():
    found = fit_logistic(*_table(12, 8, 5, 25), ("x",))
    assert found.coefficients[1] == pytest.approx(np.log(12 * 25 / (8 * 5)), abs=1e-6)
    assert found.covariance[1, 1] == pytest.approx(1 / 12 + 1 / 8 + 1 / 5 + 1 / 25, rel=1e-5)


def test_firths_penalty_adds_one_half_to_every_cell():
    """Of a saturated model: Firth 1993, section 3. Here a cell is empty, and the plain maximum infinite."""
    found = fit_logistic(*_table(6, 0, 3, 9), ("x",))
    assert found.penalised
    assert "x" in found.separated
    assert found.coefficients[1] == pytest.approx(np.log(6.5 * 9.5 / (0.5 * 3.5)), abs=1e-5)


def test_complete_and_partial_separation_are_found():
    number = np.arange(20.0)[:, None]
    assert "x" in fit_logistic(number, number[:, 0] > 9.5, ("x",)).separated
    edge = number.copy()
    edge[9] = edge[10] = 9.5
    partly = fit_logistic(edge, np.arange(20) > 9, ("x",))
    assert "x" in partly.separated
    assert np.isfinite(partly.coefficients).all()
    mixed = np.arange(20) > 9
    mixed[[5, 14]] = ~mixed[[5, 14]]
    assert fit_logistic(number, mixed, ("x",)).separated == ()
    with pytest.raises(ModelError, match="separated along"):
        fit_logistic(number, number[:, 0] > 9.5, ("x",), penalised=False)


@pytest.mark.parametrize("held", [(), ("b",)])
def test_the_penalised_likelihood_is_maximised_with_and_without_a_held_term(held):
    """Nelder-Mead climbs the penalised likelihood, written out; both agree to its tolerance."""
    generator = np.random.default_rng(2)
    design = generator.normal(size=(40, 2))
    response = design[:, 0] + 0.3 * generator.normal(size=40) > 0.0
    centred = (design - design.mean(axis=0)) / design.std(axis=0)
    full = np.column_stack([np.ones(40), centred])
    free = [0, 1] if held else [0, 1, 2]

    def against(part: np.ndarray) -> float:
        beta = np.zeros(3)
        beta[free] = part
        eta = full @ beta
        weight = 1.0 / (2.0 + 2.0 * np.cosh(eta))
        information = full.T @ (weight[:, None] * full)
        return -(response @ eta - np.logaddexp(0.0, eta).sum() + 0.5 * np.linalg.slogdet(information)[1])

    best = minimize(against, np.zeros(len(free)), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    found = fit_logistic(design, response, ("a", "b"), held=held, penalised=True)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert found.coefficients[1] * design[:, 0].std() == pytest.approx(best.x[1], abs=1e-4)


def test_terms_that_say_the_same_are_named():
    generator = np.random.default_rng(3)
    column = generator.normal(size=30)
    with pytest.raises(ModelError, match="a, b say the same"):
        fit_logistic(np.column_stack([column, 2.0 * column]), column > 0.5, ("a", "b"))
    with pytest.raises(ModelError, match="one value only: b"):
        fit_logistic(np.column_stack([column, np.ones(30)]), column > 0.5, ("a", "b"))
