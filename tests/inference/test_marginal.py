"""The marginal engine: integrals against closed forms and grids, the verdict, and draws against the joint engine."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm

from inference.line_trial import LINE, line_trial
from inference.marginal_grids import grid_log_likelihood, linear_gaussian_log_likelihood
from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.inference import estimate, fit
from metachron.inference.marginal.adapt import needed_rows
from metachron.inference.marginal.blocks import LANES
from metachron.inference.marginal.correction import evaluate_draws
from metachron.inference.marginal.density import value_and_gradient
from metachron.inference.marginal.mixture import population_mixture
from metachron.inference.marginal.nodes import log_weights, place_nodes, population_normal, uniform_blocks
from metachron.inference.marginal.prepare import Prepared, prepare
from metachron.inference.marginal.suitable import why_not
from metachron.inference.marginal.table import NodeModel, make_table
from metachron.inference.marginal.verdict import judge
from metachron.inference.pareto import pareto_smooth
from metachron.joint import JointModel, Values, compose
from metachron.joint.demo_trial import demo_model, two_arm_trial
from metachron.joint.vector import median_values, unpack_population


@pytest.fixture(scope="module")
def line() -> tuple[JointModel, Cohort]:
    return line_trial()


@pytest.fixture(scope="module")
def joint() -> tuple[JointModel, Cohort]:
    return demo_model(), two_arm_trial(patients_per_arm=20)


def log_likelihood(prepared: Prepared, vector: np.ndarray, *, times: int = 4, seed: int = 9) -> float:
    table = prepared.table(times=times, seed=seed)
    return float(value_and_gradient(jnp.asarray(vector), table, view=prepared.view, with_prior=False)[0])


def test_linear_gaussian_integral_is_the_closed_form(line: tuple[JointModel, Cohort]) -> None:
    """Sizes on a straight line with normal effects are jointly normal; 30 patients, error of quasi-random nodes."""
    model, cohort = line
    binding = model.bind(cohort)
    prepared = prepare(model, binding)
    for vector in prepared.vectors:
        theta, _ = unpack_population(jnp.asarray(vector), model, binding.dims)
        exact = linear_gaussian_log_likelihood(binding, theta)
        assert log_likelihood(prepared, vector) == pytest.approx(exact, abs=0.03)


def test_joint_integral_agrees_with_a_grid(joint: tuple[JointModel, Cohort]) -> None:
    """Stein-Fojo, Weibull and a link, three effects: against a trapezoid rule over standardised effects."""
    model, cohort = joint
    binding = model.bind(cohort)
    prepared = prepare(model, binding)
    exact = grid_log_likelihood(model, binding, prepared.optimum.vector)
    assert log_likelihood(prepared, prepared.optimum.vector) == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("links", [[], ["log-growth"], ["slope"], ["shared-effects", "current-value"]])
def test_every_node_has_the_density_of_the_joint_model(joint: tuple[JointModel, Cohort], links: list[str]) -> None:
    """Node by node: the kernel of blocks against the likelihood by patient, with the normal density of the effects."""
    model, cohort = joint
    model = model.replace(links=links)
    binding = model.bind(cohort)
    view = NodeModel.of(model, binding.dims)
    theta = dict(median_values(model, binding.dims).theta)
    theta |= {name: value + 0.1 for name, value in theta.items() if ".link[" in name}
    stacked = {name: jnp.asarray(value)[None] for name, value in theta.items()}
    mean, factor = population_normal(stacked, binding.design, view=view)
    blocks = uniform_blocks(binding, 1)
    placed = place_nodes(view, binding, blocks, population_mixture(mean, factor), seed=1)
    table = make_table(*placed, blocks, view=view)
    found = np.asarray(log_weights(stacked, table, view=view))[0] - np.asarray(placed.log_share)

    count, effects = mean.shape
    for block, row in np.argwhere(np.asarray(blocks.weight) > 0)[::3]:
        patient = int(blocks.patient[block, row])
        for lane in range(0, LANES, 16):
            node = placed.nodes[block, :, row, lane]
            standard = jnp.linalg.solve(factor[patient], node - mean[patient])
            values = Values(theta, jnp.zeros((count, effects)).at[patient].set(standard), jnp.zeros((0, 0)))
            data = model.log_likelihood_by_patient(values, binding.design, binding.dims)[patient]
            density = jnp.sum(norm.logpdf(standard)) - jnp.linalg.slogdet(factor[patient])[1]
            assert found[block, row, lane] == pytest.approx(float(data + density), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("link", ["log-growth", "slope"])
def test_gradient_is_the_derivative(joint: tuple[JointModel, Cohort], link: str) -> None:
    model, cohort = joint
    model = model.replace(links=[link])
    prepared = prepare(model, model.bind(cohort))
    table = prepared.table(seed=2)
    rng = np.random.default_rng(1)
    vector = prepared.vectors[1]
    direction = rng.normal(size=len(vector)) / np.sqrt(np.diag(np.linalg.inv(prepared.covariance)))

    def value(at: np.ndarray) -> tuple[float, np.ndarray]:
        found = value_and_gradient(jnp.asarray(at), table, view=prepared.view, with_prior=True)
        return float(found[0]), np.asarray(found[1])

    step = 1e-5
    slope = (value(vector + step * direction)[0] - value(vector - step * direction)[0]) / (2 * step)
    assert value(vector)[1] @ direction == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_needs_that_cannot_be_measured_are_still_numbers(joint: tuple[JointModel, Cohort]) -> None:
    """At a vector where every node's density is 0, or overflows against the first one's, patients get all the nodes."""
    model, cohort = joint
    binding = model.bind(cohort)
    prepared = prepare(model, binding)
    far = prepared.optimum.vector + 1e4
    vectors = np.stack([prepared.optimum.vector, far])
    rows = needed_rows(prepared.view, binding, prepared.mixture, vectors, mean_rows=4, seed=1)
    assert len(rows) == 40
    assert rows.min() >= 1
    assert rows.sum() <= 4 * 40


@pytest.mark.slow
def test_fixed_and_combined_models_need_no_shortcut(joint: tuple[JointModel, Cohort]) -> None:
    """A parameter without patient effect, or a scatter that cannot be summarised, is evaluated row by row. 1 minute."""
    model, cohort = joint
    combined = model.replace(observation="combined")
    part = model.dynamics
    assert part is not None
    fixed = replace(part, parameters=tuple(replace(p, random=p.name != "shrinkage_per_year") for p in part.parameters))
    for other in (combined, model.replace(dynamics=fixed)):
        binding = other.bind(cohort)
        prepared = prepare(other, binding)
        assert not prepared.view.summarised
        exact = grid_log_likelihood(other, binding, prepared.optimum.vector)
        assert log_likelihood(prepared, prepared.optimum.vector) == pytest.approx(exact, abs=0.1)


def test_estimate_is_a_maximum(line: tuple[JointModel, Cohort]) -> None:
    model, cohort = line
    found = estimate(model, cohort)
    truth = {**LINE, "residual.additive": 0.15}
    table = {row["parameter"].split("[")[0]: row for row in found.table.iter_rows(named=True)}
    for name, value in truth.items():
        assert abs(table[name]["estimate"] - value) < 4 * table[name]["se"]
    binding = model.bind(cohort)
    values = {name: jnp.asarray(row["estimate"]) for name, row in table.items()}

    def exact(theta: dict[str, jax.Array]) -> float:
        shaped = {k: jnp.atleast_1d(v) if k.endswith(".mean") and v.ndim == 0 else v for k, v in theta.items()}
        return linear_gaussian_log_likelihood(binding, shaped)

    best = exact(values)
    assert found.log_likelihood == pytest.approx(best, abs=0.05)
    for name, row in table.items():
        for side in (-0.5, 0.5):
            assert exact({**values, name: values[name] + side * row["se"]}) < best


def test_unknown_estimate_is_refused(line: tuple[JointModel, Cohort]) -> None:
    with pytest.raises(ModelError, match="mle"):
        estimate(*line, "mle")


def test_draws_agree_with_the_joint_engine(joint: tuple[JointModel, Cohort]) -> None:
    """Means within 5 Monte Carlo standard errors, sds within 25 %; patient effects alike."""
    model, cohort = joint
    settings = {"chains": 2, "seed": 3}
    marginal = fit(model, cohort, engine="marginal", draws=1000, **settings)
    nuts = fit(model, cohort, engine="nuts", warmup=700, draws=1000, **settings)
    assert marginal.provenance["integrals"]["word"] in {"good", "usable"}
    one, other = marginal.summary(), nuts.summary()
    assert one["ess_bulk"].min() > 200
    error = np.sqrt(one["mcse_mean"].to_numpy() ** 2 + other["mcse_mean"].to_numpy() ** 2)
    assert (np.abs(one["mean"].to_numpy() - other["mean"].to_numpy()) < 5 * error).all()
    np.testing.assert_allclose(one["sd"], other["sd"], rtol=0.25)
    for name in ("log_growth_per_year.effect", "log_baseline_mm.effect"):
        first, second = (f.posterior[name].to_numpy().reshape(-1, 40) for f in (marginal, nuts))
        assert np.abs(first.mean(0) - second.mean(0)).max() < 0.35 * second.std(0).max()
        np.testing.assert_allclose(first.std(0).mean(), second.std(0).mean(), rtol=0.1)


def test_poor_integrals_are_called_poor() -> None:
    """Weights with a heavy tail, an error of more than half a unit, a patient on few nodes: never 'good'."""
    rng = np.random.default_rng(2)
    even = {f"p{number}": np.full(256, 1 / 256) for number in (1, 2, 3, 4)}
    rows = np.full(4, 4)
    small = rng.normal(0, 0.05, 2000)
    assert judge(small, small[:100], small[:16], even, rows, LANES).word == "good"
    heavy = np.log(rng.pareto(1.0, 2000) + 1e-3)
    assert judge(heavy, small[:100], small[:16], even, rows, LANES).word == "use NUTS"
    assert judge(small, rng.normal(0, 2.0, 100), small[:16], even, rows, LANES).word == "use NUTS"
    assert judge(small, small[:100], np.linspace(-2.0, 2.0, 16), even, rows, LANES).word == "use NUTS"
    alone = np.zeros(256)
    alone[:3] = 1 / 3
    found = judge(small, small[:100], small[:16], {**even, "p4": alone}, rows, LANES)
    assert found.word == "usable"
    assert "p4" in found.sentence


def test_pareto_k_is_that_of_the_tail() -> None:
    """Weights drawn from a Pareto distribution with k 0.9 and 0.2, and even ones."""
    rng = np.random.default_rng(1)
    for shape in (0.9, 0.2):
        k, weight = pareto_smooth(np.log(rng.pareto(1 / shape, 20_000) + 1.0))
        assert k == pytest.approx(shape, abs=0.15)
        assert weight.sum() == pytest.approx(1.0)
    assert pareto_smooth(np.zeros(100))[0] == -np.inf


def test_auto_falls_back_to_nuts_and_says_so(joint: tuple[JointModel, Cohort], monkeypatch: pytest.MonkeyPatch) -> None:
    from metachron.inference.marginal import verdict

    monkeypatch.setattr(verdict, "ERROR_LIMIT", 0.0)
    model, cohort = joint
    said: list[str] = []
    result = fit(model, cohort, chains=2, warmup=50, draws=50, check=False, tell=said.append)
    assert result.provenance["engine"] == "nuts"
    assert "marginal engine was tried first" in result.provenance["engine_reason"]
    assert any("going on with NUTS" in sentence for sentence in said)
    with pytest.raises(ConvergenceError, match="use NUTS"):
        fit(model, cohort, engine="marginal", chains=2, warmup=50, draws=50)


def test_auto_falls_back_when_draws_have_not_converged(
    joint: tuple[JointModel, Cohort], monkeypatch: pytest.MonkeyPatch
) -> None:
    from metachron.inference import diagnostics

    monkeypatch.setattr(diagnostics, "ESS_LIMIT", 1e9)
    said: list[str] = []
    result = fit(*joint, chains=2, warmup=50, draws=50, check=False, tell=said.append)
    assert result.provenance["engine"] == "nuts"
    assert any("not converged" in sentence and "going on with NUTS" in sentence for sentence in said)


def test_models_without_an_integral_are_refused_and_auto_samples_them() -> None:
    cohort = two_arm_trial(patients_per_arm=10)
    survival = compose(dynamics=None, hazard="weibull")
    assert why_not(survival) is not None
    with pytest.raises(ModelError, match="no patient effects"):
        fit(survival, cohort, engine="marginal")
    result = fit(survival, cohort, chains=2, warmup=100, draws=100, check=False)
    assert result.provenance["engine"] == "nuts"


def test_single_precision_changes_no_weight(joint: tuple[JointModel, Cohort]) -> None:
    """Nodes in single precision: the log likelihood of 200 draws, over three posterior sds, moves by less than 0.002.

    The verdict speaks of errors from 0.25 on; weights that differ by 0.2 % are the same weights.
    """
    model, cohort = joint
    prepared = prepare(model, model.bind(cohort))
    white = np.random.default_rng(1).normal(size=(200, len(prepared.optimum.vector))) * 1.5
    vectors = prepared.optimum.vector + white @ np.linalg.cholesky(prepared.covariance).T
    double, single = (
        evaluate_draws(vectors, prepared.slabs(seed=3, single=single), view=prepared.view, patients=40, seed=1)
        for single in (False, True)
    )
    assert np.abs(double.log_likelihood - single.log_likelihood).max() < 0.002
