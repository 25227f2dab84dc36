"""The log likelihood of one patient's new lesions, recomputed from the tables with SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from scipy.integrate import quad
from scipy.special import gammaln

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort


def new_lesion_log_likelihood_by_hand(
    cohort: Cohort,
    patient: str,
    clock: str,
    timing: str,
    log_factor: Callable[[float], float],
    *,
    scale_year: float,
    shape: float,
    log_share: Mapping[str, float],
    moves: bool = True,
) -> float:
    """Return the log likelihood under a Weibull baseline.

    Parameters
    ----------
    log_factor : what links and frailty add to the log rate at a time in years from day 0.
    log_share : log probability of each organ.
    moves : whether that factor moves with time; if not, integrals are in closed form.
    """

    def log_rate(time: float, origin: float) -> float:
        return np.log(shape / scale_year) + (shape - 1) * np.log(time / scale_year) + log_factor(origin + time)

    def integral(start: float, stop: float, origin: float) -> float:
        if not moves:
            return (stop**shape - start**shape) / scale_year**shape * np.exp(log_factor(0.0))
        return quad(lambda u: np.exp(log_rate(u, origin)), start, stop, epsabs=1e-11)[0]

    events = cohort.events.filter((pl.col("patient") == patient) & (pl.col("kind") == "new_lesion"))
    followed = cohort.followup.filter((pl.col("patient") == patient) & (pl.col("kind") == "new_lesion"))
    last = float(followed["last_day"][0])
    if timing == "between-visits":
        days = cohort.visits.filter((pl.col("patient") == patient) & (pl.col("day") <= last))["day"]
        last = float(days.max())
    total, origin, days = sum(log_share[organ] for organ in events["organ"]), 0.0, sorted(set(events["day_upper"]))
    if clock == "calendar":
        total -= integral(0.0, last / DAYS_PER_YEAR, 0.0)
    for day in days:
        now = events.filter(pl.col("day_upper") == day)
        for lower in sorted(set(now["day_lower"])):
            rows = now.filter(pl.col("day_lower") == lower)
            if timing == "between-visits":
                inside = integral(lower / DAYS_PER_YEAR, day / DAYS_PER_YEAR, 0.0)
                counts = rows["organ"].value_counts()["count"].to_numpy()
                total += len(rows) * np.log(inside) - gammaln(counts + 1.0).sum()
            else:
                total += len(rows) * log_rate((day - origin) / DAYS_PER_YEAR, origin / DAYS_PER_YEAR)
        if clock == "gap":
            total -= integral(0.0, (day - origin) / DAYS_PER_YEAR, origin / DAYS_PER_YEAR)
            origin = day
    if clock == "gap":
        total -= integral(0.0, (last - origin) / DAYS_PER_YEAR, origin / DAYS_PER_YEAR)
    return float(total)
