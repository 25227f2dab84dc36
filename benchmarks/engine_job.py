"""An engine of metachron on a cohort, in a fresh process with an empty compilation cache."""

from __future__ import annotations

import os
import threading
import time
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from benchmarks.cohorts import benchmark_cohort, benchmark_model
from benchmarks.gradient import check_gradient
from benchmarks.jobs import Job
from benchmarks.memory import peak_mib
from benchmarks.precision import ess_of_draws
from metachron.inference import Fit, fit
from metachron.inference.posterior import population_draws
from metachron.inference.progress import ChainProgress
from metachron.inference.sampled import CHUNK
from metachron.joint.names import flat_names

_ASKED = "/jax/compilation_cache/compile_requests_use_cache"
_COMPILED = "/jax/core/compile/backend_compile_duration"


class CompileClock:
    """CPU seconds that XLA spent on compiling, from the events that JAX announces before and after.

    Tracing is not among them: a compilation cache saves the one and not the other. The engines compile in one thread
    at a time while the others wait, so that the process's CPU time between the two events is the compiler's.
    """

    def __init__(self) -> None:
        self.cpu_seconds = 0.0
        self.compilations = 0
        self._local = threading.local()
        jax.monitoring.register_event_listener(self._asked)
        jax.monitoring.register_event_duration_secs_listener(self._compiled)

    def _asked(self, event: str, **_: Any) -> None:
        if event == _ASKED:
            self._local.since = time.process_time()

    def _compiled(self, event: str, _: float, **__: Any) -> None:
        if event == _COMPILED and (since := getattr(self._local, "since", None)) is not None:
            self.cpu_seconds += time.process_time() - since
            self.compilations += 1
            self._local.since = None


class Watch:
    """A progress callback that notes when all chains have drawn, and what the draws after that cost."""

    def __init__(self, chains: int) -> None:
        self.first_draw_cpu_seconds: float | None = None
        self.last_cpu_seconds = 0.0
        self.leapfrogs = 0.0
        self._waiting = set(range(chains))
        self._lock = threading.Lock()

    def __call__(self, progress: ChainProgress) -> None:
        """Take note of a chunk."""
        with self._lock:
            now = time.process_time()
            if not progress.warming_up:
                self._waiting.discard(progress.chain)
            if self.first_draw_cpu_seconds is not None:
                self.leapfrogs += progress.mean_steps * CHUNK
                self.last_cpu_seconds = now
            elif not self._waiting:
                self.first_draw_cpu_seconds = now

    @property
    def ms_per_leapfrog(self) -> float | None:
        """CPU milliseconds per leapfrog step once all chains draw, all that the sampler does counted."""
        if self.first_draw_cpu_seconds is None or self.leapfrogs == 0:
            return None
        return (self.last_cpu_seconds - self.first_draw_cpu_seconds) / self.leapfrogs * 1e3


def run_engine(job: Job, *, imported_cpu_seconds: float) -> dict[str, Any]:
    """Return what a job with an engine of metachron cost and gave.

    Parameters
    ----------
    imported_cpu_seconds : CPU time of the process when all imports were done; they are counted, reading or
        simulating the cohort is not.
    """
    cohort, model = benchmark_cohort(job.cohort), benchmark_model(job.link)
    watch = Watch(job.chains)
    with TemporaryDirectory() as cache:
        jax.config.update("jax_compilation_cache_dir", cache)
        clock = CompileClock()
        elsewhere = time.process_time() - imported_cpu_seconds
        started = time.perf_counter()
        result = fit(
            model, cohort, engine=job.engine, chains=job.chains, warmup=job.warmup, draws=job.draws, seed=job.seed,
            progress=watch, check=False,
        )  # fmt: skip
        costs = {
            "cpu_seconds": time.process_time() - elsewhere,
            "compile_cpu_seconds": clock.cpu_seconds,
            "compilations": clock.compilations,
            "first_draw_cpu_seconds": (watch.first_draw_cpu_seconds or time.process_time()) - elsewhere,
            "wall_seconds": time.perf_counter() - started,
            "peak_mib": peak_mib(os.getpid()),
            "ms_per_leapfrog": watch.ms_per_leapfrog,
        }
        error = None if job.short else check_gradient(model, model.bind(cohort))
        return {**costs, **_answer(result, short=job.short), "gradient_error": error}


def _answer(result: Fit, *, short: bool) -> dict[str, Any]:
    """Return draws' summary, counts and verdict; of a short run the counts alone."""
    counts = {
        "draws": result.provenance["draws"],
        "warmup": result.provenance["warmup"],
        "leapfrogs_warmup": result.provenance["gradients_warmup"],
        "leapfrogs_sampling": result.provenance["gradients_sampling"],
        "divergences": int(np.sum(result.sample_stats["diverging"].to_numpy())),
    }
    if short:
        return counts
    names = flat_names(result.model, result.dims, result.labels)
    found = ess_of_draws([name for name, _, _ in names], population_draws(result.posterior, names))
    return {**counts, **found, "converged": result.diagnostics.converged, "verdict": result.verdict}
