"""The joint engine: NUTS over population parameters and patient effects together, the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.inference.centring import CentredDensity, Centring, learn_centring, standardised
from metachron.inference.chains import sample_chains
from metachron.inference.checkpoint import Store
from metachron.inference.chunked import by_chunk
from metachron.inference.progress import ChainProgress, Progress
from metachron.inference.sampled import Sampled
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target, start_at_medians
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.sites import effect_shapes

PILOT = NutsSettings(warmup=200, draws=100)
"""Steps of the warm-up that find out how far the data know each effect; one that is shorter than these twice over
leaves all effects standardised."""


def sample_joint(
    model: JointModel,
    binding: Binding,
    settings: NutsSettings,
    progress: Progress | None = None,
    checkpoint: Store | None = None,
) -> Sampled:
    """Return draws of the joint posterior as vectors of `metachron.joint.sites.pack`.

    The first steps of the warm-up run on standardised effects; the others, and the draws, on effects centred as far as
    the data know them.

    Raises
    ------
    KeyboardInterrupt
        When interrupted before any chain has drawn.
    """
    density = CentredDensity(model, binding.dims)
    plain = standardised(model, binding.dims, binding.design)
    target = Target(density, plain, partial(start_at_medians, model, binding.dims))
    pilot_steps = PILOT.warmup + PILOT.draws
    if settings.warmup < 2 * pilot_steps or 0 in effect_shapes(model, binding.dims)[0]:
        return sample_chains(target, settings, progress, checkpoint)

    total = settings.warmup + settings.draws
    pilot = sample_chains(
        target,
        replace(settings, warmup=PILOT.warmup, draws=PILOT.draws),
        _shown(progress, 0, total, warming=True),
        checkpoint,
        "-pilot",
    )
    if pilot.interrupted:
        return pilot
    vectors = jnp.asarray(pilot.positions.reshape(-1, pilot.positions.shape[-1]))
    centring = learn_centring(vectors, binding.design, model=model, dims=binding.dims)

    def start(key: Array) -> Float[Array, " free"]:
        return density.centre(vectors[jax.random.randint(key, (), 0, len(vectors))], centring)

    raw = sample_chains(
        Target(density, centring, start),
        replace(settings, warmup=settings.warmup - pilot_steps),
        _shown(progress, pilot_steps, total),
        checkpoint,
    )
    gradients = pilot.warmup_gradients + int(pilot.statistics.n_steps.sum())
    return _standardise(raw, centring, density, gradients)


def _shown(progress: Progress | None, done: int, total: int, *, warming: bool = False) -> Progress | None:
    """Return a callback that counts the steps of a part of the run within the whole."""
    if progress is None:
        return None

    def show(part: ChainProgress) -> None:
        progress(replace(part, done=done + part.done, total=total, warming_up=warming or part.warming_up))

    return show


@partial(jax.jit, static_argnames=("density",))
def _plain(vectors: Array, centring: Centring, *, density: CentredDensity) -> tuple[Array, Array]:
    return jax.lax.map(lambda vector: density.standardise(vector, centring), vectors)


def _standardise(raw: Sampled, centring: Centring, density: CentredDensity, gradients: int) -> Sampled:
    """Return draws with standardised effects, and the log density of these."""
    chains, draws, free = raw.positions.shape
    rows = raw.positions.reshape(-1, free)
    positions, jacobian = by_chunk(partial(_plain, centring=centring, density=density), rows)
    statistics = raw.statistics._replace(lp=raw.statistics.lp - jacobian.reshape(chains, draws))
    return Sampled(
        positions.reshape(raw.positions.shape), statistics, raw.warmup_gradients + gradients, raw.interrupted
    )
