"""The effect of treatment in subgroups: as observed, and drawn towards the other levels of the same factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.comparison import Asked, Comparison
from metachron.benefit.fitting import TermsFit, fit_terms
from metachron.benefit.interaction import TREATED, compare_asked, fit_interaction
from metachron.benefit.levels import count_arms
from metachron.benefit.marker_test import effect_table, pool_fits
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.benefit.shrinkage import HeterogeneityPrior, shrink
from metachron.cohort import Cohort

ALL = "all patients"
OVERLAP = (
    "subgroups of different factors are the same patients cut in another way: their rows are not independent, and each "
    "factor is shrunk by itself"
)
_SCHEMA = {
    "factor": pl.String, "level": pl.String, "patients_control": pl.Int64, "events_control": pl.Int64,
    "patients_treatment": pl.Int64, "events_treatment": pl.Int64, "effect": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "shrunk_effect": pl.Float64, "shrunk_lower": pl.Float64, "shrunk_upper": pl.Float64,
    "interaction_p": pl.Float64, "heterogeneity": pl.Float64, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SubgroupForest:
    """Effects of treatment in subgroups.

    Attributes
    ----------
    measure : hazard ratio or odds ratio, treatment against control.
    table : a row for all patients, then one per level of each factor: patients and events of both arms; effect with
        its confidence interval in these patients alone; ``shrunk_effect`` with its credible interval (see `shrink`);
        interaction_p of the factor (likelihood ratio, one number for all its levels); heterogeneity, the posterior
        median of the standard deviation of the levels' log ratios. Null where there is no finite estimate (see note);
        patients who miss a factor are in none of its levels.
    missing : factor, patient: who is in no level of a factor.
    left_out : who is in no row, and why. notes : what to know.
    """

    endpoint: str
    measure: str
    table: pl.DataFrame
    missing: pl.DataFrame
    left_out: pl.DataFrame
    notes: tuple[str, ...]


def subgroup_forest(
    cohort: Cohort,
    factors: Sequence[Marker | str],
    *,
    prior: HeterogeneityPrior | None = None,
    level: float = 0.05,
    **asked: Unpack[Asked],
) -> SubgroupForest:
    """Return the effect of treatment among all patients and in the levels of each factor, raw and shrunk.

    Parameters
    ----------
    factors : categorical or binary markers; a number needs a cut-off (``Marker(..., above=...)``) or the kind
        ``"categorical"``.
    prior : of the heterogeneity between the levels of a factor.
    level : intervals have confidence (credibility) 1 - level.
    asked : who is compared, and whether patients were randomised: as in `assess_marker`. Within a subgroup, columns of
        ``adjust`` that have one value there are left out of its model.

    Raises
    ------
    InputError, ModelError
        See `assess_marker`; `ModelError` too where the predictive question is refused, or a factor is continuous.
    """
    comparison, refused = compare_asked(cohort, **asked)
    if refused:
        raise ModelError(f"no effects of treatment in subgroups: {refused}")
    codings = [code_marker(factor, comparison.patients) for factor in as_markers(factors)]
    if numbers := [coding.marker.label for coding in codings if coding.continuous]:
        raise ModelError(f"subgroups need levels; give a cut-off or the kind 'categorical' to {', '.join(numbers)}")
    forest = _Forest(comparison, prior or HeterogeneityPrior(), 1.0 - level)
    everybody = np.ones(len(comparison), dtype=bool)
    rows = [forest.row(ALL, "", everybody)[0]]
    for coding in codings:
        rows += forest.factor(coding)
    missing = [_missing(coding, comparison) for coding in codings]
    return SubgroupForest(
        endpoint=comparison.endpoint,
        measure=comparison.measure,
        table=pl.DataFrame(rows, schema=_SCHEMA),
        missing=pl.concat(missing) if missing else pl.DataFrame(schema={"factor": pl.String, "patient": pl.String}),
        left_out=comparison.left_out,
        notes=(*comparison.notes, OVERLAP),
    )


@dataclass(frozen=True, eq=False)
class _Forest:
    """Who is compared, the prior, and the confidence of intervals."""

    comparison: Comparison
    prior: HeterogeneityPrior
    confidence: float

    def row(self, factor: str, name: str, which: np.ndarray) -> tuple[dict[str, object], TermsFit | None]:
        """Return counts and the raw effect of some patients, and the fit if there is one."""
        row: dict[str, object] = {"factor": factor, "level": name, **count_arms(self.comparison, which)}
        part = _without_constants(self.comparison.rows(which))
        try:
            fit = fit_terms(part, part.treated[:, None], (TREATED,), tested=(TREATED,))
        except ModelError as error:
            return {**row, "note": str(error)}, None
        pooled = pool_fits([fit.pick((TREATED,))], complete_freedom=np.inf)
        effect = effect_table((TREATED,), pooled, confidence=self.confidence).row(0, named=True)
        return {**row, **{key: effect[key] for key in ("effect", "lower", "upper")}, "note": fit.note}, fit

    def factor(self, coding: MarkerCoding) -> list[dict[str, object]]:
        """Return the rows of all levels of a factor."""
        members = coding.members(self.comparison.patients)
        label = coding.marker.label
        found = [self.row(label, name, own) for name, own in zip(coding.levels, members, strict=True)]
        rows = [row | {"interaction_p": self.interaction_p(coding)} for row, _ in found]
        usable = [index for index, (_, fit) in enumerate(found) if fit is not None]
        if len(usable) < 2:
            return rows
        fits = [fit for _, fit in found if fit is not None]
        shrunk = shrink(
            np.asarray([fit.coefficients[0] for fit in fits]),
            np.sqrt([fit.covariance[0, 0] for fit in fits]),
            prior=self.prior,
            confidence=self.confidence,
        )
        for place, index in enumerate(usable):
            rows[index] |= {
                "shrunk_effect": float(np.exp(shrunk.median[place])),
                "shrunk_lower": float(np.exp(shrunk.lower[place])),
                "shrunk_upper": float(np.exp(shrunk.upper[place])),
                "heterogeneity": shrunk.heterogeneity,
            }
        return rows

    def interaction_p(self, coding: MarkerCoding) -> float | None:
        """Return the likelihood ratio p value of the factor's interaction; None where there is no finite maximum."""
        part = _without_constants(self.comparison.rows(~coding.missing(self.comparison.patients)))
        try:
            return fit_interaction(part, coding, coding.columns(part.patients)).p_value
        except ModelError:
            return None


def _without_constants(part: Comparison) -> Comparison:
    if not part.adjust_terms:
        return part
    moving = np.ptp(part.adjust, axis=0) > 0.0
    terms = tuple(term for term, keep in zip(part.adjust_terms, moving, strict=True) if keep)
    return replace(part, adjust=part.adjust[:, moving], adjust_terms=terms)


def _missing(coding: MarkerCoding, comparison: Comparison) -> pl.DataFrame:
    patients = comparison.patients["patient"].filter(pl.Series(coding.missing(comparison.patients)))
    return pl.DataFrame({"factor": [coding.marker.label] * len(patients), "patient": patients}).cast(pl.String)
