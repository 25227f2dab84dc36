"""Links that do not move with time: they keep the cumulative hazard in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import Prior
from metachron.joint.links.link import Link, PatientState

_E_FOLD = Prior("normal", (0.0, 1.0), "hazard ratio per doubling between 0.26 and 3.9 with 95 % prior probability")
_DOUBLING = (math.log(2.0), "doubling")


@dataclass(frozen=True)
class LogGrowth(Link):
    """log(growth per year / 0.5 per year): zero for a patient whose resistant cells double in 1.4 years."""

    reference_per_year: float = 0.5
    name = "log-growth"
    needs = frozenset({"growth"})
    constant = True
    unit = "log of growth rate per year"
    meaning = "how fast the tumour regrows"
    prior = _E_FOLD
    clinical_step = _DOUBLING

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.psi["growth_per_year"] - math.log(self.reference_per_year),)

    def without_growth(self, effects: tuple[str, ...], growth: str) -> tuple[float | None, ...]:
        """Return 0: the class counts against a patient whose growth is the reference."""
        return (0.0,)


@dataclass(frozen=True)
class LogShrinkage(Link):
    """log(shrinkage per year / 0.5 per year)."""

    reference_per_year: float = 0.5
    name = "log-shrinkage"
    needs = frozenset({"shrinkage"})
    constant = True
    unit = "log of shrinkage rate per year"
    meaning = "how fast the tumour shrinks under treatment"
    prior = _E_FOLD
    clinical_step = _DOUBLING

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.psi["shrinkage_per_year"] - math.log(self.reference_per_year),)


@dataclass(frozen=True)
class TimeToGrowth(Link):
    """Time to growth in years, truncated to 0 to ``cap_year`` (5 years unless stated; the cap is part of the model)."""

    cap_year: float = 5.0
    name = "time-to-growth"
    needs = frozenset({"time_to_growth"})
    constant = True
    unit = "year until the tumour starts to grow"
    meaning = "how long the tumour shrinks before it grows again"
    prior = Prior("normal", (0.0, 2.0), "hazard ratio per month of delay between 0.72 and 1.39")
    clinical_step = (0.25, "3 months later")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (jnp.clip(state.trajectory.time_to_growth_year(), 0.0, self.cap_year),)

    def without_growth(self, effects: tuple[str, ...], growth: str) -> tuple[float | None, ...]:
        """Return the cap: growth never begins."""
        return (self.cap_year,)


@dataclass(frozen=True)
class ResistantFraction(Link):
    """Logit of the fraction of the tumour that treatment does not reach."""

    name = "resistant-fraction"
    needs = frozenset({"resistant_fraction"})
    constant = True
    unit = "logit of the resistant fraction"
    meaning = "how much of the tumour the treatment does not reach"
    prior = Prior("normal", (0.0, 1.0), "hazard ratio per doubling of the odds between 0.26 and 3.9")
    clinical_step = (math.log(2.0), "doubling of the odds")

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return (state.trajectory.psi["resistant_fraction"],)


@dataclass(frozen=True)
class SharedEffects(Link):
    """The patient effects themselves, one coefficient per random parameter of the dynamics (shared random effects)."""

    name = "shared-effects"
    needs = frozenset({"effects"})
    constant = True
    unit = "one unit of the patient effect on its transform scale"
    meaning = "what is particular to the patient beyond arm and covariates"
    prior = _E_FOLD
    clinical_step = (1.0, "one unit")

    def coefficients(self, effects: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"effect:{name}" for name in effects)

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        return tuple(state.effects.values())

    def without_growth(self, effects: tuple[str, ...], growth: str) -> tuple[float | None, ...]:
        """Return 0 for the effect of growth, which says nothing of a patient without it; others keep their values."""
        return tuple(0.0 if name == growth else None for name in effects)


@dataclass(frozen=True)
class NewLesionFrailty(Link):
    """The frailty of the patient in the process of new lesions (the log of a rate ratio): alpha of Krol 2016."""

    name = "new-lesion-frailty"
    needs = frozenset({"frailty"})
    constant = True
    unit = "log of the rate of new lesions"
    meaning = "how prone the patient is to new lesions"
    prior = _E_FOLD
    clinical_step = _DOUBLING

    def values(self, state: PatientState, time_year: Float[Array, "patient node"]) -> tuple[Float[Array, "..."], ...]:
        assert state.frailty is not None
        return (state.frailty,)
