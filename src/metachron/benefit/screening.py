"""Many markers at once: which are predictive, which prognostic, with false findings kept in bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.comparison import Asked, Comparison
from metachron.benefit.interaction import compare_asked
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.benefit.multiplicity import benjamini_hochberg
from metachron.benefit.resampling import ManyTests, fit_versions
from metachron.cohort import Cohort

_BLOCK = 200
"""Permutations computed side by side."""
NULL = (
    "family-wise p values: marker rows were permuted within arm and stratum, all markers of a patient together, so "
    "that they keep their dependence. Permuted markers have no effect in any arm: neither prognostic nor predictive. A "
    "marker that is prognostic alone is thus judged against a distribution which its own statistic follows in large "
    "samples only; exact is the statement that no marker is associated with the outcome in any arm."
)


@dataclass(frozen=True, eq=False)
class Screening:
    """Markers ranked.

    Attributes
    ----------
    table : one row per marker, the smallest interaction p first (the smallest prognostic p where the predictive
        question is refused): marker, patients, events, terms, effect_in_control and ratio_of_effects (of markers with
        one term), and for ``prognostic`` (in the control arm) and ``predictive`` each a Wald p value, its false
        discovery rate ``_fdr`` and its family-wise ``_fwer``. NaN where a model has no finite maximum.
    permutations : how many the family-wise p values rest on.
    refused : why the predictive question was not asked; empty where it was.
    null : what the permutations take to be true.
    left_out : patients left out of everything, and why; a patient who misses one marker is left out of that one.
    """

    table: pl.DataFrame
    permutations: int
    refused: str
    null: str
    left_out: pl.DataFrame


def screen_markers(
    cohort: Cohort,
    markers: Sequence[Marker | str],
    *,
    seed: int,
    permutations: int = 1000,
    **asked: Unpack[Asked],
) -> Screening:
    """Return markers ranked by their interaction with treatment, with false discovery rates and family-wise p values.

    The family-wise p value of a marker is the share of permutations, the data themselves counted as one, in which the
    smallest p value of all markers is as small as the marker's own, taken down from the smallest on (step-down).

    Parameters
    ----------
    seed : of the permutations.
    permutations : 0: none, and family-wise p values are NaN.
    asked : who is compared, and whether patients were randomised: as in `assess_marker`.

    Raises
    ------
    InputError, ModelError
        See `assess_marker`.

    Notes
    -----
    Westfall and Young 1993 (Resampling-Based Multiple Testing, algorithm 2.8); Benjamini and Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x. P values are compared, not statistics, since markers may have several terms.
    """
    comparison, refused = compare_asked(cohort, **asked)
    columns = [_Column.of(marker, comparison) for marker in as_markers(markers)]
    if not columns:
        raise ModelError("screening needs at least one marker")
    tests = [column.tests(comparison, predictive=not refused) for column in columns]
    found = np.asarray([[np.nan if one is None else one.p_value[0] for one in both] for both in tests]).T
    smallest = _permuted(columns, comparison, permutations, seed, predictive=not refused)
    adjusted = [step_down(p, null) for p, null in zip(found, smallest, strict=True)]
    table = _table(columns, tests, comparison, found, adjusted)
    return Screening(table, permutations, refused, NULL if permutations else "", comparison.left_out)


def step_down(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Return step-down family-wise p values from p values (markers) and those of permutations (permutations x markers).

    NaN stays, and where there are no permutations all are. Source: Westfall and Young 1993, algorithm 2.8.
    """
    result = np.full(len(observed), np.nan)
    if not len(permuted):
        return result
    known = np.flatnonzero(~np.isnan(observed))
    order = known[np.argsort(observed[known], kind="stable")]
    null = np.nan_to_num(permuted[:, order], nan=1.0)
    smallest = np.minimum.accumulate(null[:, ::-1], axis=1)[:, ::-1]
    count = (smallest <= observed[order] * (1.0 + 1e-9)).sum(axis=0)
    result[order] = np.maximum.accumulate((count + 1.0) / (len(permuted) + 1.0))
    return result


@dataclass(frozen=True, eq=False)
class _Column:
    """One marker: its coding, its design columns (NaN where missing), and who has it."""

    coding: MarkerCoding
    matrix: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, marker: Marker, comparison: Comparison) -> _Column:
        coding = code_marker(marker, comparison.patients)
        matrix = coding.columns(comparison.patients)
        return cls(coding, matrix, ~np.isnan(matrix).any(axis=1))

    def prognostic(self, comparison: Comparison, orders: np.ndarray) -> ManyTests:
        """Return the test of the marker in the control arm for each order of the rows."""
        return self._tests(comparison.treated == 0.0, comparison, orders, predictive=False)

    def predictive(self, comparison: Comparison, orders: np.ndarray) -> ManyTests:
        """Return the test of the interaction for each order of the rows."""
        return self._tests(np.ones(len(comparison), dtype=bool), comparison, orders, predictive=True)

    def tests(self, comparison: Comparison, *, predictive: bool) -> tuple[ManyTests, ManyTests | None]:
        """Return both tests of the marker as it is; None where prediction is not asked."""
        order = np.arange(len(comparison))[None]
        return self.prognostic(comparison, order), self.predictive(comparison, order) if predictive else None

    def _tests(self, which: np.ndarray, comparison: Comparison, orders: np.ndarray, *, predictive: bool) -> ManyTests:
        """Permuted values may be missing: such a row is left out by giving each version the rows that it has."""
        versions = self.matrix[orders]
        complete = self.known[which].all()
        rows = np.flatnonzero(which)
        if complete:
            return _fit_rows(comparison, rows, versions, predictive=predictive)
        parts = [
            _fit_rows(comparison, np.flatnonzero(which & self.known[order]), version[None], predictive=predictive)
            for order, version in zip(orders, versions, strict=True)
        ]
        return ManyTests(
            np.concatenate([part.coefficients for part in parts]), np.concatenate([part.covariance for part in parts])
        )


def _fit_rows(comparison: Comparison, rows: np.ndarray, versions: np.ndarray, *, predictive: bool) -> ManyTests:
    part, marker = comparison.rows(rows), versions[:, rows]
    if not predictive:
        return fit_versions(part, marker, tested=marker.shape[2])
    arm = np.broadcast_to(part.treated[None, :, None], (len(marker), len(rows), 1))
    return fit_versions(part, np.concatenate([arm, marker, arm * marker], axis=2), tested=marker.shape[2])


def _permuted(
    columns: Sequence[_Column], comparison: Comparison, permutations: int, seed: int, *, predictive: bool
) -> np.ndarray:
    """Return p values of the two questions: questions x permutations x markers."""
    generator = np.random.default_rng(seed)
    found = np.full((2, permutations, len(columns)), np.nan)
    for at in range(0, permutations, _BLOCK):
        orders = within_groups(comparison, min(_BLOCK, permutations - at), generator)
        for place, column in enumerate(columns):
            rows = slice(at, at + len(orders))
            found[0, rows, place] = column.prognostic(comparison, orders).p_value
            if predictive:
                found[1, rows, place] = column.predictive(comparison, orders).p_value
    return found


def within_groups(comparison: Comparison, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return orders of the rows, each a permutation within arm and stratum: count x rows."""
    group = np.unique(np.stack([comparison.treated, comparison.stratum]), axis=1, return_inverse=True)[1]
    place = np.argsort(group, kind="stable")
    shuffled = np.argsort(group + generator.random((count, len(group))), axis=1)
    orders = np.empty((count, len(group)), dtype=int)
    orders[:, place] = shuffled
    return orders


def _table(
    columns: Sequence[_Column],
    tests: Sequence[tuple[ManyTests, ManyTests | None]],
    comparison: Comparison,
    found: np.ndarray,
    adjusted: Sequence[np.ndarray],
) -> pl.DataFrame:
    rows = []
    for column, (prognostic, predictive) in zip(columns, tests, strict=True):
        single = column.matrix.shape[1] == 1
        own = prognostic.coefficients[0, 0] if single else None
        ratio = predictive.coefficients[0, 0] if single and predictive is not None else None
        rows.append(
            {
                "marker": column.coding.marker.label,
                "patients": int(column.known.sum()),
                "events": int(comparison.event[column.known].sum()),
                "terms": column.matrix.shape[1],
                "effect_in_control": None if own is None else float(np.exp(own)),
                "ratio_of_effects": None if ratio is None else float(np.exp(ratio)),
            }
        )
    table = pl.DataFrame(rows, infer_schema_length=None)
    for name, p, family in zip(("prognostic", "predictive"), found, adjusted, strict=True):
        parts = ((f"{name}_p", p), (f"{name}_fdr", benjamini_hochberg(p)), (f"{name}_fwer", family))
        table = table.with_columns(pl.Series(key, values) for key, values in parts)
    asked = any(predictive is not None for _, predictive in tests)
    return table.sort("predictive_p" if asked else "prognostic_p", nulls_last=True, maintain_order=True)
