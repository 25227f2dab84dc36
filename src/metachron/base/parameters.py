"""Parameters as data: a name, the scale it is built on, a prior with its reason, and a unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transform(StrEnum):
    """The scale on which a parameter is additive (group means, covariates and patient effects add up on it)."""

    IDENTITY = "identity"
    LOG = "log"
    LOGIT = "logit"


@dataclass(frozen=True)
class Prior:
    """A prior distribution as data.

    Parameters
    ----------
    family : ``"normal"`` (mean, sd), ``"half_normal"`` (sd), ``"log_normal"`` (mean and sd of the log),
        ``"exponential"`` (rate), ``"student_t"`` (df, location, scale), ``"half_student_t"`` (df, scale),
        ``"half_cauchy"`` (scale), ``"inverse_gamma"`` (shape, scale), ``"lkj"`` (concentration; correlation matrices)
        or ``"horseshoe"`` (global scale, df and scale of the slab; coefficients of covariates).
    args : the numbers named in brackets above, in that order.
    reason : why these numbers; a prior without a reason is a bug.
    """

    family: str
    args: tuple[float, ...]
    reason: str = ""


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of a dynamics law, an observation law or a baseline hazard.

    Parameters
    ----------
    name : name on the natural scale, carrying its unit, e.g. ``growth_per_year``.
    transform : natural value = inverse transform of the value that the model works with.
    unit : unit of the natural value, in words.
    meaning : what it says, for a clinician.
    prior : prior of the population mean on the transform scale (or of the value itself, when positive by nature).
    size : number of components (more than one for piecewise and spline hazards); -1: one more than interior knots.
    source : paper, equation or table, DOI.
    """

    name: str
    transform: Transform
    unit: str
    meaning: str
    prior: Prior
    size: int = 1
    source: str = ""

    @property
    def label(self) -> str:
        """Name on the working scale: ``log_growth_per_year`` for a log-transformed ``growth_per_year``."""
        return self.name if self.transform is Transform.IDENTITY else f"{self.transform}_{self.name}"
