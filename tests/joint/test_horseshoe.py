"""The regularised horseshoe: its density against formulas written out, its model file, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import halfcauchy, invgamma, norm

from inference.made_fits import PLAN, TRUTH, make_fit
from metachron.base import ModelError, Prior
from metachron.cohort import Cohort
from metachron.forecast import forecast
from metachron.inference import estimate
from metachron.joint import JointModel, VisitPlan, compose, horseshoe_prior, patients_in_arms
from metachron.joint.horseshoe import shrunk_scale
from metachron.joint.sites import list_sites
from metachron.joint.vector import draw_prior_values, pack_population, population_at, unpack_population

TAU, DF, SLAB = 0.1, 4.0, 1.5
PRIOR = Prior("horseshoe", (TAU, DF, SLAB), "for tests")
COLUMNS = ("a", "b", "c")
LANDMARK = 200.0


def _with_prior(prior: Prior) -> JointModel:
    model = compose(dynamics="stein-fojo", hazard="weibull", dynamics_covariates={"growth_per_year": COLUMNS})
    assert model.dynamics is not None
    parameters = tuple(replace(p, beta_prior=prior) if p.covariates else p for p in model.dynamics.parameters)
    return replace(model, dynamics=replace(model.dynamics, parameters=parameters))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    plain = compose(dynamics=None, hazard="weibull")
    generator = np.random.default_rng(1)
    patients = patients_in_arms({"one": 4, "two": 4})
    patients = patients.with_columns(pl.Series(name, generator.normal(size=8)) for name in COLUMNS)
    plan = VisitPlan(visit_day=(0.0,), cutoff_day=700.0)
    died = plain.simulate({"death.log_scale_year": -1.0, "death.log_shape": 0.0}, patients, plan, seed=1)
    sizes = pl.DataFrame({"patient": patients["patient"], "day": 0.0, "size_mm": 50.0, "state": "measured"})
    return Cohort.create("eight", {**died.tables, "measurements": sizes.with_columns(lesion=pl.lit(None, pl.String))})


def test_density_and_coefficients_are_those_of_the_paper(cohort: Cohort):
    """log p(tau) + log p(c^2) + sum log p(lambda_j) + sum log p(z_j) with the Jacobian of each coordinate: tau and
    lambda_j at the quantiles of normal ones, c^2 on its log scale, z_j by its share."""
    shrunk, normal = _with_prior(PRIOR), _with_prior(Prior("normal", (0.0, 1.0)))
    dims = shrunk.bind(cohort).dims
    sites = list_sites(shrunk, dims)
    generator = np.random.default_rng(2)
    vector = generator.normal(size=sum(site.free_size for site in sites))
    theta, density = unpack_population(jnp.asarray(vector), shrunk, dims)
    place, own = 0, {}
    for site in sites:
        own[site.name], place = vector[place : place + site.free_size], place + site.free_size
    name = "log_growth_per_year.beta"
    tau = halfcauchy.ppf(norm.cdf(own[f"{name}_global"][0]), scale=TAU)
    slab = np.exp(own[f"{name}_slab"][0])
    local = halfcauchy.ppf(norm.cdf(own[f"{name}_local"]))
    scale = tau * np.sqrt(slab * local**2 / (slab + tau**2 * local**2))
    per = 5.0 * TAU / np.hypot(scale, 5.0 * TAU)
    z = own[name] * per
    expected = norm.logpdf(own[f"{name}_global"][0]) + np.sum(norm.logpdf(own[f"{name}_local"]))
    expected += invgamma.logpdf(slab, DF / 2.0, scale=DF * SLAB**2 / 2.0) + np.log(slab)
    expected += np.sum(norm.logpdf(z) + np.log(per))
    rest = np.concatenate([own[site.name] for site in sites if not site.name.startswith(name)])
    # the other sites have the priors that they have beside a normal one of coefficients at 0
    plain = [site.name for site in list_sites(normal, dims)]
    parts = [np.zeros(3) if site == name else own[site] for site in plain]
    other = unpack_population(jnp.asarray(np.concatenate(parts)), normal, dims)[1] - 3 * norm.logpdf(0.0)
    assert len(rest) == sum(len(part) for part in parts) - 3
    assert float(density - other) == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(theta[name], z * scale, rtol=1e-9)
    np.testing.assert_allclose(pack_population(theta, shrunk, dims), vector, atol=1e-9)


def test_large_and_small_coefficients_keep_their_scale():
    """Beside a small lambda the slab does not count; beside a large one it is the scale, without overflow."""
    scale = shrunk_scale(jnp.asarray(0.1), jnp.asarray(4.0), jnp.asarray([1e-8, 1.0, 1e12]))
    np.testing.assert_allclose(scale, [1e-9, 0.1 / np.sqrt(1.0 + 0.01 / 4.0), 2.0], rtol=1e-12)


def test_draws_of_the_prior_follow_the_formula(cohort: Cohort):
    """Quartiles of |beta| of 1,000 draws of three columns against NumPy's: five Monte Carlo errors of their logs, whose
    standard deviation is about 2, so that one of a quartile is 0.1."""
    model = _with_prior(PRIOR)
    dims = model.bind(cohort).dims
    keys = jax.random.split(jax.random.key(3), 1000)
    drawn = jax.jit(jax.vmap(lambda key: draw_prior_values(model, dims, key).theta["log_growth_per_year.beta"]))(keys)
    generator = np.random.default_rng(4)
    tau = TAU * np.abs(generator.standard_cauchy((3000, 1)))
    local = np.abs(generator.standard_cauchy((3000, 1)))
    slab = DF * SLAB**2 / 2.0 / generator.gamma(DF / 2.0, size=(3000, 1))
    other = (generator.normal(size=(3000, 1)) / np.sqrt(1.0 / (tau * local) ** 2 + 1.0 / slab)).ravel()
    for level in (0.25, 0.5, 0.75):
        one, two = (np.log(np.quantile(np.abs(np.ravel(x)), level)) for x in (drawn, other))
        assert one == pytest.approx(two, abs=0.5)


def test_the_model_file_keeps_it(cohort: Cohort):
    model = _with_prior(PRIOR)
    text = model.to_toml()
    again = JointModel.from_toml(text)
    assert again.to_toml() == text
    names = [site.name for site in list_sites(again, again.bind(cohort).dims)]
    assert "log_growth_per_year.beta_local" in names
    hazard = JointModel.from_toml(
        '[hazard]\nlaw = "weibull"\ncovariates = ["a"]\nbeta_prior = { horseshoe = [0.1, 4.0, 1.0] }\n'
    )
    assert [site.name for site in list_sites(hazard, hazard.bind(cohort).dims)][-4:] == [
        "death.beta_global", "death.beta_slab", "death.beta_local", "death.beta",
    ]  # fmt: skip
    vector = jnp.zeros(sum(site.free_size for site in list_sites(hazard, hazard.bind(cohort).dims)))
    assert np.isfinite(population_at(vector, hazard, hazard.bind(cohort).dims)["death.beta"]).all()


def test_a_forecast_is_that_of_the_same_coefficients_without_the_prior():
    """Effects of one patient are integrated out whatever the prior of the coefficients was."""
    generator = np.random.default_rng(3)
    theta = {**TRUTH, "log_shrinkage_per_year.mean": 0.0, "log_growth_per_year.mean": -0.5}
    del theta["death.link[log-growth]"]
    theta["log_growth_per_year.beta"] = [0.5, -0.3, 0.0]
    normal, shrunk = _with_prior(Prior("normal", (0.0, 1.0))), _with_prior(PRIOR)
    trials = []
    for name in ("trial", "other"):
        people = patients_in_arms({"one": 8}, name)
        people = people.with_columns(pl.Series(column, generator.normal(size=8)) for column in COLUMNS)
        trials.append(normal.simulate(theta, people, PLAN, seed=3))
    own = trials[1].followup.filter(pl.col("last_day") > LANDMARK)["patient"].to_list()[:2]
    assert len(own) == 2
    scales = {"global": 0.1, "slab": 2.0, "local": [1.0, 1.0, 1.0]}
    extended = theta | {f"log_growth_per_year.beta_{name}": value for name, value in scales.items()}
    found = [
        forecast(
            make_fit(model, trials[0], known, draws=100),
            trials[1].select(own),
            landmark_day=LANDMARK,
            horizon_day=600.0,
        )
        for model, known in ((normal, theta), (shrunk, extended))
    ]
    for table in ("survival", "sizes"):
        assert_frame_equal(getattr(found[0], table), getattr(found[1], table), rel_tol=1e-9)


def test_what_does_not_go_with_it_is_refused(cohort: Cohort):
    with pytest.raises(ModelError, match="three positive numbers"):
        _with_prior(Prior("horseshoe", (0.1, 4.0)))
    with pytest.raises(ModelError, match="coefficients of covariates"):
        JointModel.from_toml('[dynamics]\nlaw = "gsf"\n[dynamics.residual]\nproportional = { horseshoe = [1, 4, 1] }\n')
    with pytest.raises(ModelError, match="prior horseshoe"):
        estimate(_with_prior(PRIOR), cohort)
    with pytest.raises(ModelError, match="between 0 and the 10"):
        horseshoe_prior(expected=10, columns=10, patients=100)


def test_the_global_scale_is_that_of_the_expected_number():
    """Equation 3.12: 2 of 12, spread 0.5, 100 patients."""
    prior = horseshoe_prior(expected=2, columns=12, patients=100, spread=0.5)
    assert prior.args == pytest.approx((2 / 10 * 0.5 / 10, 4.0, 1.0))
