"""Draws of a posterior by either engine, and by two that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array
from scipy.stats import multivariate_t

from metachron.inference.chains import sample_chains
from metachron.inference.marginal import nodes
from metachron.inference.marginal.blocks import LANES
from metachron.inference.marginal.engine import MarginalDraws, sample_marginal
from metachron.inference.marginal.prepare import prepare
from metachron.inference.pareto import pareto_smooth
from metachron.inference.posterior import name_draws
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.inference.target import joint_target
from metachron.joint import Binding, JointModel
from metachron.joint.vector import unpack_population
from statistical.laplace import laplace_by_patient


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws with names, and the verdict where it called the integrals too poor to use; else it is empty."""

    posterior: xr.Dataset
    refused: str = ""


TAUGHT, WIDER = (300, 300, 700), 1.5
"""Draws of each proposal, and the first one's variance over that of the engine's maximum."""
Sampler = Callable[[JointModel, Binding, NutsSettings], Drawn]


def by_nuts(model: JointModel, binding: Binding, settings: NutsSettings) -> Drawn:
    """Return draws of the joint engine."""
    return Drawn(name_draws(model, binding, sample_chains(joint_target(model, binding), settings))[0])


def by_marginal(model: JointModel, binding: Binding, settings: NutsSettings) -> Drawn:
    """Return draws of the marginal engine; where its verdict is to use NUTS, those of NUTS, as ``auto`` does."""
    found = sample_marginal(model, binding, settings)
    if found.verdict.word == "use NUTS":
        return replace(by_nuts(model, binding, settings), refused=found.verdict.sentence)
    return Drawn(_named(model, binding, found))


def by_wrong_weights(model: JointModel, binding: Binding, settings: NutsSettings) -> Drawn:
    """Return draws of the marginal engine with the density of the proposal forgotten in the weight of a node.

    Its verdict is not asked: two sets of such nodes agree with one another, and only calibration knows.
    """
    with placed_wrongly(without_proposal_density):
        found = sample_marginal(model, binding, settings)
    return Drawn(_named(model, binding, found))


def by_laplace(model: JointModel, binding: Binding, settings: NutsSettings) -> Drawn:
    """Return draws of the posterior with Laplace's approximation in the place of each patient's integral.

    From the maximum of the marginal engine on, each multivariate t is laid about the weighted draws of the one before
    (population Monte Carlo); the last one's are drawn anew by weight. The engine's own draws are too far off to weigh.
    """
    assert model.dynamics is not None
    optimum = prepare(model, binding)
    mean, covariance = optimum.optimum.vector, WIDER * optimum.covariance
    rng = np.random.default_rng(settings.seed)
    for count in TAUGHT:
        proposal = multivariate_t(mean, covariance, df=8)
        vectors = proposal.rvs(count, random_state=rng)
        lp = log_density_by_laplace(model, binding, vectors)
        _, weight = pareto_smooth(lp - proposal.logpdf(vectors))
        mean = weight @ vectors
        covariance = 1.1 * (weight * (vectors - mean).T) @ (vectors - mean)
    vectors = vectors[rng.choice(len(weight), (settings.chains, settings.draws), p=weight)]
    unknown = np.full((*vectors.shape[:2], len(binding.labels.patients), len(model.dynamics.random)), np.nan)
    none = np.zeros(vectors.shape[:2])
    statistics = Statistics(none, none, none.astype(bool), none, none, none, none)
    return Drawn(name_draws(model, binding, Sampled(vectors, statistics, 0, interrupted=False), unknown)[0])


def log_density_by_laplace(model: JointModel, binding: Binding, vectors: np.ndarray) -> np.ndarray:
    """Return the log posterior density at population vectors (draw, free), each integral by Laplace."""
    at = jnp.asarray(vectors)
    prior = jax.vmap(lambda vector: unpack_population(vector, model, binding.dims)[1])(at)
    by_patient = laplace_by_patient(at, binding.design, model=model, dims=binding.dims)
    return np.asarray(by_patient @ binding.design.patient_weight + prior)


def laplace_error(model: JointModel, binding: Binding, found: MarginalDraws) -> np.ndarray:
    """Return at each draw the log likelihood by Laplace minus that of the marginal engine, chain after chain."""
    vectors = found.sampled.positions.reshape(-1, found.sampled.positions.shape[-1])
    return log_density_by_laplace(model, binding, vectors) - np.ravel(found.sampled.statistics.lp)


Place = Callable[[Any, Array, Array, Array, Array, Array], tuple[Array, Array]]
"""From proposals, points, shifts, and each row's patient, number and share, to nodes and log shares."""


@contextmanager
def placed_wrongly(change: Callable[[Place], Place]) -> Iterator[None]:
    """Let the marginal engine place its nodes otherwise, wherever it does so."""
    with mock.patch.object(nodes, "_place", change(nodes._place)):
        yield


def without_proposal_density(place: Place) -> Place:
    """Return a rule that forgets the density which a node was drawn from: each weighs one over their number."""

    def forgetful(mixture: Any, points: Array, shift: Array, patient: Array, part: Array, share: Array) -> Any:
        placed, log_share = place(mixture, points, shift, patient, part, share)
        return placed, jnp.broadcast_to(jnp.log(jnp.asarray(share) / LANES)[..., None], log_share.shape)

    return forgetful


def four_nodes(place: Place) -> Place:
    """Return a rule that gives each patient four nodes, however many places there are, rightly weighted."""

    def thrifty(mixture: Any, points: Array, shift: Array, patient: Array, part: Array, share: Array) -> Any:
        four = jnp.broadcast_to(points[:1][..., jnp.arange(LANES) % 4], points.shape)
        return place(mixture, four, shift, patient, part, share)

    return thrifty


def _named(model: JointModel, binding: Binding, found: MarginalDraws) -> xr.Dataset:
    return name_draws(model, binding, found.sampled, found.effects)[0]
