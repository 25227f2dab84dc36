"""Search for the cut-off of a marker above which treatment works differently: corrected for having searched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl
from scipy.special import ndtr

from metachron.base import ModelError
from metachron.benefit.comparison import Asked, Comparison
from metachron.benefit.fitting import TermsFit, fit_terms
from metachron.benefit.interaction import TREATED, compare_asked
from metachron.benefit.interaction_process import InteractionProcess, candidate_cuts, interaction_process
from metachron.benefit.levels import MarkerLevels, effects_at_levels
from metachron.benefit.marker_test import effect_table, pool_fits
from metachron.benefit.markers import Marker, as_marker, code_marker
from metachron.cohort import Cohort

ABOVE, PRODUCT = "at or above", "treated:at or above"
NULL = (
    "the corrected p value takes as true that the effect of treatment is the same at every value of the marker, "
    "whatever its prognostic effect; permuting the marker would have tested that it has neither"
)
EVENTS_ON_A_SIDE = 10
"""So that 5 are expected in each arm, from which on a normal approximation is usually taken to do: Cochran 1954,
doi:10.2307/3001616."""
_OVER_FOLDS = (
    "each patient was placed by a cut-off found without this patient; cut-offs differ between folds, and intervals "
    "take them as given, so they are too narrow"
)


@dataclass(frozen=True, eq=False)
class CutoffSearch:
    """A cut-off found, and what finding it is worth.

    Attributes
    ----------
    cutoff : value of the marker, on the scale on which it was measured, with the largest interaction score.
    candidates : cut, share_at_or_above, statistic (standardised interaction score), naive_p of it.
    naive_effects : treatment effect below, and at or above the cut-off, as if it had been known beforehand.
    naive_ratio : ratio of the two with its interval, from the same fit. naive_p : its likelihood ratio p value. These
        are empty, and NaN, where one of the four groups has no event.
    corrected_p : chance of so large an interaction at any cut-off, if there is none.
    validated_effects : treatment effect among those whom cut-offs of the other folds gave the smaller benefit, and the
        larger one; empty where it cannot be told (see notes).
    fold_cutoffs : cut-offs found in the folds.
    left_out, notes : who was left out, and what to know.
    """

    marker: Marker
    endpoint: str
    measure: str
    cutoff: float
    candidates: pl.DataFrame
    naive_effects: pl.DataFrame
    naive_ratio: pl.DataFrame
    naive_p: float
    corrected_p: float
    validated_effects: pl.DataFrame
    fold_cutoffs: tuple[float, ...]
    left_out: pl.DataFrame
    notes: tuple[str, ...]


def search_cutoff(
    cohort: Cohort,
    marker: Marker | str,
    *,
    seed: int,
    smallest_share: float = 0.1,
    resamples: int = 2000,
    folds: int = 5,
    level: float = 0.05,
    **asked: Unpack[Asked],
) -> CutoffSearch:
    """Return the cut-off of a continuous marker with the largest interaction, corrected for the search.

    Parameters
    ----------
    smallest_share : of patients on either side of a candidate; there are at least 10 events on either side too.
    resamples, seed : of the multiplier bootstrap (see `InteractionProcess.corrected_p`) and of the folds.
    folds : in each the cut-off is searched anew without its patients; 0: no cross-validation.
    level : intervals have confidence 1 - level.
    asked : who is compared, and whether patients were randomised: as in `assess_marker`.

    Raises
    ------
    InputError, ModelError
        See `assess_marker`; `ModelError` too where the predictive question is refused, the marker is not continuous, or
        no cut-off leaves the smallest share on both sides.

    Notes
    -----
    Maximally selected statistics: Miller and Siegmund 1982, doi:10.2307/2529881; why minimal p values mislead: Altman
    and others 1994, doi:10.1093/jnci/86.11.829.
    """
    marker = as_marker(marker)
    comparison, refused = compare_asked(cohort, **asked)
    if refused:
        raise ModelError(f"no cut-off for the effect of treatment: {refused}")
    coding = code_marker(marker, comparison.patients)
    if not coding.continuous:
        raise ModelError(f"{marker.label} is not continuous: there is no cut-off to search")
    comparison = comparison.leave_out(coding.missing(comparison.patients), f"{marker.column} is missing")
    return _Search(comparison, marker, smallest_share, 1.0 - level).report(resamples=resamples, folds=folds, seed=seed)


@dataclass(frozen=True, eq=False)
class _Search:
    """Patients who all have the marker, and how to search among them."""

    comparison: Comparison
    marker: Marker
    smallest_share: float
    confidence: float

    @property
    def values(self) -> np.ndarray:
        """The marker as measured; order is all that a cut-off depends on."""
        return self.comparison.patients[self.marker.column].cast(pl.Float64).to_numpy()

    def report(self, *, resamples: int, folds: int, seed: int) -> CutoffSearch:
        """Return the cut-off with naive, corrected and cross-validated answers."""
        process = self.process(np.ones(len(self.comparison), dtype=bool))
        cutoff = float(process.cuts[process.best()])
        label = self.marker.column
        names = (f"{label} < {cutoff:g}", f"{label} >= {cutoff:g}")
        naive_effects, naive_ratio, naive_p, unknown = self.naive(self.values >= cutoff, names)
        validated, fold_cutoffs, note = self.validate(folds, seed)
        return CutoffSearch(
            marker=self.marker,
            endpoint=self.comparison.endpoint,
            measure=self.comparison.measure,
            cutoff=cutoff,
            candidates=_candidates(process, self.values),
            naive_effects=naive_effects,
            naive_ratio=naive_ratio,
            naive_p=naive_p,
            corrected_p=process.corrected_p(resamples=resamples, seed=seed),
            validated_effects=validated,
            fold_cutoffs=fold_cutoffs,
            left_out=self.comparison.left_out,
            notes=tuple(filter(None, (*self.comparison.notes, NULL, unknown, note))),
        )

    def naive(self, above: np.ndarray, names: tuple[str, str]) -> tuple[pl.DataFrame, pl.DataFrame, float, str]:
        """Return effects on either side, their ratio and its p value, and why there are none where there are none."""
        try:
            fit = self.fit(above)
        except ModelError as error:
            return pl.DataFrame(), pl.DataFrame(), float("nan"), f"no naive effects: {error}"
        pooled = pool_fits([fit.pick((PRODUCT,))], complete_freedom=np.inf)
        ratio = effect_table((PRODUCT,), pooled, confidence=self.confidence)
        return self.effects(fit, names), ratio, fit.p_value, ""

    def process(self, rows: np.ndarray) -> InteractionProcess:
        """Return the interaction process among some rows."""
        values = self.values[rows]
        cuts = candidate_cuts(values, self.smallest_share)
        below = (self.comparison.event[rows, None] & (values[:, None] < cuts)).sum(axis=0)
        cuts = cuts[np.minimum(below, self.comparison.event[rows].sum() - below) >= EVENTS_ON_A_SIDE]
        if not len(cuts):
            raise ModelError(
                f"no value of {self.marker.column} leaves {self.smallest_share:.0%} of the patients, and "
                f"{EVENTS_ON_A_SIDE} events, on both sides"
            )
        scale = code_marker(self.marker, self.comparison.patients).prepare(pl.Series(values)).to_numpy()
        order = np.asarray([scale[values >= cut].min() for cut in cuts])
        found = interaction_process(self.comparison.rows(rows), scale, order)
        return replace(found, cuts=cuts)

    def fit(self, above: np.ndarray) -> TermsFit:
        """Return the model with the arm, a step of the marker, and their product."""
        treated, step = self.comparison.treated, above.astype(float)
        columns = np.column_stack([treated, step, treated * step])
        return fit_terms(self.comparison, columns, (TREATED, ABOVE, PRODUCT), tested=(PRODUCT,))

    def effects(self, fit: TermsFit, names: tuple[str, str]) -> pl.DataFrame:
        """Return the treatment effect on either side."""
        levels = MarkerLevels(names, np.asarray([[0.0], [1.0]]))
        return effects_at_levels([fit], levels, treated=TREATED, complete_freedom=np.inf, confidence=self.confidence)

    def validate(self, folds: int, seed: int) -> tuple[pl.DataFrame, tuple[float, ...], str]:
        """Return effects by the side that cut-offs of other folds put a patient on, these cut-offs, and a note."""
        if not folds:
            return pl.DataFrame(), (), "no cross-validation was asked for"
        fold = balanced_folds(self.comparison, folds, np.random.default_rng([seed, 1]))
        larger, cutoffs = np.zeros(len(fold), dtype=bool), []
        better = -1.0 if self.comparison.endpoint != "response" else 1.0
        for held in range(folds):
            process = self.process(fold != held)
            best = process.best()
            above = self.values >= process.cuts[best]
            larger[fold == held] = (above if better * process.statistic[best] > 0 else ~above)[fold == held]
            cutoffs.append(float(process.cuts[best]))
        try:
            effects = self.effects(self.fit(larger), ("smaller benefit expected", "larger benefit expected"))
        except ModelError as error:
            return pl.DataFrame(), tuple(cutoffs), f"no cross-validated effect: {error}"
        return effects, tuple(cutoffs), _OVER_FOLDS


def balanced_folds(comparison: Comparison, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Return the fold of each patient: those of one arm with or without the event are spread evenly over the folds."""
    fold = np.zeros(len(comparison), dtype=int)
    for group in np.unique(2 * comparison.treated + comparison.event):
        rows = generator.permutation(np.flatnonzero(2 * comparison.treated + comparison.event == group))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _candidates(process: InteractionProcess, values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cut": process.cuts,
            "share_at_or_above": (values[:, None] >= process.cuts).mean(axis=0),
            "statistic": process.statistic,
            "naive_p": 2.0 * ndtr(-np.abs(process.statistic)),
        }
    )
