"""A study of markers as tables: the answers, and everything that they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from metachron.benefit.assessment import MarkerAssessment
from metachron.benefit.marker_test import MarkerTest

NOT_ASKED = "not asked"


def answer_table(
    assessments: Sequence[MarkerAssessment], outside: Mapping[str, MarkerAssessment | str]
) -> pl.DataFrame:
    """Return one row per marker: the conclusion, effects with intervals, p values adjusted over markers, and whether
    the other cohort confirms it.
    """
    rows = []
    for one in assessments:
        inside, between = one.prognostic.single, one.predictive.single
        rows.append(
            {
                "marker": one.marker.label,
                "conclusion": one.conclusion,
                "patients": one.averaged.patients or one.prognostic.patients,
                "events": one.averaged.events or one.prognostic.events,
                "missing": one.left_out.height,
                "imputed": len(one.imputed),
                **{f"{name}_in_control": value for name, value in inside.items()},
                "prognostic_p": one.prognostic_p,
                "ratio_of_effects": between["effect"],
                "ratio_lower": between["lower"],
                "ratio_upper": between["upper"],
                "predictive_p": one.predictive_p,
                "external": confirmation(one, outside[one.marker.label]) if outside else NOT_ASKED,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def confirmation(one: MarkerAssessment, outside: MarkerAssessment | str) -> str:
    """Return what the other cohort says of what was shown: confirmed if significant there in the same direction."""
    if isinstance(outside, str):
        return outside
    said = []
    for word, inside, there in (
        ("prognostic", one.prognostic, outside.prognostic),
        ("predictive", one.predictive, outside.predictive),
    ):
        if one.conclusion not in (word, "both"):
            continue
        if there.refused:
            said.append(f"{word}: could not be asked ({there.refused})")
        else:
            held = there.p_value <= one.level and _same_direction(inside, there)
            said.append(f"{word}: {'confirmed' if held else 'not confirmed'}")
    return "; ".join(said) or f"nothing to confirm; there: {outside.conclusion}"


def effect_tables(
    assessments: Sequence[MarkerAssessment], outside: Mapping[str, MarkerAssessment | str], cohort: str, external: str
) -> dict[str, pl.DataFrame]:
    """Return ``effects`` (every coefficient of each question), ``levels`` (effect of treatment by level of a marker)
    and ``left_out`` (patients, and why), of both cohorts.
    """
    both = [(cohort, one) for one in assessments]
    both += [(external, one) for one in outside.values() if isinstance(one, MarkerAssessment)]
    effects, levels, left = [], [], []
    for where, one in both:
        named = (pl.lit(where).alias("cohort"), pl.lit(one.marker.label).alias("marker"))
        for test in (one.prognostic, one.averaged, one.predictive):
            known = (pl.lit(test.question).alias("question"), pl.lit(test.patients).alias("patients"))
            told = (pl.lit(test.events).alias("events"), pl.lit(test.p_value).alias("p_value"))
            effects.append(test.effects.select(*named, *known, *told, pl.all()))
        if one.levels.height:
            levels.append(one.levels.select(*named, pl.all()))
        if one.left_out.height:
            left.append(one.left_out.select(*named, pl.all()))
    return {
        "effects": pl.concat(effects),
        "levels": pl.concat(levels, how="diagonal_relaxed") if levels else pl.DataFrame(),
        "left_out": pl.concat(left) if left else pl.DataFrame(),
    }


def _same_direction(inside: MarkerTest, there: MarkerTest) -> bool:
    """Return whether single coefficients have the same sign; several have no direction together."""
    if inside.effects.height != 1 or there.effects.height != 1:
        return inside.effects.height == there.effects.height
    return bool(inside.effects["coefficient"][0] * there.effects["coefficient"][0] > 0)
