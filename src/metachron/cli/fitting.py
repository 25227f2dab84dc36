"""Fitting with progress, and never losing draws: whatever was sampled is saved, converged or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metachron.base import ConvergenceError
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note
from metachron.cli.fit_table import show_fit
from metachron.cli.progress import chain_progress

if TYPE_CHECKING:
    from metachron.cohort import Cohort
    from metachron.inference import Fit
    from metachron.joint import JointModel


def fit_and_save(model: JointModel, cohort: Cohort, out: Path, *, check: bool = True, **settings: int | str) -> Fit:
    """Return the fit, saved at ``out``; ``settings`` are those of `metachron.inference.fit`.

    Raises
    ------
    ConvergenceError
        When the fit has not converged; its draws are at ``out``.
    KeyboardInterrupt
        When the user stopped it; draws made after warm-up are at ``out``.
    """
    from metachron.inference import fit

    keep_compiled_models()
    failure = None
    with chain_progress(int(settings["chains"])) as progress:
        try:
            result = fit(model, cohort, check=check, progress=progress, **settings)  # type: ignore[arg-type]
        except ConvergenceError as error:
            failure, result = error, error.fit  # type: ignore[assignment]
    result.save(out)
    show_fit(result)
    note(f"\nsaved: {out}")
    if failure is not None:
        raise failure
    if result.provenance["interrupted"]:
        draws = result.sample_stats.sizes["draw"]
        raise KeyboardInterrupt(f"the {draws} draws of each chain made so far are kept in {out}")
    return result
