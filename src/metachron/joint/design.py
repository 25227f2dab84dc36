"""What a log density needs of a cohort: flat arrays for computing, and the labels that say what each index means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metachron.joint.covariates import Coding
from metachron.joint.lesion_table import LesionTable
from metachron.joint.stretches import Stretches


class Rows(NamedTuple):
    """Flat rows, one per measurement; ``weight`` is 1, and 0 for padding."""

    time_year: Float[Array, " row"]
    value: Float[Array, " row"]
    patient: Int[Array, " row"]
    series: Int[Array, " row"]
    weight: Float[Array, " row"]


class Events(NamedTuple):
    """One entry per patient: entry and event or censoring, in years; weights mark what kind each is."""

    entry_year: Float[Array, " patient"]
    lower_year: Float[Array, " patient"]
    upper_year: Float[Array, " patient"]
    known: Float[Array, " patient"]
    exact: Float[Array, " patient"]
    interval: Float[Array, " patient"]


class Design(NamedTuple):
    """Everything about a cohort that a log density needs, as arrays; lengths are rounded up to size buckets."""

    measured: Rows | None
    censored: Rows | None
    series_patient: Int[Array, " series"]
    patient_weight: Float[Array, " patient"]
    arm: Int[Array, " patient"]
    study_arm: Int[Array, " patient"]
    columns: dict[str, Float[Array, "patient column"]]
    events: Events | None
    knots_year: Float[Array, " knot"]
    series_organ: Int[Array, " series"] | None = None
    stretches: Stretches | None = None
    lesions: LesionTable | None = None
    seen_year: Float[Array, "patient lesion"] | None = None

    def group(self, kind: str) -> Int[Array, " patient"]:
        """Return the group index of each patient for ``"all"``, ``"arm"`` or ``"study-arm"``."""
        if kind == "all":
            return jnp.zeros_like(self.arm)
        return self.arm if kind == "arm" else self.study_arm


@dataclass(frozen=True)
class Dims:
    """The sizes that shape the parameters: hashable, so that equal ones share compiled code."""

    patients: int
    series: int
    arms: int
    study_arms: int
    columns: tuple[tuple[str, int], ...]
    interval: bool
    organs: int = 0
    new_lesion_organs: int = 0

    def groups(self, kind: str) -> int:
        """Return the number of groups of a kind."""
        return {"all": 1, "arm": self.arms, "study-arm": self.study_arms}[kind]

    def column_count(self, block: str) -> int:
        """Return the number of design columns of a parameter, of ``"hazard"``, ``"new_lesion"`` or ``"durable"``."""
        return dict(self.columns).get(block, 0)


@dataclass(frozen=True)
class Labels:
    """What the indices mean, and what was learned from the cohort that was fitted; stored in a fit."""

    patients: tuple[str, ...]
    series: tuple[tuple[str, str | None], ...]
    arms: tuple[str, ...]
    study_arms: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    codings: dict[str, Coding]
    knots_year: tuple[float, ...]
    limit_mm: float
    organs: tuple[str, ...] = ()
    new_lesion_organs: tuple[str, ...] = ()
    new_lesion_knots_year: tuple[float, ...] = ()

    def group(self, kind: str) -> tuple[str, ...]:
        """Return the names of the groups of a kind."""
        return {"all": (), "arm": self.arms, "study-arm": self.study_arms}[kind]


@dataclass(frozen=True)
class Binding:
    """A model's view of one cohort: arrays, their sizes, and their labels."""

    design: Design
    dims: Dims
    labels: Labels
