"""Multiple imputation of missing markers by chained equations, with the outcome among the predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.comparison import Comparison
from metachron.benefit.imputation_draws import draw_levels, draw_numbers
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.survival.observed import Observed

CYCLES = 10
"""Rounds over all variables before a data set is kept: van Buuren and Groothuis-Oudshoorn 2011, section 4.3,
doi:10.18637/jss.v045.i03, found 5 to 10 to be enough."""


@dataclass(frozen=True, eq=False)
class Incomplete:
    """One variable to impute: ``columns`` are its design columns, NaN in the rows where it is missing.

    ``levels`` is the number of levels of a category, coded as indicators against the first; 0 for a number.
    """

    columns: np.ndarray
    levels: int = 0

    @classmethod
    def of(cls, coding: MarkerCoding, patients: pl.DataFrame) -> Incomplete:
        """Return a coded marker of patients."""
        return cls(coding.columns(patients), len(coding.levels))

    @property
    def missing(self) -> np.ndarray:
        """Rows without a value."""
        return np.isnan(self.columns).any(axis=1)


def impute_marker(
    comparison: Comparison,
    coding: MarkerCoding,
    *,
    imputations: int,
    seed: int,
    auxiliary: Sequence[Marker | str] = (),
    cycles: int = CYCLES,
) -> tuple[np.ndarray, ...]:
    """Return the design columns of a marker, completed several times.

    Within each arm by itself, so that an interaction with the arm is not imputed away (Tilling 2016,
    doi:10.1016/j.jclinepi.2016.07.004), a number is drawn from its linear regression, on the scale of its transform,
    and a category from its multinomial regression, on the adjustment, the auxiliary markers and the outcome: event and
    Nelson-Aalen cumulative hazard (White and Royston 2009, doi:10.1002/sim.3618), or response. Valid where missingness
    depends on these alone (missing at random).

    Parameters
    ----------
    auxiliary : markers that help to impute and are not in the model; missing values of theirs are imputed too.

    Raises
    ------
    ModelError
        When fewer than two imputations are asked for, or an arm has fewer patients with the marker than predictors.
    """
    helpers = [code_marker(marker, comparison.patients) for marker in as_markers(auxiliary)]
    complete = np.column_stack([outcome_columns(comparison), comparison.adjust])
    variables = [Incomplete.of(one, comparison.patients) for one in (coding, *helpers)]
    made = impute_within(variables, complete, comparison.treated, imputations=imputations, seed=seed, cycles=cycles)
    return tuple(completed[0] for completed in made)


def impute_within(
    variables: Sequence[Incomplete],
    complete: np.ndarray,
    group: np.ndarray,
    *,
    imputations: int,
    seed: int,
    cycles: int = CYCLES,
) -> list[list[np.ndarray]]:
    """Return several completed data sets, each the columns of every variable, imputed within each group by itself.

    Parameters
    ----------
    complete : predictors without missing cells, rows x columns.
    group : label of each row: its arm.

    Raises
    ------
    ModelError
        When fewer than two data sets are asked for, or a group has fewer rows with a value than predictors.
    """
    if imputations < 2:
        raise ModelError(f"multiple imputation needs at least 2 data sets; found {imputations}")
    generator = np.random.default_rng(seed)
    made = [[np.empty_like(variable.columns) for variable in variables] for _ in range(imputations)]
    for label in np.unique(group):
        rows = group == label
        own = [Incomplete(variable.columns[rows], variable.levels) for variable in variables]
        for target in made:
            for columns, filled in zip(
                target, impute_chained(own, complete[rows], generator, cycles=cycles), strict=True
            ):
                columns[rows] = filled
    return made


def impute_chained(
    variables: Sequence[Incomplete], complete: np.ndarray, generator: np.random.Generator, *, cycles: int = CYCLES
) -> list[np.ndarray]:
    """Return the columns of every variable, completed once; missing cells start as random ones of those observed.

    Parameters
    ----------
    complete : predictors without missing cells, rows x columns; constant ones are of no use and left out.
    """
    filled = [_start(variable, generator) for variable in variables]
    fixed = complete[:, np.ptp(complete, axis=0) > 0.0]
    rounds = cycles if sum(variable.missing.any() for variable in variables) > 1 else 1
    for _ in range(rounds):
        for index, variable in enumerate(variables):
            if not variable.missing.any():
                continue
            others = [columns for place, columns in enumerate(filled) if place != index]
            predictors = np.column_stack([np.ones(len(fixed)), fixed, *others])
            filled[index] = _draw(variable, predictors, generator)
    return filled


def outcome_columns(comparison: Comparison) -> np.ndarray:
    """Return the columns by which an outcome predicts a marker: event and cumulative hazard, or response."""
    if not isinstance(comparison.outcome, Observed):
        return comparison.outcome.astype(float)[:, None]
    return np.column_stack([comparison.outcome.event, nelson_aalen(comparison.outcome, comparison.treated)])


def nelson_aalen(observed: Observed, group: np.ndarray | None = None) -> np.ndarray:
    """Return the Nelson-Aalen cumulative hazard at each row's own time, of its group by itself where there are groups:
    the sum of events over those at risk.
    """
    labels = np.zeros(len(observed)) if group is None else group
    found = np.empty(len(observed))
    for label in np.unique(labels):
        own = observed.rows(labels == label)
        times = np.unique(own.time)
        steps = own.count(times, own.event) / own.at_risk(times)
        found[labels == label] = np.cumsum(steps)[np.searchsorted(times, own.time)]
    return found


def _start(variable: Incomplete, generator: np.random.Generator) -> np.ndarray:
    filled, missing = variable.columns.copy(), variable.missing
    filled[missing] = generator.choice(filled[~missing], size=int(missing.sum()), axis=0)
    return filled


def _draw(variable: Incomplete, predictors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    missing, filled = variable.missing, variable.columns.copy()
    known = predictors[~missing]
    if len(known) <= known.shape[1] + 1:
        raise ModelError(
            f"an arm has {len(known)} patients with the marker, too few for {known.shape[1]} predictors to impute it"
        )
    if variable.levels:
        level = np.where(variable.columns.any(axis=1), variable.columns.argmax(axis=1) + 1, 0)
        drawn = draw_levels(level[~missing], known, predictors[missing], levels=variable.levels, generator=generator)
        filled[missing] = np.eye(variable.levels)[drawn, 1:]
    else:
        filled[missing, 0] = draw_numbers(filled[~missing, 0], known, predictors[missing], generator=generator)
    return filled
