"""Where to look for a lesion's own effects, given what its patient's parameters are: a normal distribution per lesion.

Given the patient's parameters lesions are independent, so each has an integral of its own, inside that of the patient.
The distance of a lesion from its patient is drawn from its regression on the patient's parameters: a lesion that data
know well moves against its patient, one of which they say little follows it. A share of the nodes comes from the
distribution that the population gives, so that no weight grows without bound.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import LANES, Blocks
from metachron.inference.sobol import sobol_points
from metachron.joint.design import Design
from metachron.joint.dynamics_part import DynamicsPart
from metachron.joint.hierarchical import mean_organ
from metachron.joint.population import organ_effect
from metachron.joint.sites import Theta

INNER = 8
"""Nodes of a lesion for each node of its patient."""
FROM_POPULATION = 1
"""Of these, how many come from the population's distribution."""
POPULATION_WIDTH = 1.2
WIDTH = 1.15
"""Standard deviations of proposals over those of what they follow."""
LEAST_SPREAD = 1e-3
"""Least standard deviation of a proposal, in those of the population."""
RIDGE = 0.02
"""Weight with which a regression stays where it was, in variances of the population: few nodes know little."""
_LOG_SQRT_2PI = 0.9189385332046727


class LesionProposals(NamedTuple):
    """Regressions of each lesion's distance on its patient's parameters, and what the population says of it.

    ``mean`` is the distance at ``centre``, ``slope`` how it moves, ``factor`` the Cholesky factor of what is left;
    ``prior_mean`` and ``prior_sd`` are those of the population: the organ's effect, and the spread of lesions.
    """

    centre: Float[Array, "series effect"]
    mean: Float[Array, "series own"]
    slope: Float[Array, "series own effect"]
    factor: Float[Array, "series own own"]
    prior_mean: Float[Array, "series own"]
    prior_sd: Float[Array, "series own"]


class LesionNodes(NamedTuple):
    """Nodes of lesions before anything is computed at them: distances from the patient, and their log shares."""

    distance: Float[Array, "block own series lane inner"]
    log_share: Float[Array, "block series lane inner"]


def lesion_prior(part: DynamicsPart, theta: Theta, design: Design) -> tuple[Float[Array, "series own"], ...]:
    """Return mean and standard deviation of each lesion's distance from its patient, in the mean of the organs, in a
    population.
    """
    organ = {parameter.label for parameter in part.organ}
    none = jnp.zeros(design.series_patient.shape)
    mean = [
        organ_effect(p, theta, design)
        - jnp.broadcast_to(mean_organ(p, theta, design), design.arm.shape)[design.series_patient]
        if p.label in organ
        else none
        for p in part.lesion
    ]
    spread = [none + theta[f"{p.label}.lesion_sd"] for p in part.lesion]
    return jnp.stack(mean, axis=-1), jnp.stack(spread, axis=-1)


def population_proposals(
    mean: Float[Array, "patient effect"], part: DynamicsPart, theta: Theta, design: Design
) -> LesionProposals:
    """Return the proposals before anything is known: the population's distribution."""
    prior_mean, prior_sd = lesion_prior(part, theta, design)
    centre = mean[design.series_patient][:, : len(part.random)]
    slope = jnp.zeros((*prior_mean.shape, centre.shape[-1]))
    factor = WIDTH * prior_sd[..., None] * jnp.eye(prior_sd.shape[-1])
    return LesionProposals(centre, prior_mean, slope, factor, prior_mean, prior_sd)


def renew_prior(proposals: LesionProposals, part: DynamicsPart, theta: Theta, design: Design) -> LesionProposals:
    """Return the proposals with the population's distribution at other parameters."""
    prior_mean, prior_sd = lesion_prior(part, theta, design)
    return proposals._replace(prior_mean=prior_mean, prior_sd=prior_sd)


def place_lesions(
    proposals: LesionProposals, nodes: Float[Array, "block effect row lane"], blocks: Blocks, *, seed: int
) -> LesionNodes:
    """Return nodes of every lesion for every node of its patient.

    They are the same quasi-random points, each time moved by a random shift of its own, so that the estimate of a
    patient's likelihood stays unbiased and errors of lesions do not add up. Other seeds give independent nodes.
    """
    rows = blocks.lesions
    assert rows is not None
    own = proposals.mean.shape[-1]
    points = jnp.asarray(sobol_points(INNER, own, seed=seed).T)
    series, row, part = (jnp.asarray(value) for value in (rows.series, rows.row, rows.part))
    return LesionNodes(*_place(proposals, nodes, points, series, row, part, jax.random.key(seed)))


@jax.jit
def _place(
    proposals: LesionProposals, nodes: Array, points: Array, series: Array, row: Array, part: Array, key: Array
) -> tuple[Array, Array]:
    own = proposals.mean.shape[-1]

    def shift(lesion: Array, piece: Array) -> Array:
        mine = jax.random.fold_in(jax.random.fold_in(key, lesion), piece)
        return jax.random.uniform(mine, (own, LANES))

    def block(inputs: tuple[Array, ...]) -> tuple[Array, Array]:
        values, lesions, rows, parts = inputs
        mine = LesionProposals(*(leaf[lesions] for leaf in proposals))
        moved = points[None, :, None] + jax.vmap(shift)(lesions, parts)[..., None]
        normal = jnp.moveaxis(ndtri(jnp.clip(jnp.mod(moved, 1.0), 1e-12, 1.0 - 1e-12)), 1, 0)
        middle = _conditional_mean(mine, values, rows)
        spread = [
            sum(mine.factor[:, a, b, None, None] * normal[b] for b in range(a + 1))  # lower triangle
            for a in range(own)
        ]
        near = middle[..., None] + jnp.stack(spread)
        wide = mine.prior_mean.T[..., None, None] + POPULATION_WIDTH * mine.prior_sd.T[..., None, None] * normal
        distance = jnp.where(jnp.arange(INNER) < FROM_POPULATION, wide, near)
        return distance, -jnp.log(float(INNER)) - _log_density(mine, middle, distance)

    return jax.lax.map(block, (nodes, series, row, part))


def _conditional_mean(
    mine: LesionProposals, nodes: Float[Array, "effect row lane"], row: Array
) -> Float[Array, "own series lane"]:
    """Return the mean distance at each node of the patient."""
    effects = mine.centre.shape[-1]
    away = nodes[:effects, row] - mine.centre.T[..., None]
    return mine.mean.T[..., None] + jnp.einsum("soe,esl->osl", mine.slope, away)


def _log_density(
    mine: LesionProposals, middle: Float[Array, "own series lane"], distance: Float[Array, "own series lane inner"]
) -> Float[Array, "series lane inner"]:
    """Return the log density from which the nodes come: a mixture with fixed numbers of nodes."""
    own = len(distance)
    solved: list[Array] = []
    near = jnp.log(1.0 - FROM_POPULATION / INNER) - own * _LOG_SQRT_2PI
    wide = jnp.log(FROM_POPULATION / INNER) - own * _LOG_SQRT_2PI
    for a in range(own):
        value = distance[a] - middle[a][..., None]
        for b in range(a):
            value = value - mine.factor[:, a, b, None, None] * solved[b]
        diagonal = mine.factor[:, a, a, None, None]
        solved.append(value / diagonal)
        near = near - 0.5 * jnp.square(solved[a]) - jnp.log(diagonal)
        sd = POPULATION_WIDTH * mine.prior_sd[:, a, None, None]
        wide = wide - 0.5 * jnp.square((distance[a] - mine.prior_mean[:, a, None, None]) / sd) - jnp.log(sd)
    return jnp.logaddexp(near, wide)


class _Moments(NamedTuple):
    mass: Float[Array, " series"]
    effect: Float[Array, "series effect"]
    own: Float[Array, "series own"]
    effect_effect: Float[Array, "series effect effect"]
    own_effect: Float[Array, "series own effect"]
    own_own: Float[Array, "series own own"]


@partial(jax.jit, static_argnames=("count",))
def improve_lesions(
    proposals: LesionProposals,
    nodes: Float[Array, "block effect row lane"],
    distance: Float[Array, "block own series lane inner"],
    weight: Float[Array, "block row lane"],
    within: Float[Array, "block series lane inner"],
    blocks: Blocks,
    spread: Float[Array, "series effect"],
    *,
    count: int,
) -> LesionProposals:
    """Return the proposals after one update: the regression in the weighted nodes.

    Parameters
    ----------
    weight : normalised importance weights of the patients' nodes.
    within : weights of a lesion's nodes, which sum to 1 for each node of its patient.
    spread : standard deviations of the patients' parameters in the population.
    count : number of lesions, padding included.
    """
    rows = blocks.lesions
    assert rows is not None
    effects = proposals.centre.shape[-1]

    def add(total: _Moments, inputs: tuple[Array, ...]) -> tuple[_Moments, None]:
        values, away, shares, inner, series, row, real = inputs
        z = values[:effects, row] - proposals.centre[series].T[..., None]
        x = away - proposals.mean[series].T[..., None, None]
        pair = shares[row][..., None] * inner * real[:, None, None]
        lane = jnp.sum(pair, axis=-1)
        weighted = pair * x
        at_lane = jnp.sum(weighted, axis=-1)
        found = _Moments(
            jnp.sum(lane, axis=-1),
            jnp.einsum("sl,esl->se", lane, z),
            jnp.sum(at_lane, axis=-1).T,
            jnp.einsum("sl,esl,fsl->sef", lane, z, z),
            jnp.einsum("osl,esl->soe", at_lane, z),
            jnp.einsum("oslm,pslm->sop", weighted, x),
        )
        sums = [jax.ops.segment_sum(leaf, series, num_segments=count) for leaf in found]
        return _Moments(*(a + b for a, b in zip(total, sums, strict=True))), None

    own = proposals.mean.shape[-1]
    shapes = ((), (effects,), (own,), (effects, effects), (own, effects), (own, own))
    start = _Moments(*(jnp.zeros((count, *shape)) for shape in shapes))
    inputs = (nodes, distance, weight, within, rows.series, rows.row, rows.weight)
    return _regress(proposals, jax.lax.scan(add, start, jax.tree.map(jnp.asarray, inputs))[0], spread)


def _regress(old: LesionProposals, moments: _Moments, spread: Float[Array, "series effect"]) -> LesionProposals:
    mass = jnp.maximum(moments.mass, 1e-12)[:, None]
    z, x = moments.effect / mass, moments.own / mass
    zz = moments.effect_effect / mass[..., None] - z[:, :, None] * z[:, None, :]
    xz = moments.own_effect / mass[..., None] - x[:, :, None] * z[:, None, :]
    xx = moments.own_own / mass[..., None] - x[:, :, None] * x[:, None, :]
    ridge = RIDGE * jnp.square(spread)[:, :, None] * jnp.eye(z.shape[-1])
    slope = jnp.swapaxes(jnp.linalg.solve(zz + ridge, jnp.swapaxes(xz + old.slope @ ridge, 1, 2)), 1, 2)
    cross = slope @ jnp.swapaxes(xz, 1, 2)
    left = xx - cross - jnp.swapaxes(cross, 1, 2) + slope @ zz @ jnp.swapaxes(slope, 1, 2)
    floor = jnp.square(LEAST_SPREAD * old.prior_sd)[..., None] * jnp.eye(x.shape[-1])
    factor = jnp.linalg.cholesky(WIDTH**2 * left + floor)
    found = LesionProposals(old.centre + z, old.mean + x, slope, factor, old.prior_mean, old.prior_sd)
    finite = [jnp.isfinite(leaf).reshape(len(leaf), -1).all(axis=1) for leaf in found]
    known = (moments.mass > 1e-4) & jnp.stack(finite).all(axis=0)

    def choose(new: Array, before: Array) -> Array:
        return jnp.where(known.reshape(-1, *[1] * (new.ndim - 1)), new, before)

    return LesionProposals(*(choose(new, before) for new, before in zip(found, old, strict=True)))
