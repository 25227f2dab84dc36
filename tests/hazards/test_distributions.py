"""Agreement of the parametric hazards with the survival functions of scipy.stats."""

from __future__ import annotations

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from metachron.base import ModelError
from metachron.hazards import HAZARDS, Gompertz
from metachron.hazards.gamma_tail import gamma_cumulative_hazard

NO_KNOTS = jnp.zeros(0)
TIMES = np.geomspace(1e-3, 20.0, 40)
DISTRIBUTIONS = {
    "exponential": lambda n: stats.expon(scale=n["scale_year"]),
    "weibull": lambda n: stats.weibull_min(n["shape"], scale=n["scale_year"]),
    "gompertz": lambda n: stats.gompertz(n["rate_per_year"] / n["shape_per_year"], scale=1 / n["shape_per_year"]),
    "log-logistic": lambda n: stats.fisk(n["shape"], scale=n["median_year"]),
    "log-normal": lambda n: stats.lognorm(n["sigma"], scale=n["median_year"]),
    "gamma": lambda n: stats.gamma(n["shape"], scale=n["scale_year"]),
}


@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
def test_survival_and_density_agree_with_scipy(name: str, draw_psi) -> None:
    """Compared where scipy's own tail is exact: cdf for small, sf for large cumulative hazards."""
    hazard = HAZARDS[name]()
    psi = draw_psi(hazard, 30, seed=11)
    if name == "gompertz":
        psi = {**psi, "shape_per_year": jnp.abs(psi["shape_per_year"])}
    cumulative, log_hazard = (
        np.asarray(jax.jit(jax.vmap(lambda p, f=f: f(jnp.asarray(TIMES), p, NO_KNOTS)))(psi))
        for f in (hazard.cumulative, hazard.log_hazard)
    )
    for draw in range(30):
        natural = {
            spec.name: float(np.exp(psi[spec.name][draw]) if spec.transform == "log" else psi[spec.name][draw])
            for spec in hazard.parameters
        }
        law = DISTRIBUTIONS[name](natural)
        cdf, sf, logpdf = law.cdf(TIMES), law.sf(TIMES), law.logpdf(TIMES)
        expected = np.where(cdf < 0.5, -np.log1p(-np.minimum(cdf, 0.5)), -np.log(np.maximum(sf, 1e-300)))
        exact = (cdf > 1e-290) & (sf > 1e-290)
        assert exact.any()
        np.testing.assert_allclose(cumulative[draw][exact], expected[exact], rtol=2e-11)
        density = log_hazard[draw] - cumulative[draw]
        np.testing.assert_allclose(density[exact], logpdf[exact], rtol=1e-10, atol=1e-10)


def test_gamma_tail_and_its_derivative_against_forty_digits() -> None:
    """Reference by ``reference/gamma_tail.py``; see the accuracy stated in `metachron.hazards.gamma_tail`."""
    path = Path(__file__).parent / "reference" / "gamma_tail.csv"
    with path.open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    shape, x, value, by_shape = (np.asarray([row[key] for row in rows]) for key in
                                 ("shape", "x", "cumulative_hazard", "by_shape"))  # fmt: skip
    assert len(rows) == 110
    both = jax.jit(jax.vmap(jax.value_and_grad(gamma_cumulative_hazard)))
    got, gradient = both(jnp.asarray(shape), jnp.asarray(x))
    np.testing.assert_allclose(got, value, rtol=3e-12)
    np.testing.assert_allclose(gradient, by_shape, rtol=1e-9)


@pytest.mark.parametrize("shape_per_year", [0.0, 1e-12, -1e-12, 9.9e-4, 1.01e-3, -9.9e-4, -1.01e-3])
def test_gompertz_is_smooth_through_a_constant_hazard(shape_per_year: float) -> None:
    psi = {"rate_per_year": jnp.log(0.7), "shape_per_year": jnp.asarray(shape_per_year)}
    time = np.longdouble(1.0)
    slope = np.longdouble(shape_per_year)
    expected = 0.7 * (np.expm1(slope * time) / slope if shape_per_year else time)
    np.testing.assert_allclose(
        float(Gompertz().cumulative(jnp.asarray(1.0), psi, NO_KNOTS)), float(expected), rtol=1e-15
    )
    by_shape = jax.grad(lambda s: Gompertz().cumulative(jnp.asarray(1.0), {**psi, "shape_per_year": s}, NO_KNOTS))
    np.testing.assert_allclose(
        float(by_shape(jnp.asarray(shape_per_year))), 0.35 * (1 + 2 / 3 * shape_per_year), rtol=1e-6
    )


def test_gompertz_with_falling_hazard_reaches_a_plateau() -> None:
    psi = {"rate_per_year": jnp.log(0.6), "shape_per_year": jnp.asarray(-1.5)}
    assert float(Gompertz().cumulative(jnp.asarray(200.0), psi, NO_KNOTS)) == pytest.approx(0.4, rel=1e-14)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"did you mean 'weibull'\?\); known: exponential, weibull, gompertz"):
        HAZARDS["weibul"]
