"""Markers: columns of the table patients, how each is read, and the design columns it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.survival.coding import Coding
from metachron.survival.labels import as_text

Kind = Literal["auto", "continuous", "binary", "categorical"]
Transform = Literal["none", "log1p", "sqrt"]
_TRANSFORMS: dict[str, Callable[[Any], Any]] = {"none": np.asarray, "log1p": np.log1p, "sqrt": np.sqrt}
_CODED = "coded"


@dataclass(frozen=True)
class Marker:
    """A baseline marker: a column of the table ``patients`` and how it is read.

    Parameters
    ----------
    column : its name.
    kind : ``"continuous"``; ``"binary"`` (two levels) or ``"categorical"``; ``"auto"``: continuous for numbers,
        categorical for text.
    reference : level that the others are compared with; the first in the order of text unless given.
    transform : scale of a continuous marker on which its effect is linear: ``"log1p"`` is log(1 + x).
    per : one step of a continuous marker, on that scale, for which effects are given; ``"sd"``: one standard deviation
        of the patients analysed.
    above : cut-off that turns numbers into the levels ``"below"`` (the reference) and ``"at or above"``; then binary.
    """

    column: str
    kind: Kind = "auto"
    reference: str | None = None
    transform: Transform = "none"
    per: float | Literal["sd"] = 1.0
    above: float | None = None

    def __post_init__(self) -> None:
        if self.transform not in _TRANSFORMS:
            raise ModelError(f"a marker has no transform {self.transform!r}; known are {', '.join(_TRANSFORMS)}")
        if self.per != "sd" and not (isinstance(self.per, (int, float)) and 0 < self.per < np.inf):
            raise ModelError(f"one step of a marker is a positive number or 'sd'; found {self.per!r}")
        if self.above is not None and self.kind not in ("auto", "binary"):
            raise ModelError(f"a marker with a cut-off is binary; found the kind {self.kind!r}")

    @property
    def label(self) -> str:
        """What the marker is called in tables."""
        inner = self.column if self.transform == "none" else f"{self.transform}({self.column})"
        return inner if self.above is None else f"{inner} >= {self.above:g}"


@dataclass(frozen=True)
class MarkerCoding:
    """How a marker became design columns in the patients it was learnt from.

    ``coding`` works on the transformed scale divided by ``step``.
    """

    marker: Marker
    coding: Coding
    step: float = 1.0

    @property
    def continuous(self) -> bool:
        """Whether the marker is a number; else it has ``levels``, the reference first."""
        return not self.coding.levels

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of a categorical marker, the reference first."""
        return self.coding.levels

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the design columns, a continuous one with its step."""
        if self.continuous:
            return (f"{self.marker.label} per {self.step:.4g}",)
        return tuple(f"{self.marker.label}={level}" for level in self.levels[1:])

    @property
    def fixed(self) -> Marker:
        """The marker with the step, or the reference level, that was learnt: for other patients, who must not teach."""
        if self.continuous:
            return replace(self.marker, per=self.step)
        return self.marker if self.marker.above is not None else replace(self.marker, reference=self.levels[0])

    def missing(self, patients: pl.DataFrame) -> np.ndarray:
        """Return who misses the marker, row by row."""
        return np.isnan(self.columns(patients)).any(axis=1)

    def members(self, patients: pl.DataFrame) -> tuple[np.ndarray, ...]:
        """Return who is at each level of a categorical marker, row by row; nobody who misses it."""
        texts = self.prepare(patients[self.marker.column])
        return tuple((texts == level).fill_null(False).to_numpy() for level in self.levels)

    def columns(self, patients: pl.DataFrame) -> np.ndarray:
        """Return the design columns, rows x terms; NaN where the marker is missing."""
        prepared = self.prepare(patients[self.marker.column])
        found = np.full((len(prepared), len(self.terms)), np.nan)
        known = prepared.is_not_null().to_numpy()
        found[known] = self.coding.columns(pl.DataFrame({_CODED: prepared.filter(prepared.is_not_null())}))
        return found

    def at(self, value: float) -> np.ndarray:
        """Return the design row of a continuous marker at a value on the scale on which it was measured."""
        return np.asarray([float(_TRANSFORMS[self.marker.transform](value)) / self.step - self.coding.centre])

    def prepare(self, values: pl.Series) -> pl.Series:
        """Return values on the scale of the coding: transformed and in steps, or levels as text; null where missing."""
        return _prepare(self.marker, self.continuous, values, self.step)


def code_marker(marker: Marker | str, patients: pl.DataFrame) -> MarkerCoding:
    """Return how a marker becomes design columns, learnt from the patients who have it.

    Raises
    ------
    InputError
        When the column is absent, text where numbers are needed, below the range of the transform, has one value only,
        more than two levels for a binary marker, or no such reference level.
    """
    marker = as_marker(marker)
    if marker.column not in patients.columns:
        raise _error(marker, "column", "no such column", f"one of {list_briefly(patients.columns[3:], 30)}")
    series = patients[marker.column]
    number = series.dtype.is_numeric()
    continuous = marker.above is None and (marker.kind == "continuous" or (marker.kind == "auto" and number))
    _check_numbers(marker, series, needed=continuous or marker.above is not None)
    prepared = _prepare(marker, continuous, series, 1.0).drop_nulls()
    if prepared.n_unique() < 2:
        found = f"the single value {prepared[0]}" if len(prepared) else "no value at all"
        raise _error(marker, "constant", found, "at least two values; there is no effect to find")
    return _learn_number(marker, prepared) if continuous else _learn_levels(marker, prepared)


def as_marker(marker: Marker | str) -> Marker:
    """Return the marker itself, or the one of a column with all defaults."""
    return Marker(marker) if isinstance(marker, str) else marker


def as_markers(markers: Sequence[Marker | str]) -> tuple[Marker, ...]:
    """Return markers; `ModelError` for a text in place of a list, and for two markers that are called the same."""
    if isinstance(markers, str):
        raise ModelError(f"give a list of markers, e.g. [{markers!r}], not the text {markers!r}")
    found = tuple(as_marker(marker) for marker in markers)
    labels = [marker.label for marker in found]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ModelError(f"markers are named twice: {list_briefly(twice)}")
    return found


def _prepare(marker: Marker, continuous: bool, values: pl.Series, step: float) -> pl.Series:
    if continuous:
        scaled = _TRANSFORMS[marker.transform](values.cast(pl.Float64).to_numpy()) / step
        return pl.Series(_CODED, scaled).fill_nan(None)
    if marker.above is not None:
        numbers = values.cast(pl.Float64).fill_nan(None)
        texts = [None if value is None else ("at or above" if value >= marker.above else "below") for value in numbers]
    else:
        filled = values.fill_nan(None) if values.dtype.is_float() else values
        texts = [None if value is None else as_text(value) for value in filled]
    return pl.Series(_CODED, texts, dtype=pl.String)


def _learn_number(marker: Marker, prepared: pl.Series) -> MarkerCoding:
    values = prepared.to_numpy()
    step = float(values.std(ddof=1)) if marker.per == "sd" else float(marker.per)
    return MarkerCoding(marker, Coding(_CODED, centre=float(values.mean()) / step), step)


def _learn_levels(marker: Marker, prepared: pl.Series) -> MarkerCoding:
    levels = sorted(prepared.unique().to_list())
    if marker.kind == "binary" and len(levels) > 2:
        raise _error(marker, "binary", f"the levels {list_briefly(levels, 20)}", "two levels, or another kind")
    default = "below" if marker.above is not None else levels[0]
    first = default if marker.reference is None else marker.reference
    if first not in levels:
        raise _error(marker, "reference", f"the reference {first!r}", f"one of {list_briefly(levels, 20)}")
    return MarkerCoding(marker, Coding(_CODED, levels=(first, *(level for level in levels if level != first))))


def _check_numbers(marker: Marker, series: pl.Series, *, needed: bool) -> None:
    if not needed:
        return
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise _error(marker, "number", "text", "numbers, for a continuous marker or a cut-off")
    low = {"none": -np.inf, "log1p": -1.0, "sqrt": 0.0}[marker.transform]
    values = series.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    lowest = float(values.min(initial=np.inf))
    if lowest < low or (marker.transform == "log1p" and lowest == low):
        raise _error(marker, "transform", f"the value {lowest:g}", f"values that have a {marker.transform}")
    if np.isinf(values).any():
        raise _error(marker, "number", "an infinite value", "finite numbers")


def _error(marker: Marker, rule: str, found: str, expected: str) -> InputError:
    problem = Problem(
        rule=rule,
        found=found,
        expected=expected,
        remedy="name another column, or another kind, reference or transform of the marker",
        table="patients",
        column=marker.column,
    )
    return InputError([problem], "the markers")
