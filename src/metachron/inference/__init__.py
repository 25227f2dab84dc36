"""Engines that turn a model and a cohort into a `Fit`, diagnostics, and predictions from the draws."""

from metachron.inference.diagnostics import Diagnostics
from metachron.inference.estimate import Estimate, estimate
from metachron.inference.fit import Fit
from metachron.inference.fitting import fit
from metachron.inference.progress import ChainProgress
from metachron.inference.settings import ENGINES, FitSettings, NutsSettings

__all__ = [
    "ENGINES",
    "ChainProgress",
    "Diagnostics",
    "Estimate",
    "Fit",
    "FitSettings",
    "NutsSettings",
    "estimate",
    "fit",
]
