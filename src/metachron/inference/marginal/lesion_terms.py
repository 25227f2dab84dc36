"""The likelihood of single lesions at the nodes of their patient: the integral of each over its own effects.

Like the patients' nodes, those of lesions are values of the lesion's parameters, so trajectories never change; the
population parameters change only how probable a distance from the patient is, and the scatter of sizes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metachron.hazards.normal_tail import normal_cumulative_hazard
from metachron.inference.marginal.blocks import ROWS
from metachron.inference.marginal.lesion_proposals import lesion_prior
from metachron.joint import Design, Dims, JointModel
from metachron.joint.design import Rows
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta
from metachron.joint.size_summary import count_readings, scatter_sd, summarise_sizes

_LOG_SQRT_2PI = 0.9189385332046727


class LesionSums(NamedTuple):
    """Nodes of the lesions of a block's rows with what no parameter changes; a leading axis for all blocks together.

    ``log_share`` is -inf for a node that the data exclude; ``below`` has a row per censored size; ``weight`` is 0 for
    padding, and ``home`` as in `SeriesRows`.
    """

    distance: Float[Array, "own series lane inner"]
    log_share: Float[Array, "series lane inner"]
    squares: Float[Array, "series lane inner"]
    below: Float[Array, "row lane inner"]
    weight: Float[Array, " series"]
    home: Int[Array, " series"]


class LesionRows(NamedTuple):
    """What the population parameters say of each lesion: the log density of its distance x from the patient,
    ``constant + sum_i x_i (linear_i + quadratic_i x_i)``, and in the constant what they say of its readings.
    """

    linear: Float[Array, "own series"]
    quadratic: Float[Array, "own series"]
    constant: Float[Array, " series"]


def by_lesion(design: Design, dims: Dims) -> tuple[Design, Dims]:
    """Return the design in which lesions count as patients."""

    def own(rows: Rows | None) -> Rows | None:
        return rows and rows._replace(patient=rows.series)

    count = design.series_patient.shape[-1]
    return design._replace(measured=own(design.measured), censored=own(design.censored)), replace(dims, patients=count)


def lesion_readings(design: Design, dims: Dims) -> Float[Array, " series"]:
    """Return the number of measured sizes of each lesion."""
    return count_readings(*by_lesion(design, dims))


def tabulate_lesions(
    model: JointModel,
    dims: Dims,
    nodes: Float[Array, "effect row lane"],
    distance: Float[Array, "own series lane inner"],
    log_share: Float[Array, "series lane inner"],
    weight: Float[Array, " series"],
    home: Int[Array, " series"],
    design: Design,
) -> LesionSums:
    """Return the table of a block at the nodes of its patients and lesions."""
    part = model.dynamics
    assert part is not None
    alone, counted = by_lesion(design, dims)
    names = [p.name for p in part.lesion]

    def inner(patient: Array, away: Array) -> tuple[Array, Array, Array]:
        psi = {p.name: patient[k, design.series_patient] for k, p in enumerate(part.random)}
        psi |= {name: psi[name] + away[k] for k, name in enumerate(names)}
        found = summarise_sizes(model, PatientParameters(psi, {}, None), alone, counted)
        return found.squares, found.log_unit, found.below

    over_nodes = jax.vmap(inner, in_axes=(None, -1), out_axes=-1)
    squares, log_unit, below = jax.vmap(over_nodes, in_axes=(-1, -2), out_axes=-2)(nodes, distance)
    finite = jnp.isfinite(squares) & jnp.isfinite(log_unit)
    rows = alone.censored
    assert rows is not None
    unknown = jax.ops.segment_sum(
        jnp.where(jnp.isfinite(below), 0.0, rows.weight[:, None, None]), rows.patient, num_segments=counted.patients
    )
    finite &= unknown == 0
    return LesionSums(
        jnp.where(finite, distance, 0.0),
        jnp.where(finite, log_share - log_unit, -jnp.inf),
        jnp.where(finite, squares, 0.0),
        jnp.where(jnp.isfinite(below), below, 0.0),
        weight,
        home,
    )


def lesion_rows(model: JointModel, theta: Theta, design: Design, readings: Float[Array, " series"]) -> LesionRows:
    """Return what the population parameters say of the lesions of a block."""
    assert model.dynamics is not None
    mean, sd = (value.T for value in lesion_prior(model.dynamics, theta, design))
    precision = 1.0 / jnp.square(sd)
    constant = -jnp.sum(0.5 * jnp.square(mean) * precision + jnp.log(sd) + _LOG_SQRT_2PI, axis=0)
    constant = constant - readings * jnp.log(scatter_sd(model, theta))
    return LesionRows(mean * precision, -0.5 * precision, constant)


def log_within(
    model: JointModel, theta: Theta, rows: LesionRows, table: LesionSums, censored: Rows
) -> Float[Array, "series lane inner"]:
    """Return the log of what each node of a lesion adds to the lesion's likelihood at a node of its patient."""
    sigma = scatter_sd(model, theta)
    total = table.log_share + rows.constant[:, None, None] - 0.5 * table.squares / jnp.square(sigma)
    for linear, quadratic, away in zip(rows.linear, rows.quadratic, table.distance, strict=True):
        total = total + away * (linear[:, None, None] + quadratic[:, None, None] * away)
    below = -censored.weight[:, None, None] * normal_cumulative_hazard(table.below / sigma)
    return total + jax.ops.segment_sum(below, censored.series, num_segments=len(rows.constant))


def sum_within(log_value: Float[Array, "series lane inner"]) -> Float[Array, "series lane"]:
    """Return each lesion's log likelihood at the nodes of its patient; -inf where every node is excluded."""
    largest = jnp.max(jax.lax.stop_gradient(log_value), axis=-1)
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    total = jnp.sum(jnp.exp(log_value - largest[..., None]), axis=-1)
    return jnp.where(total > 0, largest + jnp.log(jnp.where(total > 0, total, 1.0)), -jnp.inf)


def lesion_terms(
    model: JointModel, theta: Theta, rows: LesionRows, table: LesionSums, design: Design
) -> Float[Array, "row lane"]:
    """Return what the lesions of each row add to its log likelihood at each node."""
    assert design.censored is not None
    each = sum_within(log_within(model, theta, rows, table, design.censored))
    each = jnp.where(table.weight[:, None] > 0, each, 0.0)
    return jax.ops.segment_sum(each, design.series_patient, num_segments=ROWS)


def within_weights(
    model: JointModel, theta: Theta, rows: LesionRows, table: LesionSums, design: Design
) -> Float[Array, "series lane inner"]:
    """Return the weights of a lesion's nodes, which sum to 1 for each node of its patient (to 0 where none counts)."""
    assert design.censored is not None
    value = log_within(model, theta, rows, table, design.censored)
    total = sum_within(value)[..., None]
    return jnp.where(jnp.isfinite(total), jnp.exp(value - jnp.where(jnp.isfinite(total), total, 0.0)), 0.0)


def pick_lesions(
    weight: Float[Array, "series lane inner"],
    table: LesionSums,
    row_of: Int[Array, " series"],
    slot: Int[Array, " row"],
    chosen: tuple[Int[Array, " slot"], Int[Array, " slot"]],
    uniform: Float[Array, " series"],
) -> Float[Array, "series own"]:
    """Return the distance of each lesion from its patient, drawn by weight at the node that was drawn for the patient.

    It stands at the lesion's ``home``.

    Parameters
    ----------
    row_of : row of each lesion in the block.
    chosen : row and lane of the node of each slot.
    """
    row, lane = (value[slot[row_of]] for value in chosen)
    index = jnp.arange(len(row_of))
    running = jnp.cumsum(weight[index, lane], axis=-1)
    inner = jnp.sum(running < uniform[:, None] * running[:, -1:], axis=-1)
    drawn = table.distance[:, index, lane, jnp.minimum(inner, weight.shape[-1] - 1)].T
    own = (row == row_of) & (table.weight > 0)
    return jnp.zeros_like(drawn).at[table.home].add(jnp.where(own[:, None], drawn, 0.0))
