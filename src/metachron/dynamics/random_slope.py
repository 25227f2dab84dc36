"""Random slope: a straight line on the mm, log or Box-Cox scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ParameterSpec, Prior, Transform
from metachron.dynamics.law import Law, Psi
from metachron.dynamics.parameters import TYPICAL_BASELINE_MM
from metachron.dynamics.scale import SCALES, Scale

_SOURCE = "linear mixed model: Laird 1982, doi:10.2307/2529876; Box-Cox scale: Krol 2016, doi:10.1111/biom.12490"
_SPREAD_REASON = "a relative change of a factor e (per year for the slope), carried to this scale at a size of 65 mm"
_PRIORS = {
    "mm": (TYPICAL_BASELINE_MM, 65.0),
    "log": (math.log(TYPICAL_BASELINE_MM), 1.0),
    "boxcox": (2.5, 1.75),
}
"""Per scale: the value of 65 mm, and the change of the scale per unit of log size there."""


@dataclass(frozen=True)
class RandomSlope(Law):
    """location(t) = baseline + slope t on the scale ``scale_name`` ("mm", "log" or "boxcox"), t in years.

    The line continues before day 0. Size can be 0 mm or, on the mm scale, negative, except on the log scale.

    Raises
    ------
    ModelError : there is no scale of that name.
    """

    scale_name: str = "mm"
    source = _SOURCE
    equation = "location(t) = baseline + slope t"

    def __post_init__(self) -> None:
        _ = SCALES[self.scale_name]

    @property
    def name(self) -> str:
        return "random-slope" if self.scale_name == "mm" else f"random-slope-{self.scale_name}"

    @property
    def scale(self) -> Scale:
        return SCALES[self.scale_name]

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        centre, spread = _PRIORS[self.scale_name]
        unit = self.scale.unit
        return (
            ParameterSpec(
                name="baseline",
                transform=Transform.IDENTITY,
                unit=unit,
                meaning="location at day 0 on the working scale",
                prior=Prior("normal", (centre, spread), f"65 mm, the median sum in OAK; spread: {_SPREAD_REASON}"),
                source="OAK: Gandara 2018, doi:10.1038/s41591-018-0134-3",
            ),
            ParameterSpec(
                name="slope_per_year",
                transform=Transform.IDENTITY,
                unit=f"{unit} per year",
                meaning="change of the location per year",
                prior=Prior("normal", (0.0, spread), f"no change expected; spread: {_SPREAD_REASON}"),
                source=_SOURCE,
            ),
        )

    def location(self, time_year: Float[Array, "..."], psi: Psi) -> Float[Array, "..."]:
        return psi["baseline"] + psi["slope_per_year"] * time_year

    def time_to_growth_year(self, psi: Psi) -> Float[Array, "..."]:
        """Return 0 for a rising line, else inf."""
        return jnp.where(psi["slope_per_year"] > 0, 0.0, jnp.inf) + jnp.zeros_like(psi["baseline"])
