"""Are prediction errors standard normal? Mean, variance and shape, each with its p value."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.inference.diagnostics import number_or_none

SHAPIRO_MOST = 5000
"""Values that the test of shape looks at: its p value is not known for more (Royston 1995, doi:10.2307/2986146)."""
LEVEL = 0.05
"""Joint p value below which errors are said to differ from standard normal ones."""
_LEAST = 3


@dataclass(frozen=True)
class NormalTests:
    """Tests of prediction errors against the standard normal distribution, for which the model would be right.

    NaN with fewer than 3 errors. Three tests with a joint p value by Bonferroni's rule: Brendel 2006,
    doi:10.1007/s11095-005-9067-5; the t test stands in place of Wilcoxon's, since it is the mean that is reported.

    Parameters
    ----------
    count : number of errors.
    mean, mean_p : their mean (wanted: 0), and the p value of the t test.
    variance, variance_p : their variance (wanted: 1), and the two-sided p value of (n - 1) variance, chi-squared.
    normality_p : p value of the test of Shapiro and Wilk; of at most 5,000 errors, evenly taken.
    """

    count: int
    mean: float
    mean_p: float
    variance: float
    variance_p: float
    normality_p: float

    @property
    def joint_p(self) -> float:
        """Three times the smallest of the three p values, at most 1."""
        values = (self.mean_p, self.variance_p, self.normality_p)
        return float("nan") if any(map(math.isnan, values)) else min(1.0, 3.0 * min(values))

    @property
    def sentence(self) -> str:
        """What the tests say, in words: chance, or in which way the errors differ from it."""
        joint = f"joint p {self.joint_p:.2g}" if self.joint_p >= 0.001 else "joint p below 0.001"
        facts = f"mean {self.mean:.2f}, variance {self.variance:.2f}, {joint}"
        if math.isnan(self.joint_p):
            return f"too few errors to judge ({self.count})"
        if self.joint_p >= LEVEL:
            return f"no further from standard normal than chance allows ({facts})"
        each = (
            (self.mean_p, "above what is predicted" if self.mean > 0 else "below what is predicted"),
            (self.variance_p, "more scatter than predicted" if self.variance > 1 else "less scatter than predicted"),
            (self.normality_p, "another shape than predicted"),
        )
        ways = [words for p, words in each if 3.0 * p < LEVEL]
        return f"further from standard normal than chance allows: {', '.join(ways)} ({facts})"

    def as_dict(self) -> dict[str, float | None]:
        """Return the numbers for JSON; NaN is None."""
        return {name: number_or_none(value) for name, value in {**asdict(self), "joint_p": self.joint_p}.items()}


def judge_normal(errors: Float[np.ndarray, " error"]) -> NormalTests:
    """Return mean, variance and shape of errors, each tested against the standard normal distribution."""
    count = len(errors)
    if count < _LEAST:
        nan = float("nan")
        return NormalTests(count, float(np.mean(errors)) if count else nan, nan, nan, nan, nan)
    from scipy import stats  # here, since every report imports this module, and few ask

    variance = float(np.var(errors, ddof=1))
    below, above = (float(tail((count - 1) * variance, count - 1)) for tail in (stats.chi2.cdf, stats.chi2.sf))
    taken = np.linspace(0, count - 1, min(count, SHAPIRO_MOST)).astype(int)
    return NormalTests(
        count,
        float(np.mean(errors)),
        float(stats.ttest_1samp(errors, 0.0).pvalue),
        variance,
        2.0 * min(below, above),
        float(stats.shapiro(errors[taken]).pvalue),
    )


@dataclass(frozen=True, eq=False)
class PredictionErrors:
    """Prediction errors, one row each, and whether they are standard normal as a whole.

    Parameters
    ----------
    table : see `metachron.inference.criticism.size_npde` and `event_npde`.
    tests : mean, variance and shape against the standard normal distribution.
    replicates : number of replicates behind them.
    """

    table: pl.DataFrame
    tests: NormalTests
    replicates: int

    def _repr_html_(self) -> str:
        return self.table._repr_html_()
