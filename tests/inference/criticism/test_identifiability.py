"""What the data leave open: found where it was put, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from metachron.inference import Fit, fit
from metachron.inference.criticism import find_unidentified
from metachron.inference.criticism.identifiability import CORRELATION_LIMIT, compare_with_prior
from metachron.joint import JointModel, VisitPlan, compose
from metachron.joint.demo_trial import TRUTH, demo_model, two_arm_trial
from metachron.joint.trial_tables import patients_in_arms

DRAWS = 4000


@pytest.fixture(scope="module")
def demo() -> Fit:
    """The demonstration's model on its trial."""
    return fit(demo_model(), two_arm_trial(), engine="marginal", chains=2, warmup=100, draws=250, seed=1, check=False)


@pytest.mark.parametrize(
    ("mean", "sd", "contraction", "overlap"),
    [
        (0.0, 1.0, 0.0, 1.0),
        (0.0, 0.5, 0.75, None),
        (0.5, 1.0, 0.0, 2 * norm.cdf(-0.25)),
        (1.0, 1.0, 0.0, 2 * norm.cdf(-0.5)),
        (2.0, 0.1, 0.99, 0.05),
    ],
)
@pytest.mark.parametrize("curve", [lambda x: x, np.exp, lambda x: -(x**3)])
def test_contraction_and_overlap_of_normal_distributions(
    mean: float, sd: float, contraction: float, overlap: float | None, curve: np.ufunc
) -> None:
    """1 - sd^2, and 2 Phi(-shift / 2) for equal sds, on any monotone scale.

    Monte Carlo: 5 sqrt(2 / 4000) = 0.11 relative in a variance, for the posterior and the prior each; tenths of the
    prior hide 0.03 of a difference in overlap.
    """
    rng = np.random.default_rng(1)
    found = compare_with_prior(curve(rng.normal(mean, sd, DRAWS)), curve(rng.normal(size=DRAWS)))
    assert found[0] == pytest.approx(contraction, abs=0.16 * sd**2 + 0.01)
    if overlap is not None:
        assert found[1] == pytest.approx(overlap, abs=0.06)


def test_the_demonstration_is_identified(demo: Fit) -> None:
    assert find_unidentified(demo) == []


def test_a_parameter_the_data_say_nothing_of_is_found() -> None:
    """One scan before treatment and one at day 0: nothing is seen of shrinkage, nor of its spread."""
    model = JointModel(demo_model().dynamics, None)
    plan = VisitPlan(visit_day=(-60.0, -30.0, 0.0), cutoff_day=300.0)
    truth = {name: value for name, value in TRUTH.items() if not name.startswith("death")}
    cohort = model.simulate(truth, patients_in_arms({"chemotherapy": 20, "immunotherapy": 20}), plan, seed=3)
    found = find_unidentified(fit(model, cohort, engine="nuts", chains=2, warmup=200, draws=300, check=False))
    repeats = {name for one in found if one.kind == "prior" for name in one.parameters}
    arms = ("chemotherapy", "immunotherapy")
    assert repeats >= {f"log_shrinkage_per_year.mean[{arm}]" for arm in arms}
    assert not any(name.startswith(("log_baseline_mm", "residual")) for name in repeats)
    first = next(one for one in found if one.kind == "prior")
    assert first.numbers["contraction"] < 0.2 < 0.8 < first.numbers["overlap"]
    assert "not as a result" in first.remedy
    assert str(first) == f"{first.sentence}: {first.remedy}"


def altered(demo: Fit, **values: np.ndarray) -> Fit:
    known = {name.replace(".", "_"): name for name in map(str, demo.posterior.data_vars)}
    changed = {known[name]: (demo.posterior[known[name]].dims, value) for name, value in values.items()}
    return replace(demo, posterior=demo.posterior.assign({k: xr.Variable(*v) for k, v in changed.items()}))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_parameters_that_move_together_are_found(demo: Fit, sign: float) -> None:
    one = demo.posterior["death.log_scale_year"].to_numpy()
    noise = np.random.default_rng(2).normal(size=one.shape)
    for share, caught in ((0.1, True), (1.0, False)):
        other = sign * np.exp(one) + share * one.std() * np.exp(one.mean()) * noise
        found = find_unidentified(altered(demo, death_log_shape=other))
        assert [f.kind for f in found if "death.log_shape" in f.parameters] == (["correlation"] if caught else [])
    found = find_unidentified(altered(demo, death_log_shape=sign * np.exp(one)))
    (pair,) = (f for f in found if f.kind == "correlation")
    assert pair.parameters == ("death.log_scale_year", "death.log_shape")
    assert sign * pair.numbers["correlation"] > CORRELATION_LIMIT


def test_a_standard_deviation_at_0_is_found(demo: Fit) -> None:
    shape = demo.posterior["log_shrinkage_per_year.sd"].shape
    rng = np.random.default_rng(3)
    found = find_unidentified(altered(demo, log_shrinkage_per_year_sd=0.1 * np.abs(rng.normal(size=shape))))
    (bound,) = (f for f in found if f.kind == "bound")
    assert bound.parameters == ("log_shrinkage_per_year.sd",)
    assert "bound 0" in bound.sentence
    assert "random = false" in bound.remedy
    away = find_unidentified(altered(demo, log_shrinkage_per_year_sd=0.1 + 0.02 * rng.normal(size=shape)))
    assert not [f for f in away if f.kind == "bound"]


@pytest.mark.parametrize(("centre", "side"), [(0.985, "1"), (-0.985, "-1"), (0.8, None)])
def test_a_correlation_at_its_bound_is_found(demo: Fit, centre: float, side: str | None) -> None:
    """Draws of one correlation of patient effects about the centre, the others about 0."""
    text = demo_model().to_toml().replace('covariance = "independent"', 'covariance = "full"')
    model = JointModel.from_toml(text)
    assert model.dynamics.covariance == "full"
    rng = np.random.default_rng(4)
    chains, draws = demo.sample_stats["lp"].shape
    matrix = np.broadcast_to(np.eye(3), (chains, draws, 3, 3)).copy()
    spread = 0.3 * (1 - abs(centre))
    matrix[..., 0, 1] = matrix[..., 1, 0] = centre + spread * rng.uniform(-1, 1, size=(chains, draws))
    for first, second in ((0, 2), (1, 2)):
        matrix[..., first, second] = matrix[..., second, first] = 0.1 * rng.normal(size=(chains, draws))
    names = [p.label for p in model.dynamics.random]
    axes = {"effect": names, "other_effect": names}
    added = xr.DataArray(matrix, dims=("chain", "draw", *axes), coords=axes)
    found = find_unidentified(
        replace(demo, model=model, posterior=demo.posterior.assign({"effects.correlation": added}))
    )
    bounds = [f for f in found if f.kind == "bound"]
    assert len(bounds) == (side is not None)
    if side is not None:
        assert f"bound {side} " in bounds[0].sentence
        assert bounds[0].parameters == (f"effects.correlation[{names[0]},{names[1]}]",)


def test_a_fit_of_survival_and_a_finding_for_json(survival_fit: Fit) -> None:
    assert find_unidentified(survival_fit) == []
    prior = np.random.default_rng(5).normal(size=(1, DRAWS))
    stated = compose(dynamics=None, hazard="exponential").hazard.hazard.parameters[0].prior
    assert stated.family == "normal"
    shape = ("chain", "draw")
    posterior = xr.Dataset({"death.log_scale_year": (shape, stated.args[0] + stated.args[1] * prior)})
    stats = xr.Dataset({"lp": (shape, np.zeros((1, DRAWS)))})
    (finding,) = find_unidentified(replace(survival_fit, posterior=posterior, sample_stats=stats))
    document = finding.as_dict()
    assert document["kind"] == "prior"
    assert document["parameters"] == ["death.log_scale_year"]
    assert math.isclose(document["overlap"], finding.numbers["overlap"])
