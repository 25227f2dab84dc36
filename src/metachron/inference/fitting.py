"""From a cohort and a model to a fit."""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version

from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.inference.chains import Progress, Sampled, sample_chains
from metachron.inference.fit import Fit
from metachron.inference.posterior import name_draws
from metachron.joint import Binding, JointModel

ENGINES = ("nuts",)
_PACKAGES = ("metachron", "jax", "blackjax", "numpyro", "numpy", "polars", "arviz-stats")


def fit(
    model: JointModel,
    cohort: Cohort,
    *,
    engine: str = "nuts",
    chains: int = 4,
    warmup: int = 1000,
    draws: int = 1000,
    seed: int = 1,
    progress: Progress | None = None,
    check: bool = True,
) -> Fit:
    """Return the posterior of a model given a cohort, by NUTS over population parameters and patient effects.

    Parameters
    ----------
    model : see `metachron.joint.compose` and `JointModel.read`.
    cohort : see `metachron.cohort.load`.
    engine : ``"nuts"``, the reference engine.
    chains, warmup, draws : number of chains, and steps of each before and after adaptation.
    seed : the same seed, cohort, model and settings give the same draws.
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
    _check_settings(engine, chains, warmup, draws)
    started = time.perf_counter()
    binding = model.bind(cohort)
    sampled = sample_chains(model, binding, chains=chains, warmup=warmup, draws=draws, seed=seed, progress=progress)
    result = _fit(model, cohort, binding, sampled)
    settings = {"engine": engine, "chains": chains, "warmup": warmup, "draws": draws, "seed": seed}
    result = result_with(result, settings, sampled, time.perf_counter() - started)
    if check and not result.diagnostics.converged and not sampled.interrupted:
        raise ConvergenceError(result.diagnostics.advice(), result)
    return result


def result_with(result: Fit, settings: dict[str, object], sampled: Sampled, seconds: float) -> Fit:
    """Return the fit with its provenance filled in."""
    from dataclasses import replace

    cohort = result.cohort
    assert cohort is not None
    provenance = {
        **settings,
        "interrupted": sampled.interrupted,
        "gradients_warmup": sampled.warmup_gradients,
        "gradients_sampling": int(sampled.statistics.n_steps.sum()),
        "wall_seconds": round(seconds, 2),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "cohort": cohort.name,
        "cohort_sha256": cohort.fingerprint(),
        "accepted": [str(exception) for exception in cohort.accepted],
        "source": dict(cohort.provenance),
    }
    return replace(result, provenance=provenance)


def _fit(model: JointModel, cohort: Cohort, binding: Binding, sampled: Sampled) -> Fit:
    posterior, statistics = name_draws(model, binding, sampled)
    return Fit(model, posterior, statistics, binding.labels, binding.dims, {}, cohort)


def _check_settings(engine: str, chains: int, warmup: int, draws: int) -> None:
    if engine not in ENGINES:
        raise ModelError(f"there is no engine {engine!r}; known: {', '.join(ENGINES)}")
    for name, value, least in (("chains", chains, 1), ("warmup", warmup, 50), ("draws", draws, 10)):
        if value < least:
            raise ModelError(f"{name} must be at least {least}; found {value}")
