"""Stan on a cohort, until the least effective sample size is enough; its density is checked before it is timed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cohorts import benchmark_cohort, benchmark_model
from benchmarks.gradient import points_near_start
from benchmarks.jobs import Job
from benchmarks.precision import ess_of_draws, least_ess, parameter_names, population_from_vectors
from benchmarks.stan_build import build
from benchmarks.stan_chain import StanChain
from benchmarks.stan_data import PROGRAMS, stan_data, to_stan_vectors
from metachron.base import MetachronError
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.settings import NutsSettings
from metachron.inference.target import joint_target
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.vector import population_size

ENOUGH = 400.0
"""Least bulk and tail effective sample size at which Stan is stopped."""
MOST_BLOCKS = 40
SAME_DENSITY = 1e-8
"""Relative to the smallest log density of the points: sums of some thousand terms, each rounded at 1e-16, in another
order. A prior that is twice as wide moves it by 1e-5 and more."""


def run_stan(job: Job) -> dict[str, Any]:
    """Return what a job with the engine ``stan`` cost and gave."""
    model = benchmark_model(job.link)
    binding = model.bind(benchmark_cohort(job.cohort))
    program = build(PROGRAMS[job.link])
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data.json"
        data.write_text(json.dumps(stan_data(model, binding)), encoding="utf-8")
        chains = [StanChain(program, data, Path(folder), seed=job.seed, index=index + 1) for index in range(job.chains)]
        difference = check_density(chains[0], model, binding)
        found = _sample(chains, job, model, binding)
        costs = [chain.end() for chain in chains]
    compile_seconds = program.compile_cpu_seconds
    return {
        **found,
        "density_difference": difference,
        "cpu_seconds": sum(cost[0] for cost in costs) + compile_seconds,
        "compile_cpu_seconds": compile_seconds,
        "first_draw_cpu_seconds": found["first_draw_cpu_seconds"] + compile_seconds,
        "wall_seconds": time.perf_counter() - started,
        "peak_mib": sum(cost[1] for cost in costs),
    }


def check_density(chain: StanChain, model: JointModel, binding: Binding) -> float:
    """Return the largest relative difference between Stan's log density and the model's, constants left out.

    Raises
    ------
    MetachronError
        When the two are not the same posterior.
    """
    points = points_near_start(model, binding)
    density = jax.jit(lambda vector: model.log_density(vector, binding.design, binding.dims))
    ours = np.asarray([float(density(jnp.asarray(point))) for point in points])
    theirs = chain.density(to_stan_vectors(points, model, binding))
    apart = ours - theirs
    worst = float(np.ptp(apart) / np.min(np.abs(ours)))
    if not worst < SAME_DENSITY:
        raise MetachronError(f"the Stan program is another posterior: its log density differs by {apart}")
    return worst


def _sample(chains: list[StanChain], job: Job, model: JointModel, binding: Binding) -> dict[str, Any]:
    """Return the draws' summary and counts; the chains start where metachron's own would."""
    warmup = NutsSettings.warmup if job.warmup is None else job.warmup
    start = joint_target(model, binding).start
    for index, chain in enumerate(chains):
        vector = np.asarray(start(jax.random.fold_in(jax.random.key(job.seed), index)))
        chain.start(to_stan_vectors(vector[None], model, binding))
        chain.send(f"warmup {warmup} {NutsSettings.target_acceptance}")
    warm = [chain.answer() for chain in chains]
    columns = population_size(model, binding.dims)
    names = parameter_names(model, binding)
    costs, drawn = np.zeros(3), np.empty(0)
    for _ in range(MOST_BLOCKS):
        for chain in chains:
            chain.order_draws(job.draws, columns)
        costs += np.sum([chain.answer() for chain in chains], axis=0)
        vectors = np.stack([chain.draws(columns) for chain in chains])
        drawn = population_from_vectors(vectors, model, binding)
        if job.short or least_ess(summarise_draws(names, drawn)) >= ENOUGH:
            break
    return {
        **ess_of_draws(names, drawn),
        "draws": drawn.shape[1],
        "warmup": warmup,
        "leapfrogs_warmup": int(sum(answer[1] for answer in warm)),
        "leapfrogs_sampling": int(costs[1]),
        "ms_per_leapfrog": float(costs[0] / costs[1] * 1e3),
        "first_draw_cpu_seconds": float(sum(answer[0] for answer in warm)),
        "divergences": int(costs[2]),
    }
