"""Several chains side by side: one thread each, progress, checkpoints, and an interruption that keeps the draws."""

from __future__ import annotations

import os
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np

from metachron.inference.checkpoint import Store
from metachron.inference.nuts import ChainState, Chunk, Schedule, learn_metric, run_chunk, start_chain
from metachron.inference.progress import ChainProgress, Progress
from metachron.inference.sampled import CHUNK, Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target

KEPT_CHUNKS = 4
"""Chunks of warm-up over which a scale that the target gives is kept."""
_COMPILING = threading.Lock()
"""Held for a chain's first chunks: chains that start together would each compile the same function."""


@dataclass
class ChainDraws:
    """What one chain has drawn after warm-up, chunk by chunk, and how far it has come."""

    positions: list[np.ndarray] = field(default_factory=list)
    statistics: list[Statistics] = field(default_factory=list)
    window: list[Chunk] = field(default_factory=list)
    warmup_gradients: int = 0
    chunks_done: int = 0

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk of draws."""
        self.positions.append(np.asarray(chunk.positions))
        self.statistics.append(Statistics(*(np.asarray(value) for value in chunk.statistics)))

    @property
    def divergences(self) -> int:
        """Number of divergent steps after warm-up."""
        return int(sum(np.sum(statistics.diverging) for statistics in self.statistics))

    def to_arrays(self, chain: ChainState) -> dict[str, np.ndarray]:
        """Return everything as arrays by name, for a checkpoint."""
        arrays = {f"state{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(chain))}
        arrays["progress"] = np.array([self.chunks_done, self.warmup_gradients, len(self.positions), len(self.window)])
        for k, (positions, statistics) in enumerate(zip(self.positions, self.statistics, strict=True)):
            arrays[f"draw{k}"] = positions
            arrays |= {f"draw{k}.{name}": value for name, value in statistics._asdict().items()}
        for k, chunk in enumerate(self.window):
            arrays |= {f"window{k}.{j}": np.asarray(leaf) for j, leaf in enumerate(jax.tree.leaves(chunk))}
        return arrays

    def restore(self, arrays: dict[str, np.ndarray], chain: ChainState) -> ChainState:
        """Take up the arrays of `to_arrays`; return the chain's state, in the shape of ``chain``.

        Raises
        ------
        KeyError, ValueError
            When arrays are missing, or are not of the shape that the chain has.
        """
        self.chunks_done, self.warmup_gradients, drawn, window = (int(value) for value in arrays["progress"])
        for k in range(drawn):
            self.positions.append(arrays[f"draw{k}"])
            self.statistics.append(Statistics(*(arrays[f"draw{k}.{name}"] for name in Statistics._fields)))
        width = len(Statistics._fields) + 2
        for k in range(window):
            positions, gradients, *statistics = (arrays[f"window{k}.{j}"] for j in range(width))
            self.window.append(Chunk(jnp.asarray(positions), jnp.asarray(gradients), Statistics(*statistics)))
        leaves, tree = jax.tree.flatten(chain)
        stored = [jnp.asarray(arrays[f"state{k}"], leaf.dtype) for k, leaf in enumerate(leaves)]
        if [leaf.shape for leaf in stored] != [leaf.shape for leaf in leaves]:
            raise ValueError("the state of the chain has another shape")
        return jax.tree.unflatten(tree, stored)


def sample_chains(
    target: Target,
    settings: NutsSettings,
    progress: Progress | None = None,
    checkpoint: Store | None = None,
    label: str = "",
) -> Sampled:
    """Return draws of several NUTS chains; Ctrl-C ends the run early and keeps the draws made so far.

    With a checkpoint the chains go on from what it holds under the label, and leave there what a later run needs.

    Raises
    ------
    KeyboardInterrupt
        When the run is interrupted before any chain has drawn after its warm-up.
    """
    stop = threading.Event()
    kept = [ChainDraws() for _ in range(settings.chains)]
    with ThreadPoolExecutor(max_workers=min(settings.chains, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_run_chain, target, settings, index, kept[index], stop, progress, checkpoint, label)
            for index in range(settings.chains)
        ]
        interrupted = _await(jobs, stop)
    sampled = _gather(kept, settings.draws, interrupted)
    if target.standard is None:
        return sampled
    return replace(sampled, positions=np.stack([np.asarray(target.standard(own)) for own in sampled.positions]))


def _place(target: Target, index: int) -> Target:
    """Return the target with its data on the device of a chain: chains take the devices that JAX shows in turn."""
    devices = jax.local_devices()
    if len(devices) == 1:
        return target
    return replace(target, data=jax.device_put(target.data, devices[index % len(devices)]))


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
    target: Target,
    settings: NutsSettings,
    index: int,
    kept: ChainDraws,
    stop: threading.Event,
    progress: Progress | None,
    checkpoint: Store | None,
    label: str,
) -> None:
    target = _place(target, index)
    key = jax.random.fold_in(jax.random.key(settings.seed), index)
    chain = start_chain(target.start(jax.random.fold_in(key, 0)), target.data, target.scale, density=target.density)
    name = f"chain{index}{label}"
    if checkpoint is not None and (stored := checkpoint.read(name)) is not None:
        try:
            chain = kept.restore(stored, chain)
        except (KeyError, ValueError) as error:
            raise checkpoint.damaged(name, error) from error
    schedule = Schedule.of(settings.warmup, 1 if target.scale is None else KEPT_CHUNKS)
    total = schedule.warmup_chunks + -(-settings.draws // CHUNK)
    acceptance = jnp.asarray(settings.target_acceptance)
    first = kept.chunks_done + 1
    for number in range(first, total + 1):
        if stop.is_set():
            break
        warming = number <= schedule.warmup_chunks
        with _COMPILING if number <= first + 1 else nullcontext():
            chain, chunk = run_chunk(
                jax.random.fold_in(key, number),
                chain,
                jnp.asarray(warming),
                acceptance,
                target.data,
                density=target.density,
            )
            steps = int(np.sum(chunk.statistics.n_steps))
        if warming:
            kept.warmup_gradients += steps
            kept.window.append(chunk)
            if (length := schedule.window_ending(number)) is not None:
                chain = learn_metric(chain, kept.window[-length:])
                kept.window = []
            if number == schedule.warmup_chunks:
                kept.window = []
        else:
            kept.add(chunk)
        kept.chunks_done = number
        if checkpoint is not None and checkpoint.due(name):
            checkpoint.write(name, kept.to_arrays(chain))
        if progress is not None:
            progress(ChainProgress(index, number * CHUNK, total * CHUNK, warming, kept.divergences, steps / CHUNK))
    if checkpoint is not None and kept.chunks_done >= first:
        checkpoint.write(name, kept.to_arrays(chain))


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
