"""The effect of treatment at levels of a marker: on the ratio scale, and for a response as a difference of chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

from metachron.benefit.comparison import Comparison
from metachron.benefit.fitting import TermsFit
from metachron.benefit.marker_test import effect_table, half_width, pool_fits, two_sided
from metachron.benefit.markers import MarkerCoding

QUARTILES = (0.25, 0.5, 0.75)
_COUNTS = ("patients_control", "events_control", "patients_treatment", "events_treatment")


@dataclass(frozen=True, eq=False)
class MarkerLevels:
    """Levels of a marker, or the distinct quartiles of a continuous one, with the design row of each."""

    names: tuple[str, ...]
    rows: np.ndarray


def marker_levels(coding: MarkerCoding, patients: pl.DataFrame) -> MarkerLevels:
    """Return the levels at which the effect of treatment is told."""
    if not coding.continuous:
        return MarkerLevels(coding.levels, np.eye(len(coding.levels))[:, 1:])
    values = patients[coding.marker.column].cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    at = np.unique(np.quantile(values, QUARTILES))
    return MarkerLevels(tuple(f"{value:.4g}" for value in at), np.stack([coding.at(value) for value in at]))


def effects_at_levels(
    fits: Sequence[TermsFit], levels: MarkerLevels, *, treated: str, complete_freedom: float, confidence: float
) -> pl.DataFrame:
    """Return the ratio of treatment against control at each level, from fits whose tested terms are the interaction."""
    contrast = np.column_stack([np.ones(len(levels.names)), levels.rows])
    picked = [fit.pick((treated, *fit.tested)) for fit in fits]
    pooled = pool_fits(
        [(contrast @ b, contrast @ v @ contrast.T) for b, v in picked], complete_freedom=complete_freedom
    )
    return effect_table(levels.names, pooled, confidence=confidence).rename({"term": "level"})


def risk_differences(
    fits: Sequence[TermsFit],
    levels: MarkerLevels,
    *,
    treated: str,
    markers: tuple[str, ...],
    complete_freedom: float,
    confidence: float,
) -> pl.DataFrame:
    """Return the difference in the chance of a response, treatment minus control, at each level of a marker.

    Columns: level, chance_control, chance_treatment, risk_difference, lower, upper, wald_p, and difference_p: that the
    difference is that of the first level. Chances are those of the logistic model, averaged over the adjustment of all
    patients, with errors by the delta method; without adjustment those of a categorical marker are the observed shares
    (unless Firth's penalty was needed).
    """
    found = [_standardise(fit, levels, treated, markers) for fit in fits]
    chances = np.mean([chance for chance, _, _ in found], axis=0)
    pooled = pool_fits([(d, v) for _, d, v in found], complete_freedom=complete_freedom)
    against = np.eye(len(levels.names))[1:] - np.eye(len(levels.names))[0]
    changes = pool_fits(
        [(against @ d, against @ v @ against.T) for _, d, v in found], complete_freedom=complete_freedom
    )
    half = half_width(pooled, confidence)
    return pl.DataFrame(
        {
            "level": levels.names,
            "chance_control": chances[:, 0],
            "chance_treatment": chances[:, 1],
            "risk_difference": pooled.estimate,
            "lower": pooled.estimate - half,
            "upper": pooled.estimate + half,
            "wald_p": two_sided(pooled),
            "difference_p": [None, *two_sided(changes)],
        }
    )


def _standardise(
    fit: TermsFit, levels: MarkerLevels, treated: str, markers: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return chances (levels x arms), their differences, and the covariance of these."""
    assert fit.intercept_and_rest is not None
    beta, covariance, design = fit.intercept_and_rest
    place = {term: 1 + index for index, term in enumerate(fit.terms)}
    chances = np.zeros((len(levels.names), 2))
    gradients = np.zeros((len(levels.names), 2, len(beta)))
    for level, row in enumerate(levels.rows):
        for arm in (0, 1):
            made = design.copy()
            made[:, place[treated]] = arm
            made[:, [place[m] for m in markers]] = row
            made[:, [place[t] for t in fit.tested]] = arm * row
            chance = expit(made @ beta)
            chances[level, arm] = chance.mean()
            gradients[level, arm] = (chance * (1.0 - chance)) @ made / len(made)
    slope = gradients[:, 1] - gradients[:, 0]
    return chances, chances[:, 1] - chances[:, 0], slope @ covariance @ slope.T


def count_levels(comparison: Comparison, coding: MarkerCoding, levels: MarkerLevels) -> pl.DataFrame:
    """Return patients and events of each arm at each level of a categorical marker; null for a continuous one."""
    schema = {"level": pl.String} | dict.fromkeys(_COUNTS, pl.Int64)
    if coding.continuous:
        return pl.DataFrame([{"level": name} for name in levels.names], schema=schema)
    members = zip(levels.names, coding.members(comparison.patients), strict=True)
    return pl.DataFrame([{"level": name, **count_arms(comparison, own)} for name, own in members], schema=schema)


def count_arms(comparison: Comparison, which: np.ndarray) -> dict[str, int]:
    """Return patients and events of each arm among some patients: `_COUNTS`."""
    parts = [which & (comparison.treated == arm) for arm in (0.0, 1.0)]
    return dict(zip(_COUNTS, (int(n) for own in parts for n in (own.sum(), comparison.event[own].sum())), strict=True))
