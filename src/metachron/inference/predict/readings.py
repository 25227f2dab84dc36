"""How a parameter of a tumour law reads to a clinician: a half-life in months, a percentage, a size in mm."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from metachron.base import MONTHS_PER_YEAR, ParameterSpec, Transform
from metachron.dynamics import Law, provides

Convert = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Reading:
    """A quantity with its unit, and the monotone map to it from a parameter on its transform scale."""

    quantity: str
    unit: str
    convert: Convert


def _months_to_half(value: np.ndarray) -> np.ndarray:
    """Return ln 2 / rate in months, from the log of a rate per year: half-life, or doubling time of growth."""
    return MONTHS_PER_YEAR * math.log(2.0) * np.exp(-value)


def _percent(logit: np.ndarray) -> np.ndarray:
    return 100.0 / (1.0 + np.exp(-logit))


_READINGS = {
    "baseline_mm": Reading("size at day 0", "mm", np.exp),
    "shrinkage_per_year": Reading("half-life of the part that shrinks", "months", _months_to_half),
    "growth_per_year": Reading("doubling time of growth", "months", _months_to_half),
    "growth_mm_per_year": Reading("growth", "mm per month", lambda value: np.exp(value) / MONTHS_PER_YEAR),
    "resistant_fraction": Reading("part of the tumour that treatment does not reach", "%", _percent),
    "inhibition_per_year": Reading("half-life under treatment at day 0, growth not counted", "months", _months_to_half),
    "loss_of_effect_per_year": Reading("time in which treatment loses half its effect", "months", _months_to_half),
    "kill_per_year": Reading("half-life under treatment, growth not counted", "months", _months_to_half),
    "capacity_mm": Reading("size at which growth ends", "mm", np.exp),
}
_NEEDS = {"growth_per_year": "growth", "shrinkage_per_year": "shrinkage"}
"""A rate reads as a doubling time or half-life only where the law promises that it is one."""


def reading(law: Law, spec: ParameterSpec) -> Reading:
    """Return how a parameter of a law reads; without a special reading its natural value with unit and meaning."""
    if spec.name in _READINGS and _NEEDS.get(spec.name, "size") in provides(law):
        return _READINGS[spec.name]
    if spec.name == "baseline":
        return Reading("size at day 0", "mm", lambda value: np.asarray(law.scale.to_mm(jnp.asarray(value))))
    if spec.name == "slope_per_year" and law.scale.name == "mm":
        return Reading("growth", "mm per month", lambda value: value / MONTHS_PER_YEAR)
    if spec.name == "slope_per_year" and law.scale.name == "log":
        return Reading("growth", "% per month", lambda value: 100.0 * np.expm1(value / MONTHS_PER_YEAR))
    return Reading(spec.meaning, spec.unit, _natural(spec.transform))


def _natural(transform: Transform) -> Convert:
    if transform is Transform.LOG:
        return np.exp
    return (lambda value: 1.0 / (1.0 + np.exp(-value))) if transform is Transform.LOGIT else np.asarray


def residual_reading(law: Law, name: str) -> Reading:
    """Return how a standard deviation of the observation law reads."""
    relative = name in ("proportional", "log_sd") or (name == "additive" and law.scale.name == "log")
    if relative:
        convert: Convert = (lambda value: 100.0 * value) if name == "proportional" else lambda v: 100.0 * np.expm1(v)
        return Reading("measurement error (standard deviation)", "% of the size", convert)
    unit = law.scale.unit if name == "additive" else "mm"
    return Reading("measurement error (standard deviation)", unit, np.asarray)


def effect_words(transform: Transform, what: str) -> Reading:
    """Return how a covariate's coefficient on a parameter reads: a ratio, a ratio of odds, or a difference."""
    if transform is Transform.LOG:
        return Reading(f"ratio of {what}", "ratio", np.exp)
    if transform is Transform.LOGIT:
        return Reading(f"ratio of the odds of {what}", "ratio", np.exp)
    return Reading(f"difference in {what}", "working scale", np.asarray)


def covariate_words(column: str, reference: str | None) -> str:
    """Return a design column in words: ``ecog 2 against 0``, or ``age_year, per 10``."""
    name, level = column, ""
    if reference is not None:
        name, _, level = column.partition("=")
        return f"{name} {level} against {reference}"
    name, _, per = column.partition("/")
    return f"{name}, per {per or '1'}"
