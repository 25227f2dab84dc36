"""Several chains side by side: one thread each, progress, and an interruption that keeps what has been drawn."""

from __future__ import annotations

import os
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from metachron.inference.nuts import Chunk, Schedule, learn_metric, run_chunk, start_chain
from metachron.inference.progress import ChainProgress, Progress
from metachron.inference.sampled import CHUNK, Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.joint.design import Binding
from metachron.joint.model import JointModel
from metachron.joint.sites import median_values, pack

_COMPILING = threading.Lock()
"""Held for a chain's first chunks: chains that start together would each compile the same function."""


@dataclass
class ChainDraws:
    """What one chain has drawn after warm-up, chunk by chunk."""

    positions: list[np.ndarray] = field(default_factory=list)
    statistics: list[Statistics] = field(default_factory=list)
    warmup_gradients: int = 0

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk of draws."""
        self.positions.append(np.asarray(chunk.positions))
        self.statistics.append(Statistics(*(np.asarray(value) for value in chunk.statistics)))


def sample_chains(
    model: JointModel, binding: Binding, settings: NutsSettings, progress: Progress | None = None
) -> Sampled:
    """Return draws of several NUTS chains; Ctrl-C ends the run early and keeps the draws made so far.

    Raises
    ------
    KeyboardInterrupt
        When the run is interrupted before any chain has drawn after its warm-up.
    """
    stop = threading.Event()
    kept = [ChainDraws() for _ in range(settings.chains)]
    with ThreadPoolExecutor(max_workers=min(settings.chains, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_run_chain, model, binding, settings, index, kept[index], stop, progress)
            for index in range(settings.chains)
        ]
        interrupted = _await(jobs, stop)
    return _gather(kept, settings.draws, interrupted)


def _await(jobs: list[Future[None]], stop: threading.Event) -> bool:
    """Wait for all jobs; return whether the user interrupted them."""
    try:
        while any(not job.done() for job in jobs):
            wait(jobs, timeout=0.2, return_when=FIRST_EXCEPTION)
            if any(job.done() and job.exception() for job in jobs):
                stop.set()
    except KeyboardInterrupt:
        stop.set()
        wait(jobs)
        return True
    for job in jobs:
        job.result()
    return False


def _run_chain(
    model: JointModel,
    binding: Binding,
    settings: NutsSettings,
    index: int,
    kept: ChainDraws,
    stop: threading.Event,
    progress: Progress | None,
) -> None:
    key = jax.random.fold_in(jax.random.key(settings.seed), index)
    vector = _start(model, binding, jax.random.fold_in(key, 0))
    chain = start_chain(vector, binding.design, model=model, dims=binding.dims)
    schedule = Schedule.of(settings.warmup)
    total = schedule.warmup_chunks + -(-settings.draws // CHUNK)
    target = jnp.asarray(settings.target_acceptance)
    window: list[Chunk] = []
    divergences, gradients = 0, 0
    for number in range(1, total + 1):
        if stop.is_set():
            return
        warming = number <= schedule.warmup_chunks
        chunk_key = jax.random.fold_in(key, number)
        with _COMPILING if number <= 2 else nullcontext():
            chain, chunk = run_chunk(
                chunk_key, chain, jnp.asarray(warming), target, binding.design, model=model, dims=binding.dims
            )
            steps = int(np.sum(chunk.statistics.n_steps))
        if warming:
            gradients += steps
            window.append(chunk)
            if (length := schedule.window_ending(number)) is not None:
                chain = learn_metric(chain, window[-length:])
                window = []
        else:
            kept.add(chunk)
            divergences += int(np.sum(chunk.statistics.diverging))
        kept.warmup_gradients = gradients
        if progress is not None:
            progress(ChainProgress(index, number * CHUNK, total * CHUNK, warming, divergences, steps / CHUNK))


def _start(model: JointModel, binding: Binding, key: jax.Array) -> jax.Array:
    """Return the prior medians, effects at zero, shaken a little so that chains start apart."""
    vector = pack(median_values(model, binding.dims), model, binding.dims)
    return vector + 0.1 * jax.random.uniform(key, vector.shape, minval=-1.0, maxval=1.0)


def _gather(kept: list[ChainDraws], draws: int, interrupted: bool) -> Sampled:
    """Return the draws of all chains; after an interruption, of those that together hold the most equal parts."""
    lengths = sorted((len(chain.positions) for chain in kept), reverse=True)
    shortest = max(lengths, key=lambda length: length * sum(other >= length for other in lengths))
    if shortest == 0:
        raise KeyboardInterrupt("interrupted during warm-up: no draws to keep")
    chosen = [chain for chain in kept if len(chain.positions) >= shortest]
    count = min(draws, shortest * CHUNK)
    positions = np.stack([np.concatenate(chain.positions[:shortest])[:count] for chain in chosen])
    statistics = Statistics(
        *(
            np.stack([np.concatenate([s[k] for s in chain.statistics[:shortest]])[:count] for chain in chosen])
            for k in range(len(Statistics._fields))
        )
    )
    return Sampled(positions, statistics, sum(chain.warmup_gradients for chain in chosen), interrupted)
