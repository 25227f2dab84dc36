"""From a model and a cohort to nodes at the maximum: what sampling, estimates and leave-one-out all start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metachron.base import ModelError
from metachron.inference.marginal.adapt import (
    Proposals,
    adapting_rows,
    final_table,
    follow,
    needed_rows,
    start_proposals,
)
from metachron.inference.marginal.blocks import ROWS, Blocks, make_blocks, slabs
from metachron.inference.marginal.coordinates import Coordinates
from metachron.inference.marginal.expansion import Expansion, expand
from metachron.inference.marginal.mixture import Mixture
from metachron.inference.marginal.nodes import uniform_blocks
from metachron.inference.marginal.optimise import (
    Optimum,
    climb,
    density_at,
    optimum_at,
    positive,
    scale_at,
)
from metachron.inference.marginal.suitable import why_not
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.sites import list_sites
from metachron.joint.vector import median_values, pack_population

MAX_ROUNDS = 12
CLIMB_STEPS = 8
SETTLED = 0.5
"""A round ends the search when it moves every parameter by less than this many of its own conditional sds."""
SPREAD_DRAWS = 16
SPREAD = 2.0
"""Of the population vectors over which proposals average a patient's conditionals, in standard deviations: draws in the
tails of the posterior need nodes too."""
SEARCH_ROWS = 4
"""Rows of 64 nodes per patient while the maximum is looked for."""
ROWS_IN_ALL = 256
"""Rows of 64 nodes that a small cohort has together afterwards, with 1 to 4 per patient on average; how many each
patient has depends on its need. The more patients, the less what second-order corrections leave (`expansion`). With
links that move with time it is the most for all: at their cusp there is no second order."""
LINK_START = 0.2
"""Where coefficients of links that move with time start, in prior sds either side of 0. At 0 the density has a cusp:
on one side of it trajectories that explode are excluded by the survival of the patient, on the other they are not."""
CUSP_REACH = 8.0
"""Standard deviations from the maximum within which proposals cover the cusp too."""

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Proposals at the maximum of the marginal density, that maximum, and the population vectors that they cover.

    The first ``anchors`` of the vectors are those at which a node must count to be kept: the maximum, and points where
    a link that moves with time has coefficient 0. ``cusps`` are the places of these coefficients in a vector.
    """

    view: NodeModel
    binding: Binding
    mixture: Mixture
    optimum: Optimum
    rows: np.ndarray
    mean_rows: int
    vectors: Float[np.ndarray, "theta free"]
    anchors: int = 1
    cusps: tuple[int, ...] = ()

    @property
    def covariance(self) -> Float[np.ndarray, "free free"]:
        """The inverse of the curvature at the maximum."""
        return np.asarray(np.linalg.inv(positive(-self.optimum.hessian)))

    def times_up_to(self, mean_rows: int) -> int:
        """Return how many times as many rows give at most so many per patient on average: a power of 2, 1 at least."""
        return 1 << (max(1, mean_rows // self.mean_rows).bit_length() - 1)

    def blocks(self, times: int = 1) -> Blocks:
        """Return blocks with ``times`` as many rows per patient as needed, a power of 2."""
        return make_blocks(self.binding, np.minimum(self.rows * times, ROWS), mean_rows=self.mean_rows * times)

    def table(self, *, times: int = 1, seed: int) -> NodeTable:
        """Return nodes for every patient; other seeds give independent ones."""
        blocks = self.blocks(times)
        parts = [table for table, _ in self._slabs(blocks, seed)]
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[: len(blocks.patient)], *parts)

    def slabs(self, *, times: int = 1, seed: int, single: bool = False) -> Iterator[tuple[NodeTable, Blocks]]:
        """Yield the same nodes slab by slab, so that the tables of a large cohort never stand side by side."""
        for table, blocks in self._slabs(self.blocks(times), seed):
            yield (table.single() if single else table), blocks

    def _slabs(self, blocks: Blocks, seed: int) -> Iterator[tuple[NodeTable, Blocks]]:
        for slab in slabs(blocks):
            yield self._table(slab, seed), slab

    def expansion(self, coordinates: Coordinates, *, times: int, seed: int) -> Expansion:
        """Return the expansion of the log likelihood on such nodes."""
        return expand(self.view, (table for table, _ in self.slabs(times=times, seed=seed)), coordinates)

    def _table(self, blocks: Blocks, seed: int) -> NodeTable:
        return final_table(self.view, self.binding, self.mixture, blocks, self.vectors[: self.anchors], seed=seed)


def prepare(
    model: JointModel,
    binding: Binding,
    *,
    with_prior: bool = True,
    seed: int = 1,
    mean_rows: int | None = None,
    report: Report | None = None,
) -> Prepared:
    """Return proposals brought to each patient's conditional at the maximum of the marginal posterior or likelihood.

    Nodes and population parameters are improved in turn: nodes fixed, some Newton steps; parameters fixed, some
    updates of the proposals. At the end the proposals follow the conditionals averaged over the normal approximation.

    Parameters
    ----------
    with_prior : maximise the posterior, or the likelihood alone.
    mean_rows : rows of 64 nodes per patient on average; None: by the number of patients.

    Raises
    ------
    ModelError
        When the model has no patient effects to integrate out, or effects that this engine cannot.
    """
    reason = why_not(model)
    if reason is not None:
        raise ModelError(f"the marginal engine cannot fit this model: {reason}; use --engine nuts")
    view = NodeModel.of(model, binding.dims)
    searches = [
        _search(view, binding, start, with_prior=with_prior, seed=seed, report=report)
        for start in _starts(model, binding)
    ]
    proposals, optimum = max(searches, key=lambda found: _mass(found[1]))
    if mean_rows is None:
        in_all = SEARCH_ROWS if _moving_links(model) else ROWS_IN_ALL // len(binding.labels.patients)
        mean_rows = 1 if model.single_lesions else min(SEARCH_ROWS, max(1, in_all))
    return _spread(view, binding, proposals, optimum, seed=seed, mean_rows=mean_rows)


def prepare_at(
    model: JointModel, binding: Binding, vectors: Float[np.ndarray, "theta free"], *, seed: int, mean_rows: int
) -> Prepared:
    """Return proposals for the conditionals averaged over given population vectors: no search, no maximum.

    The first vector stands in the place of the maximum; the curvature is that of the vectors' own covariance.
    """
    view = NodeModel.of(model, binding.dims)
    proposals = start_proposals(view, binding, vectors[0], seed=seed)
    found = follow(view, binding, proposals.mixture, vectors, steps=CLIMB_STEPS, seed=seed + 500)
    rows = needed_rows(view, binding, found.mixture, vectors, mean_rows=mean_rows, seed=seed + 600)
    free = vectors.shape[1]
    optimum = Optimum(vectors[0], float("nan"), np.full(free, np.nan), np.full((free, free), np.nan))
    return Prepared(view, binding, found.mixture, optimum, rows, mean_rows, vectors, anchors=len(vectors))


def _starts(model: JointModel, binding: Binding) -> list[Float[np.ndarray, " free"]]:
    """Return the prior medians; with links that move with time, moved off 0 to either side."""
    theta = dict(median_values(model, binding.dims).theta)
    moving = _moving_links(model)
    if not moving:
        return [np.array(pack_population(theta, model, binding.dims))]
    starts = []
    for side in (LINK_START, -LINK_START):
        moved = {name: side * scale for name, scale in moving.items()}
        shifted = {s.name: theta[s.name] + moved.get(s.name, 0.0) for s in list_sites(model, binding.dims)}
        starts.append(np.array(pack_population(shifted, model, binding.dims)))
    return starts


def _moving_links(model: JointModel) -> dict[str, float]:
    """Return the names of the coefficients of links that move with time, and the scales of their priors."""
    return {
        f"{part.event}.link[{term.link.name}]": term.prior.args[-1]
        for part in model.processes
        for term in part.links
        if not term.link.constant
    }


def _search(
    view: NodeModel, binding: Binding, vector: np.ndarray, *, with_prior: bool, seed: int, report: Report | None
) -> tuple[Proposals, Optimum]:
    proposals = start_proposals(view, binding, vector, seed=seed)
    scale = np.full(len(vector), 0.01)
    blocks = uniform_blocks(binding, min(SEARCH_ROWS, adapting_rows(view)))
    for number in range(1, MAX_ROUNDS + 1):
        table = final_table(view, binding, proposals.mixture, blocks, vector[None], seed=seed + 100 * number)
        evaluate = density_at(view, table, with_prior=with_prior)
        scale = scale_at(evaluate, vector, scale)
        moved = climb(evaluate, vector, scale, steps=CLIMB_STEPS)
        distance = float(np.max(np.abs(moved - vector) / scale))
        vector = moved
        proposals = follow(view, binding, proposals.mixture, vector[None], steps=4, seed=seed + 100 * number + 50)
        if report is not None:
            report(f"maximum: round {number}, log density {evaluate(vector)[0]:.2f}")
        if distance < SETTLED:
            break
    return proposals, optimum_at(evaluate, vector, scale)


def _mass(optimum: Optimum) -> float:
    """Return the log of the normal approximation's integral: a high but narrow peak is not where the draws are."""
    return optimum.value - 0.5 * float(np.linalg.slogdet(positive(-optimum.hessian))[1])


def _spread(
    view: NodeModel, binding: Binding, proposals: Proposals, optimum: Optimum, *, seed: int, mean_rows: int
) -> Prepared:
    """Return the proposals widened over the normal approximation, and the rows that each patient needs there."""
    covariance = np.linalg.inv(positive(-optimum.hessian))
    noise = np.random.default_rng(seed).normal(size=(SPREAD_DRAWS, len(covariance)))
    around = Coordinates.about(optimum.vector, covariance, view).vectors(SPREAD * noise).copy()
    cusps = _cusps(view, binding, optimum.vector, covariance)
    for number, (coefficient, moved) in enumerate(cusps):
        around[number::4] += np.outer(-around[number::4, coefficient], moved)
    nearest = [optimum.vector - optimum.vector[coefficient] * moved for coefficient, moved in cusps]
    vectors = np.stack([optimum.vector, *nearest, *around])
    found = follow(view, binding, proposals.mixture, vectors, steps=5, seed=seed + 5000)
    rows = needed_rows(view, binding, found.mixture, vectors, mean_rows=mean_rows, seed=seed + 6000)
    places = tuple(coefficient for coefficient, _ in cusps)
    return Prepared(view, binding, found.mixture, optimum, rows, mean_rows, vectors, 1 + len(places), places)


def _cusps(
    view: NodeModel, binding: Binding, vector: np.ndarray, covariance: np.ndarray
) -> list[tuple[int, Float[np.ndarray, " free"]]]:
    """Return the coefficients that may be 0, of links that move with time, by their place in a vector.

    With each, by how much all parameters move, on average over the normal approximation, for each unit that it moves.
    At 0 the density has a cusp (see `LINK_START`), and on it a second mode that the maximum knows nothing of.
    """
    moving = _moving_links(view.model)
    found, place = [], 0
    for site in list_sites(view.model, binding.dims):
        variance = covariance[place, place]
        if site.name in moving and abs(vector[place]) < CUSP_REACH * np.sqrt(variance):
            found.append((place, covariance[place] / variance))
        place += site.free_size
    return found
