"""One model of an outcome: Cox for times, logistic for response, and the tests of some of its terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from metachron.base import ModelError, list_briefly
from metachron.benefit.comparison import Comparison
from metachron.benefit.logistic import fit_logistic
from metachron.survival.observed import Observed
from metachron.survival.partial_likelihood import maximise

EFFECTS_WITH_FIRTH = "the outcome is separated along {}: estimates by Firth's penalised likelihood"


@dataclass(frozen=True, eq=False)
class TermsFit:
    """Coefficients of the terms asked about, and the likelihood ratio test that all of ``tested`` are 0.

    ``intercept_and_rest`` is None for times; for a response it holds what predicted probabilities need: intercept,
    coefficients and covariance of everything in the model, and its design with the column of ones.
    """

    terms: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    tested: tuple[str, ...]
    likelihood_ratio: float
    note: str = ""
    intercept_and_rest: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def p_value(self) -> float:
        """P value of the likelihood ratio test."""
        return float(chdtrc(len(self.tested), self.likelihood_ratio))

    def pick(self, terms: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and covariance of some terms."""
        place = [self.terms.index(term) for term in terms]
        return self.coefficients[place], self.covariance[np.ix_(place, place)]


def fit_terms(
    comparison: Comparison, columns: np.ndarray, terms: tuple[str, ...], *, tested: tuple[str, ...]
) -> TermsFit:
    """Return the model of an outcome on ``columns``, the adjustment and the strata, with the test of some terms.

    Raises
    ------
    ModelError
        When there is no finite maximum (times) or terms are collinear.
    """
    design = np.column_stack([columns, comparison.adjust])
    names = (*terms, *comparison.adjust_terms)
    if isinstance(comparison.outcome, Observed):
        return _fit_times(comparison, comparison.outcome, design, names, terms, tested)
    return _fit_response(comparison, comparison.outcome, design, names, terms, tested)


def _fit_times(
    comparison: Comparison,
    observed: Observed,
    design: np.ndarray,
    names: tuple[str, ...],
    terms: tuple[str, ...],
    tested: tuple[str, ...],
) -> TermsFit:
    _refuse_constant(design, names)
    full = maximise(observed, design, comparison.stratum, names)
    kept = np.asarray([name not in tested for name in names])
    nested = full.null_log_likelihood
    if kept.any():
        rest = tuple(np.asarray(names, dtype=object)[kept])
        nested = maximise(observed, design[:, kept], comparison.stratum, rest).log_likelihood
    mine = slice(0, len(terms))
    ratio = max(2.0 * (full.log_likelihood - nested), 0.0)
    return TermsFit(terms, full.coefficients[mine], full.covariance[mine, mine], tested, ratio)


def _fit_response(
    comparison: Comparison,
    responded: np.ndarray,
    design: np.ndarray,
    names: tuple[str, ...],
    terms: tuple[str, ...],
    tested: tuple[str, ...],
) -> TermsFit:
    levels = np.unique(comparison.stratum)[1:]
    design = np.column_stack([design, *(comparison.stratum == level for level in levels)]).astype(float)
    names = (*names, *(f"stratum {level}" for level in levels))
    full = fit_logistic(design, responded, names)
    nested = fit_logistic(design, responded, names, held=tested, penalised=full.penalised)
    mine = slice(1, 1 + len(terms))
    note = EFFECTS_WITH_FIRTH.format(list_briefly(full.separated)) if full.penalised else ""
    everything = (full.coefficients, full.covariance, np.column_stack([np.ones(len(design)), design]))
    ratio = max(2.0 * (full.log_likelihood - nested.log_likelihood), 0.0)
    return TermsFit(terms, full.coefficients[mine], full.covariance[mine, mine], tested, ratio, note, everything)


def _refuse_constant(design: np.ndarray, names: tuple[str, ...]) -> None:
    constant = [name for name, spread in zip(names, np.ptp(design, axis=0), strict=True) if spread == 0.0]
    if constant:
        raise ModelError(
            f"terms with one value only among these patients: {list_briefly(constant)}; join levels, or leave them out"
        )
