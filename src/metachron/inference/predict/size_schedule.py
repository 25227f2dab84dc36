"""The recorded sizes of a fit in groups of arm and time, and the summary that data and replicates share."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.inference.fit import Fit
from metachron.inference.predict.progression_stop import Visits
from metachron.inference.predict.subjects import bind_fit

PERCENTILES = (10, 50, 90)


@dataclass(frozen=True)
class Schedule:
    """Recorded rows, each in a group of arm and time bin.

    Parameters
    ----------
    patient, series, time_year, group : per row; ``size_mm`` is minus infinity where censored.
    groups : per group: group, arm, bin (0: up to day 0), time_year (median), count.
    limit_mm : sizes below it are censored.
    visits : the rows by patient where only those up to progression count, else None.
    """

    patient: np.ndarray
    series: np.ndarray
    time_year: np.ndarray
    size_mm: np.ndarray
    group: np.ndarray
    groups: pl.DataFrame
    limit_mm: float
    visits: Visits | None

    def made(self, size_mm: np.ndarray) -> np.ndarray:
        """Return which visits are made: all, or those up to progression of the sizes given."""
        if self.visits is None:
            return np.ones(len(size_mm), dtype=bool)
        return self.visits.made(np.maximum(size_mm, self.limit_mm))

    def statistics(self, size_mm: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return percentiles (group, percentile) and the fraction below the limit (group); NaN without sizes."""
        percentiles = np.full((len(self.groups), len(PERCENTILES)), np.nan)
        below = np.full(len(self.groups), np.nan)
        order = np.argsort(self.group, kind="stable")
        bounds = np.searchsorted(self.group[order], np.arange(len(below) + 1))
        for group in range(len(below)):
            rows = order[bounds[group] : bounds[group + 1]]
            values = size_mm[rows][seen[rows]]
            if len(values):
                percentiles[group] = np.percentile(np.maximum(values, self.limit_mm), PERCENTILES)
                below[group] = np.mean(values < self.limit_mm)
        return percentiles, below


def read_schedule(fit: Fit, bins: int, until_progression: bool | None) -> Schedule:
    """Return the recorded rows of a fit in ``bins`` time bins after day 0, with equal numbers of sizes."""
    binding = bind_fit(fit)
    design, labels, part = binding.design, fit.labels, fit.model.dynamics
    assert part is not None
    assert design.measured is not None
    assert design.censored is not None
    scale = part.observation.value_scale(part.law)
    stated = part.limit_working
    limit = labels.limit_mm if stated is None else float(scale.to_mm(jnp.asarray(stated)))
    both = [jax.tree.map(lambda a, r=rows: np.asarray(a)[np.asarray(r.weight) > 0], rows) for rows in design[:2]]
    measured = np.asarray(scale.to_mm(jnp.asarray(both[0].value)))
    size = np.concatenate([measured, np.full(len(both[1].value), -np.inf)])
    patient, series, time = (
        np.concatenate([getattr(rows, name) for rows in both]) for name in ("patient", "series", "time_year")
    )
    groups, group = _groups(np.asarray(labels.arms)[np.asarray(design.arm)[patient]], time, bins)
    visits = _visits(fit, patient, time, np.maximum(size, limit), until_progression)
    return Schedule(patient, series, time, size, group, groups, limit, visits)


def _groups(arm: np.ndarray, time_year: np.ndarray, bins: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Return the groups of arm and time bin, and the group of each row."""
    after = time_year[time_year > 0]
    edges = np.unique(np.quantile(after, np.arange(1, bins) / bins)) if len(after) else np.empty(0)
    place = np.where(time_year <= 0, 0, 1 + np.searchsorted(edges, time_year))
    rows = pl.DataFrame({"arm": arm.tolist(), "bin": place, "time_year": time_year})
    found = rows.group_by("arm", "bin").agg(pl.col("time_year").median(), pl.len().alias("count")).sort("arm", "bin")
    found = found.with_columns(pl.int_range(pl.len()).alias("group"))
    return found, rows.join(found, on=["arm", "bin"], how="left", maintain_order="left")["group"].to_numpy()


def _visits(fit: Fit, patient: np.ndarray, time: np.ndarray, size: np.ndarray, asked: bool | None) -> Visits | None:
    """Return the visits by patient where only those up to progression count."""
    part = fit.model.dynamics
    assert part is not None
    if part.size == "lesion":
        if asked:
            raise ModelError("progression is that of the sum of lesions, and this fit has sizes lesion by lesion")
        return None
    visits = Visits.of(patient, time)
    return visits if (visits.stop_at_progression(size) if asked is None else asked) else None
