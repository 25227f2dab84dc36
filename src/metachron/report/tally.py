"""How much of the data lies within what the model replicates."""

from __future__ import annotations

import polars as pl

from metachron.report.figures.size_check import FEWEST
from metachron.report.numbers import Numbers

ENOUGH = 0.75
"""Share within 90 % intervals below which a model is said not to reproduce something: neighbouring times and bins
depend on each other, so 9 of 10 cannot be asked."""


def size_tally(numbers: Numbers) -> tuple[int, int]:
    """Return how many recorded percentiles and shares below the limit lie in the 90 % interval, and how many there are.

    A share counts only where sizes below the limit were recorded in the arm, else it would be right by default.
    """
    check = numbers.size_check
    enough = pl.col("count") >= FEWEST
    rows = check.percentiles.filter(enough)
    shares = check.below_limit.filter(enough & (pl.col("observed").max().over("arm") > 0))
    inside = rows.filter(pl.col("observed_mm").is_between(pl.col("simulated_mm_q05"), pl.col("simulated_mm_q95")))
    right = shares.filter(pl.col("observed").is_between(pl.col("simulated_q05"), pl.col("simulated_q95")))
    return inside.height + right.height, rows.height + shares.height


def survival_tally(numbers: Numbers) -> tuple[int, int]:
    """Return at how many times after day 0 the Kaplan-Meier curve lies in the envelope, and of how many."""
    return _curve_tally(numbers.survival_check)


def new_lesion_tally(numbers: Numbers) -> tuple[int, int]:
    """Return the same of the mean number of new lesions."""
    return _curve_tally(numbers.new_lesion_check)


def progression_tally(numbers: Numbers) -> tuple[int, int]:
    """Return the same of the Kaplan-Meier curve of progression by size."""
    return _curve_tally(numbers.progression_check)


def _curve_tally(check: pl.DataFrame) -> tuple[int, int]:
    known = pl.col("observed").is_not_nan() & pl.col("simulated_q05").is_not_nan() & (pl.col("time_year") > 0)
    rows = check.filter(known)
    inside = rows.filter(pl.col("observed").is_between(pl.col("simulated_q05"), pl.col("simulated_q95")))
    return inside.height, rows.height
