"""From a cohort and a model to a fit."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.progress import Progress
from metachron.inference.settings import NutsSettings
from metachron.joint import JointModel

if TYPE_CHECKING:
    from metachron.inference.sampled import Sampled

ENGINES = ("nuts",)
_PACKAGES = ("metachron", "jax", "blackjax", "numpyro", "numpy", "polars", "arviz-stats")


def fit(
    model: JointModel,
    cohort: Cohort,
    *,
    engine: str = "nuts",
    chains: int = NutsSettings.chains,
    warmup: int = NutsSettings.warmup,
    draws: int = NutsSettings.draws,
    seed: int = NutsSettings.seed,
    target_acceptance: float = NutsSettings.target_acceptance,
    progress: Progress | None = None,
    check: bool = True,
) -> Fit:
    """Return the posterior of a model given a cohort, by NUTS over population parameters and patient effects.

    Parameters
    ----------
    model : see `metachron.joint.compose` and `JointModel.read`.
    cohort : see `metachron.load`.
    engine : ``"nuts"``, the reference engine.
    chains, warmup, draws, seed, target_acceptance : see `NutsSettings`.
    progress : called after every 25 steps of a chain.
    check : raise when the fit has not converged; False returns it all the same, its verdict attached.

    Raises
    ------
    ModelError
        When the model does not fit the cohort, or a setting is out of range.
    ConvergenceError
        When the draws do not pass the diagnostics; its ``fit`` holds them. An interrupted fit is not raised for: it
        is returned with ``provenance["interrupted"]`` true and its verdict.
    """
    from metachron.inference.chains import sample_chains
    from metachron.inference.posterior import name_draws

    if engine not in ENGINES:
        raise ModelError(f"there is no engine {engine!r}; known: {', '.join(ENGINES)}")
    settings = NutsSettings(chains, warmup, draws, seed, target_acceptance)
    started = time.perf_counter()
    binding = model.bind(cohort)
    sampled = sample_chains(model, binding, settings, progress)
    posterior, statistics = name_draws(model, binding, sampled)
    provenance = {
        "engine": engine,
        **asdict(settings),
        **_cost(sampled, time.perf_counter() - started),
        **_origin(cohort),
    }
    result = Fit(model, posterior, statistics, binding.labels, binding.dims, provenance, cohort)
    if check and not result.diagnostics.converged and not sampled.interrupted:
        raise ConvergenceError(result.diagnostics.advice(), result)
    return result


def _cost(sampled: Sampled, seconds: float) -> dict[str, object]:
    return {
        "interrupted": sampled.interrupted,
        "gradients_warmup": sampled.warmup_gradients,
        "gradients_sampling": int(sampled.statistics.n_steps.sum()),
        "wall_seconds": round(seconds, 2),
    }


def _origin(cohort: Cohort) -> dict[str, object]:
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "cohort": cohort.name,
        "cohort_sha256": cohort.fingerprint(),
        "accepted": [str(exception) for exception in cohort.accepted],
        "source": dict(cohort.provenance),
    }
