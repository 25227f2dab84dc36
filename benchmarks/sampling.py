"""Effective draws per CPU second of the joint engine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from metachron.cohort import Cohort
from metachron.inference import fit
from metachron.joint import JointModel


@dataclass(frozen=True)
class SamplingCost:
    """What a fit cost and gave; CPU seconds are of all threads, compilation included."""

    cpu_seconds: float
    min_ess_bulk: float
    min_ess_tail: float
    max_rhat: float
    divergences: int
    leapfrogs_warmup: int
    leapfrogs_sampling: int

    @property
    def ess_per_cpu_second(self) -> float:
        """Minimum of bulk and tail ESS over population parameters, per CPU second."""
        return min(self.min_ess_bulk, self.min_ess_tail) / self.cpu_seconds


def measure_sampling(model: JointModel, cohort: Cohort, *, warmup: int, draws: int, seed: int) -> SamplingCost:
    """Return the cost of a fit with two chains; raises `ConvergenceError` when it has not converged."""
    before = time.process_time()
    result = fit(model, cohort, chains=2, warmup=warmup, draws=draws, seed=seed)
    seconds = time.process_time() - before
    table = result.summary()
    return SamplingCost(
        cpu_seconds=seconds,
        min_ess_bulk=float(table["ess_bulk"].min()),  # type: ignore[arg-type]
        min_ess_tail=float(table["ess_tail"].min()),  # type: ignore[arg-type]
        max_rhat=float(table["rhat"].max()),  # type: ignore[arg-type]
        divergences=result.diagnostics.divergences,
        leapfrogs_warmup=result.provenance["gradients_warmup"],
        leapfrogs_sampling=result.provenance["gradients_sampling"],
    )
