"""Simulation-based calibration (Talts 2018, arXiv:1804.06788): ranks of true parameters among posterior draws.

Parameters are drawn from the prior, a cohort is simulated from them and the model is fitted to it. If simulation,
likelihood, prior and sampler belong together, the rank of each true value among the draws is uniform.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from scipy import stats

from metachron.cohort import Cohort
from metachron.inference import fit
from metachron.inference.posterior import population_draws
from metachron.joint import JointModel, VisitPlan, patients_in_arms
from metachron.joint.design import bind_patients
from metachron.joint.names import flat_names
from metachron.joint.sites import CORRELATION, draw_prior_values

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "slow"
WARMUP, DRAWS, KEPT = 200, 250, 50
"""Two chains of 250 draws, every tenth kept: 50 draws that are close to independent."""
BINS = 6


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
    """Return the ranks (0 to `KEPT`) of each population parameter over replicates; done ones are read from disk.

    ``distort`` changes the simulated cohort before it is fitted: a deliberate error.
    """
    settings = [model.to_toml(), arms, str(plan), limit_mm, WARMUP, DRAWS, KEPT]
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


def _replicate(
    model: JointModel,
    arms: dict[str, int],
    plan: VisitPlan,
    limit_mm: float,
    distort: Callable[[Cohort], Cohort],
    seed: int,
) -> dict[str, int]:
    patients = patients_in_arms(arms)
    count = len(patients)
    binding = bind_patients(model, patients, np.ones(count), np.arange(count))
    theta = draw_prior_values(model, binding.dims, jax.random.key(seed)).theta
    truth = {name: np.asarray(value) for name, value in theta.items()}
    if CORRELATION in truth:
        truth[CORRELATION] = truth[CORRELATION] @ truth[CORRELATION].T
    cohort = distort(model.simulate(truth, patients, plan, seed=seed, limit_mm=limit_mm))
    result = fit(model, cohort, chains=2, warmup=WARMUP, draws=DRAWS, seed=seed, check=False)
    names = flat_names(model, result.dims, result.labels)
    draws = population_draws(result.posterior, names).reshape(-1, len(names))[:: 2 * DRAWS // KEPT]
    return {
        name: int(np.sum(draws[:, index] < truth[site][position])) for index, (name, site, position) in enumerate(names)
    }


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
