"""The proposal that a pilot run teaches: its density, its cusps, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.line_trial import line_trial
from metachron.inference.marginal import independent as module
from metachron.inference.marginal.engine import MarginalDraws, sample_marginal
from metachron.inference.marginal.independent import CUSP_WIDTH, Proposal, learn, pilot_settings
from metachron.inference.pareto import effective_share, pareto_smooth
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings

RNG = np.random.default_rng(3)
COVARIANCE = np.array([[1.0, 0.5], [0.5, 0.8]])
MEAN = np.array([0.3, -0.2])
SETTINGS = NutsSettings(chains=2, warmup=150, draws=700, seed=4)


def pilot_of(white: np.ndarray, divergent: int = 0) -> Sampled:
    shape = white.shape[:2]
    zero = np.zeros(shape)
    diverging = np.zeros(shape, dtype=bool)
    diverging.ravel()[:divergent] = True
    return Sampled(white, Statistics(zero, zero, diverging, zero, zero, zero, zero), 0, interrupted=False)


def normal_pilot() -> np.ndarray:
    return RNG.multivariate_normal(MEAN, COVARIANCE, size=(2, 2000))


def test_density_is_one_in_all_with_a_cusp_too() -> None:
    proposal = learn(pilot_of(normal_pilot()), [(np.array([0.6, 0.8]), 1.0)])
    assert proposal is not None
    axis = np.arange(-30.0, 30.0, 0.05)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.sum(np.exp(proposal.log_density(grid))) * 0.05**2 == pytest.approx(1.0, abs=2e-3)


def test_weighed_draws_have_the_moments_of_the_target() -> None:
    proposal = learn(pilot_of(normal_pilot()), [])
    assert proposal is not None
    white, log_density = proposal.draw(20_000, seed=1)
    gap = white - MEAN
    k, weight = pareto_smooth(-0.5 * np.sum(gap * (gap @ np.linalg.inv(COVARIANCE)), axis=1) - log_density)
    assert k < 0.5
    assert effective_share(weight) > 0.9
    assert weight @ white == pytest.approx(MEAN, abs=0.03)
    assert (weight * gap.T) @ gap == pytest.approx(COVARIANCE, abs=0.05)


def test_cusp_has_a_narrow_component_where_the_coefficient_is_0() -> None:
    direction, place = np.array([0.6, 0.8]), 1.0
    proposal = learn(pilot_of(normal_pilot()), [(direction, place)])
    assert proposal is not None
    assert direction @ proposal.mean[1] == pytest.approx(place)
    across = [float(direction @ shape @ direction) for shape in proposal.shape]
    assert across[1] == pytest.approx(CUSP_WIDTH**2 * across[0])
    assert (np.linalg.eigvalsh(proposal.shape) > 0).all()


def test_chains_that_stand_apart_or_diverge_teach_nothing() -> None:
    apart = normal_pilot() + np.array([0.0, 4.0])[:, None, None]
    assert learn(pilot_of(apart), []) is None
    assert learn(pilot_of(normal_pilot(), divergent=100), []) is None


@pytest.mark.parametrize(
    ("chains", "draws", "pilot"), [(4, 1000, 150), (2, 599, None), (1, 1200, 600), (8, 200, 100), (8, 199, None)]
)
def test_short_runs_are_nuts_throughout(chains: int, draws: int, pilot: int | None) -> None:
    found = pilot_settings(NutsSettings(chains=chains, draws=draws))
    assert (found.draws if found else None) == pilot


@pytest.fixture(scope="module")
def independent() -> MarginalDraws:
    model, cohort = line_trial()
    return sample_marginal(model, model.bind(cohort), SETTINGS)


def test_draws_are_independent_by_default(independent: MarginalDraws) -> None:
    assert independent.sampled.statistics.n_steps.sum() == 0
    assert independent.verdict.word != "use NUTS"


@pytest.mark.parametrize("noticed", ["in a trial", "when all are weighed"])
def test_poor_proposal_gives_way_to_nuts(
    noticed: str, independent: MarginalDraws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proposal stands six standard deviations off; draws of NUTS come in its place, and agree with good ones."""
    model, cohort = line_trial()
    learn_well = module.learn

    def learn_badly(*arguments: Any) -> Proposal | None:
        found = learn_well(*arguments)
        return replace(found, mean=found.mean + 6.0) if found else None

    monkeypatch.setattr(module, "learn", learn_badly)
    if noticed == "when all are weighed":
        monkeypatch.setattr(module, "LEAST_SHARE", 0.0)
        monkeypatch.setattr(module, "LARGEST_K", np.inf)
    said: list[str] = []
    found = sample_marginal(model, model.bind(cohort), SETTINGS, tell=said.append)
    assert any("NUTS goes on" in sentence for sentence in said)
    assert found.sampled.statistics.n_steps.sum() > 0
    assert found.verdict.word != "use NUTS"
    both = [draws.sampled.positions.reshape(-1, draws.sampled.positions.shape[-1]) for draws in (found, independent)]
    spread = both[0].std(axis=0)
    assert np.abs(both[0].mean(axis=0) - both[1].mean(axis=0)) / spread == pytest.approx(0.0, abs=0.2)
    assert both[1].std(axis=0) / spread == pytest.approx(1.0, abs=0.15)
