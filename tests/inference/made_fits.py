"""Fits whose draws are known: posteriors put together from parameters, without sampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.chains import Sampled
from metachron.inference.nuts import Statistics
from metachron.inference.posterior import name_draws
from metachron.joint import JointModel, VisitPlan
from metachron.joint.simulate import read_parameters
from metachron.joint.vector import Values, effect_shapes, pack, population_size

TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 4.1,
    "log_baseline_mm.sd": 0.5,
    "log_shrinkage_per_year.mean": {"control": 0.0, "new": 0.2},
    "log_shrinkage_per_year.sd": 0.8,
    "log_growth_per_year.mean": {"control": -0.2, "new": -0.9},
    "log_growth_per_year.sd": 0.6,
    "residual.proportional": 0.1,
    "death.log_scale_year": 0.3,
    "death.log_shape": 0.2,
    "death.link[log-growth]": 0.8,
}
PLAN = VisitPlan(visit_day=(-7.0, *(56.0 * k for k in range(1, 12))), cutoff_day=900.0, enrolment_days=200.0)


def make_fit(
    model: JointModel, cohort: Cohort, theta: Mapping[str, Any], *, draws: int = 1, jitter: float = 0.0, seed: int = 0
) -> Fit:
    """Return a fit whose draws are ``theta``, moved by ``jitter`` on the real line, with random patient effects."""
    binding = model.bind(cohort)
    values = Values(read_parameters(model, binding, theta), *map(jnp.zeros, effect_shapes(model, binding.dims)))
    centre = np.asarray(pack(values, model, binding.dims))
    moves = np.random.default_rng(seed + 1).normal(size=(1, draws, len(centre)))
    moves[..., : population_size(model, binding.dims)] *= jitter
    zeros = np.zeros((1, draws))
    energy = np.random.default_rng(seed).normal(size=(1, draws))
    statistics = Statistics(zeros, energy, zeros.astype(bool), zeros, zeros, zeros, zeros)
    sampled = Sampled(centre + moves, statistics, 0, False)
    posterior, sample_stats = name_draws(model, binding, sampled)
    return Fit(model, posterior, sample_stats, binding.labels, binding.dims, {}, cohort)
