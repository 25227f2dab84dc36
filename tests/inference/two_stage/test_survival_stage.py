"""The survival stage: the density is that of the joint model, and the posterior that of a grid."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.cohort import Cohort
from metachron.inference.predict.draws import Draws
from metachron.inference.two_stage.patient_links import links_of, mean_links, without_padding
from metachron.inference.two_stage.survival_stage import SurvivalStage, _density
from metachron.joint import JointModel, Values, VisitPlan, compose, patients_in_arms
from metachron.joint.demo_trial import two_arm_trial
from metachron.joint.likelihood import LinkTable
from metachron.joint.names import flat_names
from metachron.joint.population import patient_effects
from metachron.joint.sites import hazard_sites, list_sites
from metachron.joint.vector import draw_prior_values, pack_sites, unpack_sites

SEVERAL = ["log-growth", "slope", "time-to-growth"]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return two_arm_trial(seed=5, patients_per_arm=8)


def drawn(model: JointModel, cohort: Cohort, count: int) -> tuple[SurvivalStage, list[Values], Draws]:
    """Return the stage, and draws of everything from the prior as a fit of the dynamics would hold them."""
    binding = model.bind(cohort)
    design, dims = without_padding(binding)
    names = {site.name for site in hazard_sites(model, dims)}
    flat = tuple(name for name in flat_names(model, dims, binding.labels) if name.site in names)
    assert model.dynamics is not None
    values, effects = [], []
    for seed in range(count):
        one = draw_prior_values(model, dims, jax.random.key(seed))
        scaled = {name: value if "link" not in name else value / 20.0 for name, value in one.theta.items()}
        values.append(one._replace(theta=scaled))
        effects.append(patient_effects(model, values[-1], design))
    theta = [{k: v for k, v in one.theta.items() if k not in names} for one in values]
    stack = lambda *leaves: jnp.stack(leaves)  # noqa: E731
    return (
        SurvivalStage(model, design, dims, flat),
        values,
        Draws(jax.tree.map(stack, *theta), jax.tree.map(stack, *effects), {}),
    )


@pytest.mark.parametrize("links", [["log-growth"], SEVERAL, ["shared-effects", "area"]])
def test_the_density_is_that_of_the_joint_model(cohort: Cohort, links: list[str]) -> None:
    """With the link values of a draw: prior and event terms alike, to rounding (1e-9 of sums of hundreds)."""
    model = compose(links=links)
    stage, values, draws = drawn(model, cohort, 2)
    binding = model.bind(cohort)
    sites = hazard_sites(model, stage.dims)
    for index, one in enumerate(values):
        links = links_of(draws, jnp.asarray(index), stage.design, model=model, dims=stage.dims)
        vector = pack_sites(one.theta, sites)
        prior = float(unpack_sites(vector, sites)[1])
        found = float(_density(vector, links, stage.design, model, stage.dims)) - prior
        both = model.log_likelihood_by_patient(*_padded(model, one, binding))
        sizes = JointModel(model.dynamics, None).log_likelihood_by_patient(*_padded(model, one, binding))
        assert found == pytest.approx(float(jnp.sum(both - sizes)), rel=1e-9, abs=1e-7)


def _padded(model: JointModel, one: Values, binding):  # type: ignore[no-untyped-def]
    short = binding.dims.patients - one.patient.shape[0]
    return one._replace(patient=jnp.pad(one.patient, ((0, short), (0, 0)))), binding.design, binding.dims


def test_mean_links_are_the_mean_over_draws(cohort: Cohort) -> None:
    model = compose(links=SEVERAL)
    stage, _, draws = drawn(model, cohort, 3)
    each = [links_of(draws, jnp.asarray(i), stage.design, model=model, dims=stage.dims) for i in range(3)]
    mean = mean_links(draws, stage.design, model=model, dims=stage.dims)
    for found, *parts in zip(*(jax.tree.leaves(one) for one in (mean, *each)), strict=True):
        np.testing.assert_allclose(found, np.mean(parts, axis=0), rtol=1e-10)


def test_the_posterior_is_that_of_a_grid() -> None:
    """Exponential hazard and one link, two parameters: against a trapezoid rule on a grid 12 sd wide.

    The importance weights vary little (k below 0.5), so that 4096 points have a Monte Carlo error of about sd/64 on the
    mean and 1/90 on the sd: 5 of each.
    """
    model = compose(hazard="exponential", links=["log-growth"])
    plan = VisitPlan(visit_day=(-7.0, 56.0), cutoff_day=700.0)
    truth = {
        **{f"log_{name}.mean": mean for name, mean in (("baseline_mm", 4.0), ("shrinkage_per_year", 0.0))},
        "log_growth_per_year.mean": -0.7,
        **{f"log_{name}.sd": 0.7 for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year")},
        "residual.proportional": 0.1,
        "death.log_scale_year": 0.3,
        "death.link[log-growth]": 0.8,
    }
    cohort = model.simulate(truth, patients_in_arms({"a": 30}), plan, seed=2)
    stage, _, draws = drawn(model, cohort, 1)
    links = links_of(draws, jnp.asarray(0), stage.design, model=model, dims=stage.dims)
    found = stage.posterior(links, stage.start(), draws=4096, seed=1)
    mean, sd = _grid_moments(stage, links, found.mode)
    assert found.pareto_k < 0.5
    np.testing.assert_allclose(found.draws.mean(axis=0), mean, atol=5.0 * float(sd.max()) / 64.0)
    np.testing.assert_allclose(found.draws.std(axis=0), sd, rtol=5.0 / 90.0)


def _grid_moments(stage: SurvivalStage, links: LinkTable, mode: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sd over a grid about the mode; both parameters are unconstrained."""
    axis = np.linspace(-2.5, 2.5, 161)
    points = mode + np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = jax.jit(jax.vmap(lambda at: _density(at, links, stage.design, stage.model, stage.dims)))
    log_weight = np.asarray(density(jnp.asarray(points)))
    weight = np.exp(log_weight - log_weight.max())
    mean = np.average(points, axis=0, weights=weight)
    return mean, np.sqrt(np.average(np.square(points - mean), axis=0, weights=weight))


def test_constraints_are_taken_back_to_the_natural_scale(cohort: Cohort) -> None:
    """Every parameter has its column, in the order of the names; positive ones are positive."""
    model = compose(hazard="m-spline", links=["log-growth"])
    stage, _, draws = drawn(model, cohort, 1)
    links = links_of(draws, jnp.asarray(0), stage.design, model=model, dims=stage.dims)
    found = stage.posterior(links, stage.start(), draws=512, seed=1)
    sites = [site for site in list_sites(model, stage.dims) if site.name.startswith("death.")]
    assert found.draws.shape == (512, sum(site.free_size for site in sites))
    smoothing = [index for index, name in enumerate(stage.names) if "smooth" in name.name or name.site.endswith("sd")]
    assert smoothing
    assert (found.draws[:, smoothing] > 0).all()
