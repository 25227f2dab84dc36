"""What is known of one marker: the answers to both questions, and the word that they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from metachron.benefit.marker_test import MarkerTest
from metachron.benefit.markers import Marker, MarkerCoding
from metachron.benefit.multiplicity import holm

Conclusion = Literal["prognostic", "predictive", "both", "not shown"]


@dataclass(frozen=True, eq=False)
class MarkerAssessment:
    """What is known of one marker and one endpoint.

    Attributes
    ----------
    marker, coding : the marker, and how it became columns.
    endpoint, measure, control, treatment : what was compared; ``measure`` is a hazard ratio or an odds ratio.
    prognostic : the effect of the marker in the control arm alone. This one decides the word ``prognostic``, since an
        effect on the treatment would not change it.
    averaged : its effect in a model with the arm and without interaction; ``refused`` where there is one arm.
    predictive : the interaction: ratios of the treatment's ratio, per step or against the reference level.
    levels : the effect of treatment by level, or at the quartiles of a continuous marker; counts by arm.
    risk_differences : for a response, the same as differences of chances; else empty.
    prognostic_p, predictive_p : p values that the conclusion is drawn from: adjusted where several markers were asked.
    level : of significance.
    left_out : patients left out, and why. imputed : patients whose marker was imputed.
    notes : what was decided about incomplete data.
    """

    marker: Marker
    coding: MarkerCoding = field(repr=False)
    endpoint: str
    measure: str
    control: str
    treatment: str | None
    prognostic: MarkerTest
    averaged: MarkerTest
    predictive: MarkerTest
    levels: pl.DataFrame
    risk_differences: pl.DataFrame
    prognostic_p: float
    predictive_p: float
    level: float
    left_out: pl.DataFrame
    imputed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def conclusion(self) -> Conclusion:
        """What is shown at the level: ``prognostic``, ``predictive``, ``both`` or ``not shown``."""
        return conclude(self.prognostic_p, self.predictive_p, self.level)


def conclude(prognostic_p: float, predictive_p: float, level: float) -> Conclusion:
    """Return the word for two p values; one that is NaN, because its question was refused, shows nothing."""
    told, changes = prognostic_p <= level, predictive_p <= level
    if told and changes:
        return "both"
    if told:
        return "prognostic"
    return "predictive" if changes else "not shown"


def adjust_p_values(found: Sequence[MarkerAssessment]) -> tuple[MarkerAssessment, ...]:
    """Return the assessments with p values adjusted over all of them by Holm, each question by itself."""
    prognostic = holm([one.prognostic_p for one in found])
    predictive = holm([one.predictive_p for one in found])
    return tuple(
        replace(one, prognostic_p=float(p), predictive_p=float(q))
        for one, p, q in zip(found, prognostic, predictive, strict=True)
    )


def tabulate(assessments: Sequence[MarkerAssessment]) -> pl.DataFrame:
    """Return one row per marker: patients, events, effects of one step where there is one, p values, conclusion."""
    return pl.DataFrame([_row(one) for one in assessments], infer_schema_length=None)


def _row(one: MarkerAssessment) -> dict[str, object]:
    single = one.prognostic.degrees_of_freedom == 1 and one.prognostic.effects.height == 1
    inter = one.predictive.effects
    return {
        "marker": one.marker.label,
        "step": one.coding.step if one.coding.continuous else None,
        "endpoint": one.endpoint,
        "patients": one.predictive.patients,
        "events": one.predictive.events,
        "left_out": one.left_out.height,
        "effect_in_control": one.prognostic.effects["effect"][0] if single else None,
        "ratio_of_effects": inter["effect"][0] if inter.height == 1 else None,
        "prognostic_p": one.prognostic.p_value,
        "predictive_p": one.predictive.p_value,
        "prognostic_p_adjusted": one.prognostic_p,
        "predictive_p_adjusted": one.predictive_p,
        "conclusion": one.conclusion,
        "refused": "; ".join(dict.fromkeys(t.refused for t in (one.prognostic, one.predictive) if t.refused)),
    }
