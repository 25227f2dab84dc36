"""NUTS with a low-rank mass matrix, run in short chunks so that it can be watched, interrupted and resumed.

The sampler and the mass-matrix estimator are blackjax's (Seyboldt 2026, arXiv:2603.18845; Hoffman 2014). What is
here is the warm-up schedule. Every chunk has the same length, so one compiled function serves warm-up, sampling, all
chains, and every cohort of the same size bucket; a chain's random keys depend on seed, chain and chunk alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
from blackjax.adaptation.metric_estimators import fisher_score_low_rank
from blackjax.adaptation.step_size import dual_averaging_adaptation
from blackjax.mcmc.hmc import HMCState
from blackjax.mcmc.metrics import LowRankInverseMassMatrix
from jaxtyping import Array, Float

from metachron.inference.sampled import CHUNK, Statistics
from metachron.inference.target import Density

MAX_RANK = 24
AT_ONCE = 12
"""Directions of the mass matrix in one product."""
WINDOW_ROWS = 400
FALLING = 1e4
"""Variance of a coordinate times that of its gradient, above which a chain has not come to the posterior yet: 1 for
independent normal coordinates, hundreds for chains that have arrived, 1e7 where they start."""
TARGET_ACCEPTANCE = 0.8
MAX_DOUBLINGS = 10

_DUAL_INIT, _DUAL_UPDATE, _DUAL_FINAL = dual_averaging_adaptation(TARGET_ACCEPTANCE)
_KERNEL = blackjax.nuts.build_kernel()


def _fixed(tree: Any) -> Any:
    """Return a tree with firm types, so that a chain's state looks alike wherever it comes from and compiles once."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.result_type(leaf)), tree)


class Chunk(NamedTuple):
    """Positions, gradients and statistics of one chunk of steps."""

    positions: Float[Array, "step free"]
    gradients: Float[Array, "step free"]
    statistics: Statistics


class ChainState(NamedTuple):
    """All that a chain carries from one chunk to the next: a checkpoint."""

    state: Any
    dual: Any
    metric: LowRankInverseMassMatrix


@partial(jax.jit, static_argnames=("density",))
def start_chain(
    vector: Float[Array, " free"], data: Any, scale: Float[Array, " free"] | None = None, *, density: Density
) -> ChainState:
    """Return a chain at a vector, its mass matrix that of the scale, or of the gradient there."""
    state = blackjax.nuts.init(vector, lambda x: density(x, data))
    steep = 1.0 / jnp.sqrt(jnp.clip(jnp.abs(state.logdensity_grad), 1.0, 1e8))
    sigma = steep if scale is None else scale
    rank = min(MAX_RANK, vector.shape[0])
    metric = LowRankInverseMassMatrix(sigma, jnp.eye(vector.shape[0], rank), jnp.ones(rank))
    return _fixed(ChainState(state, _DUAL_INIT(0.1), metric))


@partial(jax.jit, static_argnames=("density",))
def run_chunk(
    key: Array, chain: ChainState, adapting: Array, target_acceptance: Array, data: Any, *, density: Density
) -> tuple[ChainState, Chunk]:
    """Return the chain after `CHUNK` steps, and what it visited.

    While ``adapting``, the step size moves so that the mean acceptance comes to ``target_acceptance``. Dual averaging
    sees only the difference between the two, so the target is an argument and not part of the compiled code.
    """

    coordinates = _Coordinates.of(chain.metric)
    unit = jnp.ones_like(coordinates.sigma)

    def white_density(white: Array) -> Array:
        return density(coordinates.colour(white), data)

    def step(carry: tuple[Any, Any], step_key: Array) -> tuple[tuple[Any, Any], Any]:
        state, dual = carry
        size = jnp.where(adapting, jnp.exp(dual.log_step_size), _DUAL_FINAL(dual))
        state, info = _KERNEL(step_key, state, white_density, size, unit, MAX_DOUBLINGS)
        moved = _DUAL_UPDATE(dual, info.acceptance_rate + TARGET_ACCEPTANCE - target_acceptance)
        dual = jax.tree.map(lambda new, old: jnp.where(adapting, new, old), moved, dual)
        statistics = Statistics(
            state.logdensity,
            info.energy,
            info.is_divergent,
            info.num_integration_steps,
            info.num_trajectory_expansions,
            info.acceptance_rate,
            size,
        )
        return (state, dual), Chunk(state.position, state.logdensity_grad, statistics)

    start = coordinates.whiten(chain.state)
    (state, dual), chunk = jax.lax.scan(step, (start, chain.dual), jax.random.split(key, CHUNK))
    positions = jax.vmap(coordinates.colour)(chunk.positions)
    gradients = jax.vmap(coordinates.colour_gradient)(chunk.gradients)
    state = HMCState(positions[-1], state.logdensity, gradients[-1])
    return _fixed(ChainState(state, dual, chain.metric)), Chunk(positions, gradients, chunk.statistics)


@dataclass(frozen=True)
class Schedule:
    """The warm-up: after which chunks the mass matrix is learned anew, and from how many chunks back."""

    warmup_chunks: int
    windows: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, warmup: int, first: int = 1) -> Schedule:
        """Return the schedule for a number of warm-up steps: windows that grow by half, then a step-size phase.

        ``first`` is the length of the first window in chunks: the mass matrix at the start may be better than one
        learned from a few draws.
        """
        chunks = max(1, -(-warmup // CHUNK))
        last = chunks - max(1, round(0.12 * chunks))
        windows, start, size = [], 0, float(first)
        while start < last:
            stop = min(last, start + max(1, round(size)))
            size *= 1.5
            if last - stop < size:
                stop = last
            windows.append((stop, stop - start))
            start = stop
        return cls(chunks, tuple(windows))

    def window_ending(self, chunk: int) -> int | None:
        """Return how many chunks the window that ends after ``chunk`` chunks holds, or None."""
        return dict(self.windows).get(chunk)


class _Coordinates(NamedTuple):
    """Whitened coordinates y of a vector: x = sigma (I + U (Lambda^1/2 - I) U') y.

    In them the mass matrix is the identity, which spares the products with U in every kinetic energy and every U-turn
    check. ``directions`` holds the columns of U as rows, a few to each array: XLA hands larger products to a library
    whose call costs more than the product.
    """

    sigma: Float[Array, " free"]
    directions: tuple[Float[Array, "direction free"], ...]
    variances: tuple[Float[Array, " direction"], ...]

    @classmethod
    def of(cls, metric: LowRankInverseMassMatrix) -> _Coordinates:
        """Return the coordinates of a mass matrix."""
        rows, starts = metric.U.T, range(0, metric.lam.shape[0], AT_ONCE)
        return cls(
            metric.sigma,
            tuple(rows[k : k + AT_ONCE] for k in starts),
            tuple(metric.lam[k : k + AT_ONCE] for k in starts),
        )

    def _stretch(self, vector: Array, power: float) -> Array:
        """Return (I + U (Lambda^power - I) U') vector."""
        parts = zip(self.directions, self.variances, strict=True)
        return vector + sum(((variance**power - 1.0) * (rows @ vector)) @ rows for rows, variance in parts)

    def colour(self, white: Array) -> Array:
        """Return the vector at whitened coordinates."""
        return self.sigma * self._stretch(white, 0.5)

    def colour_gradient(self, gradient: Array) -> Array:
        """Return the gradient with respect to x from the one with respect to y."""
        return self._stretch(gradient, -0.5) / self.sigma

    def whiten(self, state: HMCState) -> HMCState:
        """Return a state in whitened coordinates."""
        position = self._stretch(state.position / self.sigma, -0.5)
        return HMCState(position, state.logdensity, self._stretch(self.sigma * state.logdensity_grad, 0.5))


def learn_metric(chain: ChainState, window: list[Chunk]) -> ChainState:
    """Return the chain with the mass matrix learned from a window of chunks, and step-size adaptation begun anew.

    The window is brought to `WINDOW_ROWS` rows, repeated or thinned evenly: one compiled function for all windows.
    """
    pick = np.linspace(0, len(window) * CHUNK - 1, WINDOW_ROWS).round().astype(int)
    draws = np.concatenate([np.asarray(chunk.positions) for chunk in window])[pick]
    gradients = np.concatenate([np.asarray(chunk.gradients) for chunk in window])[pick]
    return _learn(chain, draws, gradients)


@jax.jit
def _learn(chain: ChainState, draws: Float[Array, "step free"], gradients: Float[Array, "step free"]) -> ChainState:
    """Return the chain with the mass matrix of draws and gradients.

    While a chain still falls towards the posterior, its few draws and gradients are far apart and the decomposition
    means nothing, if it succeeds at all; then the matrix is diagonal until the next window.
    """
    rank = chain.metric.lam.shape[0]
    spread, slopes = jnp.var(draws, axis=0), jnp.var(gradients, axis=0)

    def low_rank() -> LowRankInverseMassMatrix:
        return fisher_score_low_rank(draws, gradients, rank)

    def diagonal() -> LowRankInverseMassMatrix:
        sigma = jnp.clip(jnp.power(spread / jnp.maximum(slopes, 1e-10), 0.25), 1e-20, 1e20)
        return LowRankInverseMassMatrix(sigma, jnp.eye(draws.shape[1], rank), jnp.ones(rank))

    found = jax.lax.cond(jnp.max(spread * slopes) < FALLING, low_rank, diagonal)
    sigma = jnp.where(jnp.isfinite(found.sigma), found.sigma, chain.metric.sigma)
    known = jnp.isfinite(found.U).all() & jnp.isfinite(found.lam).all()
    directions = jnp.where(known, found.U, jnp.eye(len(sigma), rank))
    metric = LowRankInverseMassMatrix(sigma, directions, jnp.where(known, found.lam, 1.0))
    return _fixed(ChainState(chain.state, _DUAL_INIT(_DUAL_FINAL(chain.dual)), metric))
