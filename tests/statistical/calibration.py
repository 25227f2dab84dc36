"""Simulation-based calibration (Talts 2018, arXiv:1804.06788): ranks of true parameters among posterior draws.

Parameters are drawn from the prior, a cohort is simulated from them and the model is fitted to it. If simulation,
likelihood, prior and sampler belong together, the rank of each true value among the draws is uniform.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from metachron.cohort import Cohort
from metachron.inference.chains import sample_chains
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.posterior import name_draws, population_draws
from metachron.inference.settings import NutsSettings
from metachron.inference.target import joint_target
from metachron.joint import Binding, JointModel, VisitPlan, patients_in_arms
from metachron.joint.design import Rows, bind_patients
from metachron.joint.names import FlatName, flat_names
from metachron.joint.sites import CORRELATION, draw_prior_values

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "slow"
WARMUP, DRAWS, KEPT = 200, (500, 2000), 50
"""One chain. 50 draws are kept, evenly spaced, where the effective sample size of every parameter is at least that;
else the chain is run again for 2000 draws. Ranks among draws that depend on each other are not uniform."""
BINS = 6
_CODE = [
    "base/quadrature.py", "dynamics/*.py", "hazards/*.py", "joint/links/*.py", "inference/chains.py",
    "inference/nuts.py", "inference/posterior.py",
    *(f"joint/{name}.py" for name in (
        "design", "given_parameters", "hazard_terms", "likelihood", "observation", "population", "priors", "simulate",
        "sites", "trial_tables",
    )),
]  # fmt: skip
"""The source code that determines the ranks."""


def calibrate(
    name: str,
    model: JointModel,
    *,
    arms: dict[str, int],
    plan: VisitPlan,
    replicates: int,
    limit_mm: float = 5.0,
    distort: Callable[[Cohort], Cohort] = lambda cohort: cohort,
) -> dict[str, np.ndarray]:
    """Return the ranks (0 to `KEPT`) of each population parameter over replicates.

    Replicates that are done are read from disk, so that a run goes on where it was cut off; a change of the settings
    or of the code that makes the ranks begins anew. ``distort`` changes the simulated cohort before it is fitted: a
    deliberate error.
    """
    settings = [model.to_toml(), arms, str(plan), limit_mm, WARMUP, DRAWS, KEPT, code_digest()]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{name}-{digest}.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for seed in range(len(done), replicates):
        ranks = _replicate(model, arms, plan, limit_mm, distort, seed)
        with file.open("a") as out:
            out.write(json.dumps(ranks) + "\n")
        done.append(ranks)
    return {key: np.asarray([ranks[key] for ranks in done[:replicates]]) for key in done[0]}


def code_digest() -> str:
    """Return a hash of the code that determines the ranks, this file included."""
    package = ROOT / "src" / "metachron"
    found = [path for pattern in _CODE for path in sorted(package.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*found, Path(__file__)])).hexdigest()


def _replicate(
    model: JointModel,
    arms: dict[str, int],
    plan: VisitPlan,
    limit_mm: float,
    distort: Callable[[Cohort], Cohort],
    seed: int,
) -> dict[str, int]:
    """Return the rank of each population parameter; prior, simulation and fit have random numbers of their own."""
    patients = patients_in_arms(arms)
    count = len(patients)
    binding = bind_patients(model, patients, np.ones(count), np.arange(count))
    theta = draw_prior_values(model, binding.dims, jax.random.key(seed)).theta
    truth = {name: np.asarray(value) for name, value in theta.items()}
    if CORRELATION in truth:
        truth[CORRELATION] = truth[CORRELATION] @ truth[CORRELATION].T
    cohort = distort(model.simulate(truth, patients, plan, seed=100_000 + seed, limit_mm=limit_mm))
    names, draws = _independent_draws(model, padded(model.bind(cohort)), seed=200_000 + seed)
    return {
        name: int(np.sum(draws[:, index] < truth[site][position])) for index, (name, site, position) in enumerate(names)
    }


def padded(binding: Binding, step: int = 64) -> Binding:
    """Return the binding with tables of rows whose length is a multiple of ``step``, for few compilations."""

    def longer(rows: Rows | None) -> Rows | None:
        if rows is None:
            return None
        more = (0, -len(rows.weight) % step)
        return Rows(*(jnp.pad(value, more, mode="edge") for value in rows))._replace(weight=jnp.pad(rows.weight, more))

    design = binding.design
    return replace(binding, design=design._replace(measured=longer(design.measured), censored=longer(design.censored)))


def _independent_draws(model: JointModel, binding: Binding, *, seed: int) -> tuple[list[FlatName], np.ndarray]:
    """Return the names of the parameters, and `KEPT` draws that are as good as independent."""
    names = flat_names(model, binding.dims, binding.labels)
    for count in DRAWS:
        sampled = sample_chains(joint_target(model, binding), NutsSettings(1, WARMUP, count, seed))
        draws = population_draws(name_draws(model, binding, sampled)[0], names)
        effective = summarise_draws([name.name for name in names], draws)["ess_bulk"].to_numpy()
        if effective.min() >= KEPT:
            break
    return names, draws.reshape(-1, len(names))[:: count // KEPT]


def smallest_p(ranks: dict[str, np.ndarray]) -> tuple[str, float]:
    """Return the parameter whose ranks look least uniform, and its chi-square p-value times the number of parameters.

    The p-value so corrected is one for all parameters together (Bonferroni).
    """
    edges = np.linspace(-0.5, KEPT + 0.5, BINS + 1)
    expected_share = np.diff(np.floor(edges + 0.5)) / (KEPT + 1)
    worst = {}
    for name, values in ranks.items():
        counts, _ = np.histogram(values, edges)
        worst[name] = float(stats.chisquare(counts, expected_share * len(values)).pvalue)
    name = min(worst, key=lambda key: worst[key])
    return name, min(1.0, worst[name] * len(ranks))
