"""Fitting with progress, and never losing draws: whatever was sampled is saved, converged or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from metachron.base import ConvergenceError
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_table
from metachron.cli.fit_table import show_fit, show_parameters
from metachron.cli.progress import chain_progress

if TYPE_CHECKING:
    from metachron.cohort import Cohort
    from metachron.inference import Fit
    from metachron.joint import JointModel


def fit_and_save(
    model: JointModel,
    cohort: Cohort,
    out: Path,
    **settings: Any,
) -> Fit:
    """Return the fit, saved at ``out``; settings as for `metachron.inference.fit`.

    Raises
    ------
    ConvergenceError
        When the fit has not converged; its draws are at ``out``.
    KeyboardInterrupt
        When the user stopped it; draws made after warm-up are at ``out``.
    """
    from metachron.inference import fit

    keep_compiled_models()
    try:
        with chain_progress(settings["chains"]) as progress:
            result = fit(model, cohort, progress=progress, tell=note, **settings)
    except ConvergenceError as error:
        failed = cast("Fit", error.fit)
        failed.save(out)
        show_parameters(failed)
        note(f"\nthe draws are kept in {out}, but do not rely on them:")
        raise
    result.save(out)
    show_fit(result)
    if result.provenance["interrupted"]:
        draws = result.sample_stats.sizes["draw"]
        raise KeyboardInterrupt(f"the {draws} draws of each chain made so far are kept in {out}")
    note(f"saved: {out}")
    return result


def estimate_and_save(model: JointModel, cohort: Cohort, out: Path, kind: str, *, seed: int) -> None:
    """Show the maximum of the marginal likelihood (``ml``) or posterior (``map``), and write it at ``out`` as JSON."""
    from metachron.inference import estimate

    keep_compiled_models()
    result = estimate(model, cohort, kind, seed=seed, report=note)
    show_table(result.table)
    error = f"numerical error {result.log_likelihood_error:.2f}"
    say(f"\nlog likelihood {result.log_likelihood:.3f} ({error}), AIC {result.aic:.1f}, BIC {result.bic:.1f}")
    for warning in result.warnings:
        say(f"caution: {warning}")
    out.write_text(json.dumps(result.as_dict(), indent=2) + "\n", encoding="utf-8")
    note(f"saved: {out}")
