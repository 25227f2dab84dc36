"""What a published score is, as data: inputs, equation, truncations, groups, population, source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class Input:
    """One input of a score: a column of the table patients.

    Parameters
    ----------
    column, unit, meaning : name of the column, unit (empty for labels and counts), in words.
    kind : a number, a yes or no (``yes``/``no``, true/false or 1/0), or a label out of ``levels``.
    low, high : the plausible range of a number, bounds included; what lies outside is reported and not scored.
    levels : the labels that are known; upper and lower case are the same.
    """

    column: str
    unit: str
    meaning: str
    kind: Literal["number", "yes_no", "label"] = "number"
    low: float = -math.inf
    high: float = math.inf
    levels: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.kind == "yes_no":
            return "yes or no, or 1 or 0"
        if self.kind == "label":
            return f"one of {', '.join(self.levels)}"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.low:g} to {self.high:g}{unit}"


@dataclass(frozen=True)
class Truncation:
    """A rule of the publication: ``column`` enters as min(value, upper)."""

    column: str
    upper: float


@dataclass(frozen=True)
class Group:
    """A risk group: values from ``lower`` on, or above it where ``above`` is true, up to the next group."""

    label: str
    lower: float = -math.inf
    above: bool = False

    def holds(self, value: pl.Expr) -> pl.Expr:
        """Return whether a value is in this group or in a later one."""
        return value > self.lower if self.above else value >= self.lower


@dataclass(frozen=True, eq=False)
class Score:
    """A published score.

    Parameters
    ----------
    name, title : how it is called here, and in the literature.
    inputs : what it is computed from.
    value : the formula, an expression of the columns of ``inputs`` after truncation; yes and no are 1 and 0.
    equation : the same for people.
    higher_is : whether a high value goes with a better or a worse outcome in the publication.
    groups : risk groups of the publication, from the lowest value up; empty where none could be established.
    truncations : rules of the publication.
    population : for whom it was made.
    cancer_types : labels in ``cancer_type`` that belong to the population; empty: any.
    source : publication, DOI.
    checked : against what the definition was checked, and what could not be checked.
    example : whether tests rest on a published example, and which.
    """

    name: str
    title: str
    inputs: tuple[Input, ...]
    value: pl.Expr
    equation: str
    higher_is: Literal["better", "worse"]
    population: str
    source: str
    checked: str
    groups: tuple[Group, ...] = ()
    truncations: tuple[Truncation, ...] = ()
    cancer_types: tuple[str, ...] = ()
    example: str = "none: tests rest on the definition"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns."""
        return tuple(item.column for item in self.inputs)

    def group_of(self, value: pl.Expr) -> pl.Expr:
        """Return the label of the group of a value; null where the value is, or the score has no groups."""
        label = pl.lit(None, pl.String)
        for group in self.groups:
            label = pl.when(group.holds(value)).then(pl.lit(group.label)).otherwise(label)
        return label


def count(*factors: pl.Expr) -> pl.Expr:
    """Return how many of the conditions hold; null where one of them is not known."""
    return pl.sum_horizontal(*(factor.cast(pl.Float64) for factor in factors), ignore_nulls=False)
