"""From a cohort and a model to a fit."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.cohort.involvement import with_involvement
from metachron.inference.checkpoint import Checkpoint
from metachron.inference.fit import Fit
from metachron.inference.marginal.suitable import why_not
from metachron.inference.programs import release_programs
from metachron.inference.progress import Progress
from metachron.inference.settings import ACCEPTANCE_OF_CLASSES, WARMUP, NutsSettings, refuse_unknown_engine
from metachron.inference.threads import one_thread_per_operation
from metachron.joint import JointModel

if TYPE_CHECKING:
    from metachron.inference.sampled import Sampled
    from metachron.joint.design import Binding

_PACKAGES = ("metachron", "jax", "blackjax", "numpyro", "numpy", "polars", "arviz-stats")


def fit(
    model: JointModel,
    cohort: Cohort,
    *,
    engine: str = "auto",
    chains: int = NutsSettings.chains,
    warmup: int | None = None,
    draws: int = NutsSettings.draws,
    seed: int = NutsSettings.seed,
    target_acceptance: float | None = None,
    progress: Progress | None = None,
    check: bool = True,
    checkpoint: str | Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> Fit:
    """Return the posterior of a model given a cohort.

    Parameters
    ----------
    model : see `metachron.joint.compose` and `JointModel.read`.
    cohort : see `metachron.load`.
    engine : ``"nuts"`` samples population parameters and patient effects together, the reference; ``"marginal"``
        integrates the effects out and says how well; ``"auto"`` takes the marginal one where the model allows it, and
        NUTS where it does not or where integrals or draws are poor. ``provenance`` says which and why.
    chains, draws, seed : see `NutsSettings`.
    warmup : see `NutsSettings`; None: 1000 with NUTS, 300 with the marginal engine.
    target_acceptance : see `NutsSettings`; None: 0.8, and 0.99 where NUTS samples a model with a durable class.
    progress : called after every 25 steps of a chain.
    check : raise when the fit has not converged; False returns it all the same, its verdict attached.
    checkpoint : a folder that keeps what a killed run needs to go on; it goes on from what is there already and gives
        the draws of a run that was never stopped. Removed once the run is complete.
    tell : called with a sentence when another part of the work begins.

    Raises
    ------
    ModelError
        When the model does not fit the cohort or the engine, or a setting is out of range.
    FitFileError
        When the checkpoint is of another run.
    ConvergenceError
        When the draws do not pass the diagnostics; its ``fit`` holds them. An interrupted fit is not raised for: it
        is returned with ``provenance["interrupted"]`` true and its verdict.
    """
    refuse_unknown_engine(engine)
    release_programs()
    taken, reason = _choose(engine, model)
    if taken == "nuts" and chains >= (os.cpu_count() or 1):
        one_thread_per_operation()
    cohort = with_involvement(cohort, model.covariate_columns)
    binding = model.bind(cohort)

    kept: list[Checkpoint] = []

    def run(name: str, why: str | None) -> Fit:
        classes = name == "nuts" and model.durable is not None
        usual = ACCEPTANCE_OF_CLASSES if classes else NutsSettings.target_acceptance
        settings = NutsSettings(
            chains,
            WARMUP[name] if warmup is None else warmup,
            draws,
            seed,
            usual if target_acceptance is None else target_acceptance,
        )
        if checkpoint is not None:
            kept.append(_checkpoint(checkpoint, name, model, cohort, settings))
        return _run(name, why, model, cohort, binding, settings, progress, kept[-1] if kept else None, tell)

    result = run(taken, reason)
    integrals = result.provenance.get("integrals")
    interrupted = result.provenance["interrupted"]
    if engine == "auto" and integrals is not None and not result.diagnostics.converged and not interrupted:
        poor = integrals["sentence"] if integrals["word"] == "use NUTS" else result.diagnostics.verdict
        if tell is not None:
            tell(f"{poor}; going on with NUTS")
        result = run("nuts", f"the marginal engine was tried first; {poor}")
        interrupted = result.provenance["interrupted"]
    if not interrupted:
        for stored in kept:
            stored.discard()
    if check and not result.diagnostics.converged and not interrupted:
        raise ConvergenceError(result.diagnostics.advice(), result)
    return result


def _choose(engine: str, model: JointModel) -> tuple[str, str | None]:
    """Return the engine to run, and why it was chosen where the user left the choice."""
    reason = why_not(model)
    if engine != "auto":
        if engine == "marginal" and reason is not None:
            raise ModelError(f"the marginal engine cannot fit this model: {reason}; use --engine nuts")
        return engine, None
    if reason is not None:
        return "nuts", f"the marginal engine cannot fit this model: {reason}"
    if model.single_lesions:
        return "nuts", (
            "sizes are lesion by lesion: effects of lesions could be integrated out (engine marginal), but sampling "
            "them is faster"
        )
    return "marginal", "patient effects can be integrated out"


def _run(
    engine: str,
    why: str | None,
    model: JointModel,
    cohort: Cohort,
    binding: Binding,
    settings: NutsSettings,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
    tell: Callable[[str], None] | None,
) -> Fit:
    from metachron.inference.chains import sample_chains
    from metachron.inference.posterior import name_draws
    from metachron.inference.target import joint_target

    started = time.perf_counter()
    extra: dict[str, Any] = {}
    if engine == "marginal":
        from metachron.inference.marginal.engine import sample_marginal

        marginal = sample_marginal(model, binding, settings, progress, checkpoint, tell=tell)
        sampled = marginal.sampled
        extra["integrals"] = marginal.verdict.as_dict()
        posterior, statistics = name_draws(model, binding, sampled, marginal.effects, marginal.lesions)
    else:
        sampled = sample_chains(joint_target(model, binding), settings, progress, checkpoint)
        posterior, statistics = name_draws(model, binding, sampled)
    provenance = {
        "engine": engine,
        **({"engine_reason": why} if why else {}),
        **asdict(settings),
        **_cost(sampled, time.perf_counter() - started),
        **extra,
        **_cautions(model, binding),
        **_origin(cohort),
    }
    return Fit(model, posterior, statistics, binding.labels, binding.dims, provenance, cohort)


def _cautions(model: JointModel, binding: Binding) -> dict[str, list[str]]:
    from metachron.inference.follow_up import follow_up_cautions

    found = follow_up_cautions(model, binding)
    return {"cautions": list(found)} if found else {}


def _checkpoint(
    folder: str | Path, engine: str, model: JointModel, cohort: Cohort, settings: NutsSettings
) -> Checkpoint:
    versions = {name: version(name) for name in _PACKAGES}
    run = {"engine": engine, "model": model.to_toml(), "cohort": cohort.fingerprint(), "versions": versions}
    return Checkpoint(Path(folder) / engine, {**run, "settings": asdict(settings)})


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
