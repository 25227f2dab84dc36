"""Baseline covariates as design columns: contrasts to a reference level, centred and scaled numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.joint.dynamics_part import columns_of
from metachron.joint.parts import Covariate


@dataclass(frozen=True)
class Coding:
    """How one covariate was coded when the model was fitted, so that new patients are coded alike.

    ``levels`` holds the reference first; empty for a continuous covariate, whose column is (x - centre) / per.
    """

    column: str
    levels: tuple[str, ...] = ()
    centre: float = 0.0
    per: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the design columns."""
        if self.levels:
            return tuple(f"{self.column}={level}" for level in self.levels[1:])
        return (self.column if self.per == 1.0 else f"{self.column}/{self.per:g}",)


@dataclass(frozen=True)
class Coded:
    """Design columns per block (a dynamics parameter, or ``hazard``), their names, and the codings used."""

    matrices: dict[str, np.ndarray]
    names: dict[str, list[str]]
    codings: dict[str, Coding]


def code_covariates(
    covariates: tuple[Covariate, ...],
    blocks: Mapping[str, tuple[str, ...]],
    patients: pl.DataFrame,
    codings: Mapping[str, Coding] | None,
) -> Coded:
    """Return design columns for every block that names covariates; ``codings`` of an earlier fit are kept."""
    described = {covariate.column: covariate for covariate in covariates}
    used = sorted({column for terms in blocks.values() for term in terms for column in columns_of(term)})
    known: dict[str, Coding] = {}
    values: dict[str, np.ndarray] = {}
    for column in used:
        _check_present(column, patients)
        covariate = described.get(column, Covariate(column))
        known[column] = codings[column] if codings else _learn(covariate, patients)
        values[column] = _columns(known[column], patients)
    matrices, names = {}, {}
    for block, terms in blocks.items():
        if terms:
            found = [_product([(values[column], known[column].names) for column in columns_of(t)]) for t in terms]
            matrices[block] = np.concatenate([matrix for matrix, _ in found], axis=1)
            names[block] = [name for _, own in found for name in own]
    return Coded(matrices, names, known)


def _product(parts: Sequence[tuple[np.ndarray, Sequence[str]]]) -> tuple[np.ndarray, list[str]]:
    """Return the products of the design columns of several covariates, and their names joined by colons."""
    matrix, names = parts[0][0], list(parts[0][1])
    for more, further in parts[1:]:
        matrix = (matrix[:, :, None] * more[:, None, :]).reshape(len(matrix), -1)
        names = [f"{one}:{other}" for one in names for other in further]
    return matrix, names


def _check_present(column: str, patients: pl.DataFrame) -> None:
    if column not in patients.columns:
        raise ModelError(
            f"covariate {column!r} is not a column of table patients; there are: {list_briefly(patients.columns, 30)}"
        )
    empty = pl.col(column).is_null()
    if patients.schema[column].is_float():
        empty |= pl.col(column).is_nan()
    missing = patients.filter(empty)["patient"].to_list()
    if missing:
        raise ModelError(
            f"covariate {column!r} in table patients is empty for {len(missing)} of {len(patients)} patients "
            f"({list_briefly(missing)}); no patient is left out silently: fill the cells, select the patients with a "
            "value, or leave the covariate out"
        )


def _learn(covariate: Covariate, patients: pl.DataFrame) -> Coding:
    series = patients[covariate.column]
    numeric = series.dtype.is_numeric()
    kind = covariate.kind if covariate.kind != "auto" else ("continuous" if numeric else "categorical")
    if kind == "continuous":
        if not numeric:
            raise ModelError(f"covariate {covariate.column!r} is text; a continuous covariate needs numbers")
        if series.n_unique() < 2:
            raise ModelError(f"covariate {covariate.column!r} has the single value {series[0]:g}: no effect to find")
        centre = covariate.centre if covariate.centre is not None else float(series.cast(float).mean())  # type: ignore[arg-type]
        return Coding(covariate.column, centre=centre, per=covariate.per)
    levels = sorted({_text(value) for value in series.to_list()})
    reference = covariate.reference if covariate.reference is not None else levels[0]
    if reference not in levels:
        raise ModelError(
            f"covariate {covariate.column!r}: reference level {reference!r} does not occur; levels: "
            f"{list_briefly(levels, 20)}"
        )
    if len(levels) < 2:
        raise ModelError(f"covariate {covariate.column!r} has the single level {levels[0]!r}: it has no effect to find")
    return Coding(covariate.column, levels=(reference, *(level for level in levels if level != reference)))


def _columns(coding: Coding, patients: pl.DataFrame) -> np.ndarray:
    series = patients[coding.column]
    if not coding.levels:
        if not series.dtype.is_numeric():
            raise ModelError(f"covariate {coding.column!r} was a number in the cohort of the fit, and is text here")
        return ((series.cast(float).to_numpy() - coding.centre) / coding.per)[:, None]
    texts = np.asarray([_text(value) for value in series.to_list()], dtype=object)
    unknown = sorted(set(texts) - set(coding.levels))
    if unknown:
        raise ModelError(
            f"covariate {coding.column!r} has levels unknown to the fit: {list_briefly(unknown)}; it knows "
            f"{list_briefly(coding.levels, 20)}"
        )
    return np.stack([(texts == level).astype(float) for level in coding.levels[1:]], axis=1)


def _text(value: object) -> str:
    """Return a level as text; whole numbers without a decimal point, so that 1 and 1.0 are one level."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
