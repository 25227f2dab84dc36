"""Links that follow the trajectory in time: size, slope, change and area at each moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Array, Float

from metachron.base import Prior
from metachron.joint.links.link import Link, PatientState


@dataclass(frozen=True)
class LogCurrentSize(Link):
    """log(size(t) / 50 mm)."""

    reference_mm: float = 50.0
    name = "log-current-size"
    needs = frozenset({"positive_size"})
    constant = False
    unit = "log of size in mm"
    meaning = "how large the tumour is now, in proportion"
    prior = Prior("normal", (0.0, 1.0), "hazard ratio per doubling between 0.26 and 3.9")
    clinical_step = (math.log(2.0), "doubling")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.location(time_year) - math.log(self.reference_mm),)


@dataclass(frozen=True)
class CurrentValue(Link):
    """The location on the law's working scale at t: log mm, mm, or Box-Cox of cm as the law declares."""

    name = "current-value"
    needs = frozenset({"location"})
    constant = False
    unit = "one unit of the law's working scale"
    meaning = "how large the tumour is now, on the scale of the law"
    prior = Prior("normal", (0.0, 1.0), "hazard ratio per unit between 0.14 and 7.1")
    clinical_step = (1.0, "one unit")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.location(time_year),)


@dataclass(frozen=True)
class CurrentSize(Link):
    """size(t) in mm."""

    name = "current-size"
    needs = frozenset({"size"})
    constant = False
    unit = "mm"
    meaning = "how large the tumour is now"
    prior = Prior("normal", (0.0, 0.05), "hazard ratio per 10 mm between 0.38 and 2.7; published about 1.1")
    clinical_step = (10.0, "10 mm larger")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.size_mm(time_year),)


@dataclass(frozen=True)
class Slope(Link):
    """Rate of change of size at t in mm per year."""

    name = "slope"
    needs = frozenset({"size"})
    constant = False
    unit = "mm/year"
    meaning = "how fast the tumour grows or shrinks now"
    prior = Prior("normal", (0.0, 0.05), "hazard ratio per 10 mm/year between 0.38 and 2.7")
    clinical_step = (10.0, "10 mm/year faster")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.rate_mm_per_year(time_year),)


@dataclass(frozen=True)
class RelativeChange(Link):
    """Change from baseline at t, (size(t) - size(0)) / size(0)."""

    name = "relative-change"
    needs = frozenset({"positive_size"})
    constant = False
    unit = "fraction of the baseline size"
    meaning = "how far the tumour is above or below its baseline"
    prior = Prior("normal", (0.0, 1.0), "hazard ratio for 20 % growth between 0.68 and 1.5")
    clinical_step = (0.2, "20 % of baseline larger")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.relative_change(time_year),)


@dataclass(frozen=True)
class Area(Link):
    """Area under the size curve from day 0 to t, mm x year."""

    name = "area"
    needs = frozenset({"size"})
    constant = False
    unit = "mm x year"
    meaning = "how much tumour the patient has carried so far"
    prior = Prior("normal", (0.0, 0.05), "hazard ratio per 10 mm x year between 0.38 and 2.7")
    clinical_step = (10.0, "10 mm x year more")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.area_mm_year(time_year),)
