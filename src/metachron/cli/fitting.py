"""Fitting with progress, and never losing draws: whatever was sampled is saved, converged or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from metachron.base import ConvergenceError
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note
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
            result = fit(model, cohort, progress=progress, **settings)
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
