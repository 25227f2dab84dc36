"""Cumulative hazard of many patients on one grid of times, each stretch between grid points integrated once."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metachron.base.quadrature import gauss_legendre
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import cumulative_hazard, log_hazard
from metachron.joint.links import PatientState
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta

_WIDTH_YEAR, _SHORT_YEAR = 0.2, 0.05
_NODES, _SHORT_NODES = 6, 4
"""On stretches of up to 0.2 years between knots, 6 nodes integrate exp(v t) to 1e-6 for v up to 40 per year; 4 do where
no stretch is longer than 0.05 years."""


class Grid(NamedTuple):
    """Times, the edges of stretches that lead to them, where each time stands among the edges, and the rule on [0, 1]
    by which a stretch after the first is integrated.
    """

    time_year: Float[Array, " time"]
    edge_year: Float[Array, " edge"]
    place: Int[Array, " time"]
    node: Float[Array, " node"]
    weight: Float[Array, " node"]


def grid_to(times: np.ndarray, design: Design, *, start_year: float = 0.0) -> Grid:
    """Return the grid from a start to times (years), divided at the knots of the baseline hazard and at 0.2 years."""
    last = max(float(np.max(times)), start_year + _WIDTH_YEAR / 2)
    knots = np.asarray(design.knots_year)
    fixed = np.unique(np.concatenate([[start_year, last], times, knots[(knots > start_year) & (knots < last)]]))
    parts = [np.linspace(a, b, int(np.ceil((b - a) / _WIDTH_YEAR)) + 1)[:-1] for a, b in pairwise(fixed)]
    edges = np.unique(np.concatenate([*parts, fixed]))
    short = np.max(np.diff(edges)[1:], initial=0.0) <= _SHORT_YEAR
    rule = gauss_legendre(_SHORT_NODES if short else _NODES)
    return Grid(*map(jnp.asarray, (times, edges, np.searchsorted(edges, times), *rule)))


def pick_patients(parameters: PatientParameters | None, index: Int[Array, " chosen"]) -> PatientParameters | None:
    """Return the parameters of chosen patients and their lesions, which is all that a hazard looks at.

    When new lesions were found is not among them: of times to come it is not known.
    """
    if parameters is None:
        return None
    return jax.tree.map(lambda value: value[index], parameters._replace(series=None, seen_year=None))


def cumulative_on_grid(
    model: JointModel, theta: Theta, state: PatientState | None, design: Design, grid: Grid
) -> Float[Array, "patient time"]:
    """Return the integral of each patient's hazard from the start of the grid to each time.

    In closed form where no link moves with time. Otherwise the first stretch, where a baseline hazard may be infinite,
    is integrated by `cumulative_hazard`, and the others by Gauss-Legendre.
    """
    assert model.hazard is not None
    start = jnp.zeros(design.arm.shape[0]) + grid.edge_year[0]

    def up_to(time_year: Float[Array, ""]) -> Float[Array, " patient"]:
        return cumulative_hazard(model, theta, state, design, start, jnp.full_like(start, time_year))

    if not model.hazard.time_varying:
        return jax.lax.map(up_to, grid.time_year).T

    def stretch(ends: tuple[Float[Array, ""], Float[Array, ""]]) -> Float[Array, " patient"]:
        left, right = ends
        time = jnp.broadcast_to(left + (right - left) * grid.node, (len(start), len(grid.node)))
        return (right - left) * jnp.exp(log_hazard(model, theta, state, design, time)) @ grid.weight

    first = up_to(grid.edge_year[1])
    others = jax.lax.map(stretch, (grid.edge_year[1:-1], grid.edge_year[2:]))
    total = jnp.cumsum(jnp.concatenate([jnp.zeros_like(start)[None], first[None], others]), axis=0)
    return total[grid.place].T
