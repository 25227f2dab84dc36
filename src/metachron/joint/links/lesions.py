"""Links to all lesions of a patient together, and to the number of new ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError, Prior, list_briefly
from metachron.cohort.schema import ORGANS
from metachron.joint.links.link import Link, PatientState

_DOUBLING = Prior("normal", (0.0, 1.0), "hazard ratio per doubling between 0.26 and 3.9")
_TINY_MM = 1e-6
"""Added to sizes before a logarithm: a patient whose lesions have all vanished has a large negative value, not -inf."""


def _log_ratio(size_mm: Float[Array, "..."], reference_mm: float) -> Float[Array, "..."]:
    return jnp.log((size_mm + _TINY_MM) / reference_mm)


@dataclass(frozen=True)
class LesionSum(Link):
    """log(sum of the sizes of all lesions / 50 mm)."""

    reference_mm: float = 50.0
    name = "lesion-sum"
    needs = frozenset({"lesions", "size"})
    constant = False
    unit = "log of the sum in mm"
    meaning = "how large all lesions are together now, in proportion"
    prior = _DOUBLING
    clinical_step = (math.log(2.0), "doubling")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (_log_ratio(state.lesion_sizes_mm(time_year).sum(axis=1), self.reference_mm),)


@dataclass(frozen=True)
class LargestLesion(Link):
    """log(size of the largest lesion / 20 mm)."""

    reference_mm: float = 20.0
    name = "largest-lesion"
    needs = frozenset({"lesions", "size"})
    constant = False
    unit = "log of the size in mm"
    meaning = "how large the largest lesion is now, in proportion"
    prior = _DOUBLING
    clinical_step = (math.log(2.0), "doubling")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (_log_ratio(state.lesion_sizes_mm(time_year).max(axis=1), self.reference_mm),)


@dataclass(frozen=True)
class OrganBurden(Link):
    """Sum of the sizes of the lesions within an organ in mm, a coefficient for each of ``organs``."""

    organs: tuple[str, ...] = ("liver",)
    name = "organ-burden"
    needs = frozenset({"lesions", "size"})
    constant = False
    unit = "mm"
    meaning = "how large the lesions of the organ are together now"
    prior = Prior("normal", (0.0, 0.05), "hazard ratio per 10 mm between 0.38 and 2.7")
    clinical_step = (10.0, "10 mm more")

    def __post_init__(self) -> None:
        unknown = sorted(set(self.organs) - set(ORGANS))
        if not self.organs or unknown or len(set(self.organs)) < len(self.organs):
            raise ModelError(
                f"link {self.name!r}: organs must be different ones of {list_briefly(ORGANS, 20)}; found "
                f"{list_briefly(self.organs) or 'none'}"
            )

    def coefficients(self, effects: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{self.name}:{organ}" for organ in self.organs)

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        sizes, site = state.lesion_sizes_mm(time_year), state.lesion_sites[..., None]
        return tuple(jnp.sum(sizes * (site == ORGANS.index(organ)), axis=1) for organ in self.organs)


@dataclass(frozen=True)
class NewLesionCount(Link):
    """Number of new lesions found so far; a step on the day after each."""

    name = "new-lesion-count"
    needs = frozenset({"new_lesion_days"})
    constant = False
    unit = "new lesion"
    meaning = "how many new lesions have been found"
    prior = Prior("normal", (0.0, 0.5), "hazard ratio per new lesion between 0.38 and 2.7")
    clinical_step = (1.0, "one new lesion more")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.new_lesions_before(time_year),)


@dataclass(frozen=True)
class OrgansInvolved(Link):
    """Number of organs with lesions; one counts by half when its lesions sum to ``half_mm`` (5 mm unless stated).

    A count of organs above a threshold would jump, and a sampler could not follow it.
    """

    half_mm: float = 5.0
    name = "organs-involved"
    needs = frozenset({"lesions", "size"})
    constant = False
    unit = "organ"
    meaning = "in how many organs lesions can be seen now"
    prior = Prior("normal", (0.0, 0.5), "hazard ratio per organ between 0.38 and 2.7")
    clinical_step = (1.0, "one organ more")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        sizes, site = state.lesion_sizes_mm(time_year), state.lesion_sites
        inside = (site[:, None, :] == np.arange(len(ORGANS))[:, None]).astype(sizes.dtype)
        burden = jnp.einsum("pol,pln->pon", inside, sizes)
        return (jnp.sum(burden / (burden + self.half_mm), axis=1),)
