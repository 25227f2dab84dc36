"""The answer to one question about a marker: effects with intervals, and the tests that they are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from metachron.benefit.fitting import TermsFit
from metachron.benefit.rubin import Pooled, pool
from metachron.survival.estimate import normal_quantile

_EFFECTS = {
    "term": pl.String, "coefficient": pl.Float64, "standard_error": pl.Float64, "effect": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "wald_p": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class MarkerTest:
    """One question and its answer.

    Attributes
    ----------
    question : in words.
    effects : term, coefficient (log ratio), standard_error, effect (the ratio) with lower and upper limit, wald_p.
    patients, events : how many the answer rests on.
    degrees_of_freedom : number of coefficients tested together.
    likelihood_ratio, likelihood_ratio_p : NaN after imputation, where the Wald test (D1) stands alone.
    wald_p : that all coefficients are 0.
    missing_information : largest share of a variance that comes from imputation; 0 for complete cases.
    note : what the reader must know, such as separated groups.
    refused : why there is no answer; then everything above is empty or NaN.
    """

    question: str
    effects: pl.DataFrame
    patients: int
    events: int
    degrees_of_freedom: int = 0
    likelihood_ratio: float = float("nan")
    likelihood_ratio_p: float = float("nan")
    wald_p: float = float("nan")
    missing_information: float = 0.0
    note: str = ""
    refused: str = ""

    @property
    def single(self) -> dict[str, float | None]:
        """Effect, lower and upper limit where one coefficient was asked about, else None each."""
        names = ("effect", "lower", "upper")
        return {name: self.effects[name][0] if self.effects.height == 1 else None for name in names}

    @property
    def p_value(self) -> float:
        """P value of the likelihood ratio, of the Wald test after imputation, NaN where refused."""
        return self.wald_p if np.isnan(self.likelihood_ratio_p) else self.likelihood_ratio_p


def refuse(question: str, reason: str, *, patients: int = 0, events: int = 0) -> MarkerTest:
    """Return the answer that there is none, with the reason."""
    return MarkerTest(question, pl.DataFrame(schema=_EFFECTS), patients, events, refused=reason)


def answer(question: str, fits: Sequence[TermsFit], *, patients: int, events: int, confidence: float) -> MarkerTest:
    """Return the answer from the fits of one complete data set, or of several imputed ones."""
    first = fits[0]
    picked = [fit.pick(first.tested) for fit in fits]
    pooled = pool_fits(picked, complete_freedom=max(events - len(first.terms), 1.0))
    one = len(fits) == 1
    return MarkerTest(
        question,
        effect_table(first.tested, pooled, confidence=confidence),
        patients,
        events,
        degrees_of_freedom=len(first.tested),
        likelihood_ratio=first.likelihood_ratio if one else float("nan"),
        likelihood_ratio_p=first.p_value if one else float("nan"),
        wald_p=pooled.wald_p(),
        missing_information=float(pooled.missing_information.max()),
        note="; ".join(dict.fromkeys(fit.note for fit in fits if fit.note)),
    )


def pool_fits(picked: Sequence[tuple[np.ndarray, np.ndarray]], *, complete_freedom: float) -> Pooled:
    """Return coefficients and covariances of one or several data sets pooled."""
    return pool(np.stack([c for c, _ in picked]), np.stack([v for _, v in picked]), complete_freedom=complete_freedom)


def effect_table(terms: Sequence[str], pooled: Pooled, *, confidence: float) -> pl.DataFrame:
    """Return ratios with intervals and Wald p values, one row per term."""
    error = np.sqrt(np.diag(pooled.covariance))
    half, p_value = half_width(pooled, confidence), two_sided(pooled)
    columns = [
        list(terms), pooled.estimate, error, np.exp(pooled.estimate), np.exp(pooled.estimate - half),
        np.exp(pooled.estimate + half), p_value,
    ]  # fmt: skip
    return pl.DataFrame(dict(zip(_EFFECTS, columns, strict=True)), schema=_EFFECTS)


def half_width(pooled: Pooled, confidence: float) -> np.ndarray:
    """Return half the width of the confidence interval of each estimate."""
    normal = normal_quantile(confidence)
    finite = np.isfinite(pooled.degrees_of_freedom)
    freedom = np.where(finite, pooled.degrees_of_freedom, 1.0)
    quantile = np.where(finite, stdtrit(freedom, 0.5 + confidence / 2.0), normal)
    return quantile * np.sqrt(np.diag(pooled.covariance))


def two_sided(pooled: Pooled) -> np.ndarray:
    """Return the two-sided p value of each estimate being 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2.0 * stdtr(pooled.degrees_of_freedom, -np.abs(pooled.estimate) / np.sqrt(np.diag(pooled.covariance)))
