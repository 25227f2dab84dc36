"""Proposals for patient effects: a mixture of normal distributions per patient, improved by importance sampling.

The update is that of population Monte Carlo (Cappé 2008, doi:10.1007/s11222-008-9059-x): each component moves to the
weighted mean and covariance of the nodes it is responsible for. It needs no derivatives, and several components follow
skewed and two-peaked conditionals. Component 0 is the population's own distribution, widened, and is never updated:
with it no importance weight can grow without bound.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp, ndtri
from jaxtyping import Array, Float

from metachron.inference.marginal.lesion_proposals import LesionProposals

_LOG_SQRT_2PI = 0.9189385332046727
POPULATION_SHARE = 0.1
"""Share of the nodes that come from the population's distribution."""
POPULATION_WIDTH = 1.2
COMPONENT_WIDTH = 1.15
"""Standard deviations of proposal components over those of the conditional they follow."""
LEAST_SHARE = 0.02
SPREAD_FLOOR = 1e-3
"""Least standard deviation of a component, in population standard deviations."""


class Mixture(NamedTuple):
    """Weights, means and Cholesky factors of the components, per patient; values on the transform scale.

    ``lesions`` are the proposals of single lesions, given their patients.
    """

    weight: Float[Array, "patient component"]
    mean: Float[Array, "patient component effect"]
    factor: Float[Array, "patient component effect effect"]
    lesions: LesionProposals | None = None


@jax.jit
def population_mixture(mean: Float[Array, "patient effect"], factor: Float[Array, "patient effect effect"]) -> Mixture:
    """Return the proposal before anything is known: the population's distribution, twice."""
    wide = POPULATION_WIDTH * factor
    weight = jnp.tile(jnp.asarray([POPULATION_SHARE, 1.0 - POPULATION_SHARE]), (len(mean), 1))
    return Mixture(weight, jnp.stack([mean, mean], axis=1), jnp.stack([wide, wide], axis=1))


@jax.jit
def renew_population(
    mixture: Mixture, mean: Float[Array, "patient effect"], factor: Float[Array, "patient effect effect"]
) -> Mixture:
    """Return the proposal with its component 0 at another population distribution."""
    return mixture._replace(
        mean=mixture.mean.at[:, 0].set(mean), factor=mixture.factor.at[:, 0].set(POPULATION_WIDTH * factor)
    )


@jax.jit
def conditional_mean(mixture: Mixture) -> Float[Array, "patient effect"]:
    """Return the mean of a proposal without its component 0, the population's distribution."""
    return jnp.sum(mixture.weight[:, 1:, None] * mixture.mean[:, 1:], axis=1) / (1.0 - POPULATION_SHARE)


@jax.jit
def split(mixture: Mixture) -> Mixture:
    """Return a proposal with three components for each but the first: itself, and moved along its longest axis."""
    covariance = mixture.factor[:, 1:] @ jnp.swapaxes(mixture.factor[:, 1:], -1, -2)
    variance, axes = jnp.linalg.eigh(covariance)
    longest = axes[..., -1] * jnp.sqrt(variance[..., -1:])
    means = [mixture.mean[:, 1:] + move * longest for move in (0.0, -1.0, 1.0)]
    shares = [share * mixture.weight[:, 1:] for share in (0.4, 0.3, 0.3)]
    return Mixture(
        jnp.concatenate([mixture.weight[:, :1], *shares], axis=1),
        jnp.concatenate([mixture.mean[:, :1], *means], axis=1),
        jnp.concatenate([mixture.factor[:, :1], *([0.8 * mixture.factor[:, 1:]] * 3)], axis=1),
        mixture.lesions,
    )


def draw(mixture: Mixture, patient: Array, uniform: Float[Array, "row coordinate lane"]) -> Float[Array, "..."]:
    """Return nodes of shape (effect, row, lane), by the patient of each row, from points of the unit cube."""
    edges = jnp.cumsum(mixture.weight, axis=1)[patient][:, :-1]
    chosen = jnp.sum(uniform[:, None, 0] > edges[..., None], axis=1)
    normal = ndtri(uniform[:, 1:])
    mean = jnp.take_along_axis(jnp.swapaxes(mixture.mean[patient], 1, 2), chosen[:, None], axis=2)
    factor = jnp.moveaxis(mixture.factor[patient], 1, -1)
    factor = jnp.take_along_axis(factor, chosen[:, None, None], axis=3)
    return jnp.moveaxis(mean + jnp.sum(factor * normal[:, None], axis=2), 1, 0)


def component_log_density(
    mixture: Mixture, patient: Array, nodes: Float[Array, "effect row lane"]
) -> Float[Array, "component row lane"]:
    """Return the log of weight times density of each component at the nodes."""
    terms = []
    for c in range(mixture.weight.shape[1]):
        mean, factor = mixture.mean[patient, c], mixture.factor[patient, c]
        scaled: list[Array] = []
        log_density = jnp.log(mixture.weight[patient, c])[:, None] - nodes.shape[0] * _LOG_SQRT_2PI
        for a in range(nodes.shape[0]):
            value = nodes[a] - mean[:, a, None]
            for b in range(a):
                value = value - factor[:, a, b, None] * scaled[b]
            scaled.append(value / factor[:, a, a, None])
            log_density = log_density - 0.5 * jnp.square(scaled[a]) - jnp.log(factor[:, a, a])[:, None]
        terms.append(log_density)
    return jnp.stack(terms)


def log_density(mixture: Mixture, patient: Array, nodes: Float[Array, "effect row lane"]) -> Float[Array, "row lane"]:
    """Return the log density of the proposal at the nodes."""
    return logsumexp(component_log_density(mixture, patient, nodes), axis=0)


def improve(
    mixture: Mixture,
    patient: Array,
    nodes: Float[Array, "effect row lane"],
    weight: Float[Array, "row lane"],
    scale: Float[Array, "patient effect"],
) -> Mixture:
    """Return the proposal after one update.

    Parameters
    ----------
    weight : normalised importance weights, summing to 1 over the nodes of a patient; 0 for padding.
    scale : population standard deviations, for the least spread of a component.
    """
    terms = component_log_density(mixture, patient, nodes)
    share = jnp.exp(terms - logsumexp(terms, axis=0)) * weight

    def total(value: Array) -> Array:
        return jax.ops.segment_sum(jnp.sum(value, axis=-1), patient, num_segments=len(mixture.weight))

    mass = jnp.stack([total(share[c]) for c in range(1, share.shape[0])], axis=1)
    safe = jnp.maximum(mass, 1e-12)
    moments = [
        jnp.stack([total(share[c] * nodes[a]) for a in range(nodes.shape[0])], axis=1) / safe[:, c - 1, None]
        for c in range(1, share.shape[0])
    ]
    covariances = []
    for c, mean in enumerate(moments, start=1):
        centred = nodes - jnp.moveaxis(mean[patient], 1, 0)[..., None]
        rows = [
            jnp.stack([total(share[c] * centred[a] * centred[b]) for b in range(len(nodes))], axis=1)
            for a in range(len(nodes))
        ]
        covariances.append(jnp.stack(rows, axis=1) / safe[:, c - 1, None, None])
    floor = jnp.eye(len(nodes)) * jnp.square(SPREAD_FLOOR * scale)[:, None, :]
    width = COMPONENT_WIDTH**2
    factor = jnp.stack([jnp.linalg.cholesky(width * cov + floor) for cov in covariances], axis=1)
    mean = jnp.stack(moments, axis=1)
    known = (mass > 1e-4)[..., None] & jnp.all(jnp.isfinite(factor), axis=(2, 3))[..., None]
    mean = jnp.where(known, mean, mixture.mean[:, 1:])
    factor = jnp.where(known[..., None], factor, mixture.factor[:, 1:])
    mass = jnp.maximum(mass / jnp.maximum(mass.sum(axis=1, keepdims=True), 1e-12), LEAST_SHARE)
    mass = (1.0 - POPULATION_SHARE) * mass / mass.sum(axis=1, keepdims=True)
    return Mixture(
        jnp.concatenate([mixture.weight[:, :1], mass], axis=1),
        jnp.concatenate([mixture.mean[:, :1], mean], axis=1),
        jnp.concatenate([mixture.factor[:, :1], factor], axis=1),
        mixture.lesions,
    )
