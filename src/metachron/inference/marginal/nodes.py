"""Nodes for every patient: quasi-random points through the patient's proposal, as many as the patient needs."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float

from metachron.inference.marginal.blocks import LANES, ROWS, Blocks, make_blocks
from metachron.inference.marginal.kernel import RowTerms, log_joint, log_joint_by_class, row_terms
from metachron.inference.marginal.lesion_proposals import LesionNodes, improve_lesions, place_lesions
from metachron.inference.marginal.lesion_terms import within_weights
from metachron.inference.marginal.mixture import Mixture, draw, improve, log_density
from metachron.inference.marginal.table import NodeModel, NodeTable, make_table
from metachron.inference.sobol import sobol_points
from metachron.joint.design import Binding, Design
from metachron.joint.population import correlation_factor, fixed_part, patient_spread
from metachron.joint.sites import Theta

BISECTIONS = 20
NEGLIGIBLE = 100.0


@lru_cache(maxsize=8)
def _points(coordinates: int, seed: int) -> np.ndarray:
    """Return scrambled Sobol points (Owen 1998) of shape (part, coordinate, lane)."""
    points = sobol_points(ROWS * LANES, coordinates, seed=seed)
    return np.swapaxes(points.reshape(ROWS, LANES, coordinates), 1, 2)


class Placed(NamedTuple):
    """Nodes and their log shares, of patients and of single lesions, as `make_table` takes them."""

    nodes: Float[Array, "block effect row lane"]
    log_share: Float[Array, "block row lane"]
    lesions: LesionNodes | None = None


def place_nodes(view: NodeModel, binding: Binding, blocks: Blocks, mixture: Mixture, *, seed: int) -> Placed:
    """Return nodes drawn from each patient's proposal.

    All patients use the same points, each moved by a random shift of the patient's own, so that errors of patients do
    not add up. Other seeds give independent nodes.
    """
    coordinates = view.effects + 1
    shift = np.random.default_rng((seed, 1)).random((binding.dims.patients, coordinates))
    points = jnp.asarray(_points(coordinates, seed))
    patients = mixture._replace(lesions=None)
    nodes, log_share = _place(patients, points, jnp.asarray(shift), blocks.patient, blocks.part, blocks.share)
    if mixture.lesions is None or blocks.lesions is None:
        return Placed(nodes, log_share)
    return Placed(nodes, log_share, place_lesions(mixture.lesions, nodes, blocks, seed=seed))


def screen_nodes(
    view: NodeModel, placed: Placed, blocks: Blocks, thetas: Theta, mean: Float[Array, "patient effect"]
) -> NodeTable:
    """Return the table without the nodes that count for nothing at any of some population parameters: less than
    exp(-`NEGLIGIBLE`) of the patient's heaviest one. They keep their place, at the patient's mean and without weight,
    so that no step of the sampler meets a trajectory that overflows. Where there are two classes, a node that counts in
    the durable one alone is taken out of the other.
    """
    table = make_table(*placed, blocks, view=view)
    weights = log_weights(thetas, table, view=view)
    screened = _screen(placed._replace(lesions=None), weights, blocks.patient, mean)
    excluded = None
    if view.model.durable is not None:
        excluded = _durable_alone(thetas, table, view=view) & (screened.log_share > -jnp.inf)
    return make_table(*screened._replace(lesions=placed.lesions), blocks, excluded, view=view)


@partial(jax.jit, static_argnames=("view",))
def _durable_alone(thetas: Theta, table: NodeTable, *, view: NodeModel) -> Bool[Array, "block row lane"]:
    """Return where the class with growth has less than exp(-`NEGLIGIBLE`) of the durable one, at all parameters."""

    def lighter(theta: Theta) -> Array:
        def block(inputs: tuple[RowTerms, NodeTable]) -> Array:
            growing, durable = log_joint_by_class(view, theta, *inputs)
            return growing < durable - NEGLIGIBLE

        return jax.lax.map(block, (row_terms(view, theta, table), table))

    return jnp.all(jax.lax.map(lighter, dict(thetas)), axis=0)


@jax.jit
def _screen(placed: Placed, weights: Float[Array, "theta block row lane"], patient: Array, mean: Array) -> Placed:
    def too_light(weight: Array) -> Array:
        by_row = jnp.max(weight, axis=2).ravel()
        heaviest = jax.ops.segment_max(by_row, jnp.ravel(patient), num_segments=len(mean))
        return weight < (heaviest - NEGLIGIBLE)[patient][..., None]

    dead = jnp.all(jax.lax.map(too_light, weights), axis=0)
    centre = jnp.moveaxis(mean[patient], -1, 1)[..., None]
    nodes = jnp.where(dead[:, None], centre, placed.nodes)
    return Placed(nodes, jnp.where(dead, -jnp.inf, placed.log_share))


@jax.jit
def _place(
    mixture: Mixture, points: Array, shift: Array, patient: Array, part: Array, share: Array
) -> tuple[Array, Array]:
    flat = jnp.ravel(patient)
    uniform = jnp.mod(points[jnp.ravel(part)] + shift[flat][..., None], 1.0)
    uniform = jnp.clip(uniform, 1e-12, 1.0 - 1e-12)
    nodes = draw(mixture, flat, uniform)
    log_share = jnp.log(jnp.ravel(share) / LANES)[:, None] - log_density(mixture, flat, nodes)
    blocks = patient.shape[0]
    nodes = jnp.moveaxis(nodes.reshape(-1, blocks, ROWS, LANES), 0, 1)
    return nodes, log_share.reshape(blocks, ROWS, LANES)


def first_of(thetas: Theta) -> Theta:
    """Return the first of several population parameters, stacked."""
    return {name: value[0] for name, value in thetas.items()}


@partial(jax.jit, static_argnames=("view",))
def population_normal(
    thetas: Theta, design: Design, *, view: NodeModel
) -> tuple[Float[Array, "patient effect"], Float[Array, "patient effect effect"]]:
    """Return mean and Cholesky factor of the distribution of each patient's parameters in a population.

    Population parameters come stacked; the first count.
    """
    model, theta = view.model, first_of(thetas)
    mean = jnp.stack([fixed_part(p, theta, design) for p in model.random], axis=-1)
    if view.shifted:
        mean = mean + view.organ_shift(theta, design).T
    spread = jnp.stack(
        [jnp.broadcast_to(patient_spread(p, theta, design), mean.shape[:1]) for p in model.random], axis=-1
    )
    return mean, spread[..., None] * correlation_factor(model, theta)


@partial(jax.jit, static_argnames=("view",))
def log_weights(thetas: Theta, table: NodeTable, *, view: NodeModel) -> Float[Array, "theta block row lane"]:
    """Return log p(data, node | theta) plus the log share of each node, for several population parameters.

    A node whose trajectory overflows has weight 0: the data exclude it.
    """

    def at(theta: Theta) -> Array:
        rows = row_terms(view, theta, table)
        values = jax.lax.map(lambda block: log_joint(view, theta, *block), (rows, table))
        return jnp.where(jnp.isfinite(values), values, -jnp.inf)

    return jax.lax.map(at, dict(thetas))


@partial(jax.jit, static_argnames=("patients",))
def normalise(log_weight: Float[Array, "row lane"], patient: Array, *, patients: int) -> tuple[Array, Array]:
    """Return weights that sum to 1 over each patient's nodes, and each patient's log sum."""
    total = _log_sum(log_weight, patient, patients)
    return jnp.exp(log_weight - total[patient][:, None]), total


def _log_sum(log_weight: Array, patient: Array, patients: int) -> Array:
    by_row = logsumexp(log_weight, axis=1)
    largest = jax.ops.segment_max(by_row, patient, num_segments=patients)
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    return largest + jnp.log(jax.ops.segment_sum(jnp.exp(by_row - largest[patient]), patient, num_segments=patients))


@partial(jax.jit, static_argnames=("patients",))
def temper(
    log_weight: Float[Array, "row lane"], patient: Array, nodes: Array, least: float, *, patients: int
) -> tuple[Array, Array, Array]:
    """Return weights to the largest power at which a patient's effective share of nodes is still ``least``.

    Also that power (1 where the weights need no tempering) and the effective number of nodes at power 1. A proposal
    far from its target moves by steps it can see, instead of onto the one node that happens to be nearest.
    """

    def effective(power: Array) -> Array:
        scaled = jnp.where(jnp.isfinite(log_weight), power[patient][:, None] * log_weight, -jnp.inf)
        return jnp.exp(2.0 * _log_sum(scaled, patient, patients) - _log_sum(2.0 * scaled, patient, patients))

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        enough = effective(middle) >= least * nodes
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    one = jnp.ones(patients)
    full = effective(one)
    low, _ = jax.lax.fori_loop(0, BISECTIONS, halve, (jnp.zeros(patients), one))
    power = jnp.where(full >= least * nodes, 1.0, low)
    scaled = jnp.where(jnp.isfinite(log_weight), power[patient][:, None] * log_weight, -jnp.inf)
    return normalise(scaled, patient, patients=patients)[0], power, full


@jax.jit
def update_mixture(mixture: Mixture, patient: Array, nodes: Array, weight: Array, scale: Array) -> Mixture:
    """Return `improve`d proposals from the nodes of a table; padding has weight 0."""
    flat = jnp.moveaxis(nodes, 1, 0).reshape(nodes.shape[1], -1, LANES)
    return improve(mixture, jnp.ravel(patient), flat, weight, scale)


@partial(jax.jit, static_argnames=("view",))
def _within(thetas: Theta, table: NodeTable, *, view: NodeModel) -> Float[Array, "block series lane inner"]:
    theta = first_of(thetas)
    rows = row_terms(view, theta, table)

    def block(inputs: tuple[NodeTable, Any]) -> Array:
        own, terms = inputs
        assert own.lesions is not None
        return within_weights(view.model, theta, terms, own.lesions, own.design)

    return jax.lax.map(block, (table, rows.lesions))


def update_lesions(
    view: NodeModel,
    thetas: Theta,
    mixture: Mixture,
    blocks: Blocks,
    table: NodeTable,
    weight: Float[Array, "row lane"],
    scale: Float[Array, "patient effect"],
) -> Mixture:
    """Return proposals of lesions improved by the nodes of a table, at the first of some population parameters."""
    if mixture.lesions is None or table.lesions is None:
        return mixture
    part = view.model.dynamics
    assert part is not None
    owner = _owners(blocks, len(mixture.lesions.mean))
    spread = scale[owner, : len(part.random)]
    within = _within(thetas, table, view=view)
    shares = weight.reshape(-1, ROWS, LANES)
    improved = improve_lesions(
        mixture.lesions, table.nodes, table.lesions.distance, shares, within, blocks, spread, count=len(owner)
    )
    return mixture._replace(lesions=improved)


def _owners(blocks: Blocks, count: int) -> np.ndarray:
    """Return the patient of each lesion of the cohort; that of lesion 0 for padding."""
    rows = blocks.lesions
    assert rows is not None
    owner = np.zeros(count, dtype=np.int32)
    real = rows.weight > 0
    owner[rows.series[real]] = np.take_along_axis(blocks.patient, rows.row, axis=1)[real]
    return owner


def uniform_blocks(binding: Binding, rows: int) -> Blocks:
    """Return blocks with the same number of rows for every patient."""
    count = int(np.sum(np.asarray(binding.design.patient_weight) > 0))
    return make_blocks(binding, np.full(count, rows), mean_rows=rows)
