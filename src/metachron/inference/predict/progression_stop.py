"""Trials that stop imaging at progression: which visits are still made, in the data and in replicates alike."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from metachron.dynamics.progression import progression_threshold_mm

STOPS_BELOW = 0.5
"""Imaging is taken to stop at progression where fewer than this share of patients with one have a later size."""


@dataclass(frozen=True)
class Visits:
    """The rows of each series in order of time: a matrix (series, visit) of row numbers, -1 where there is none."""

    rows: np.ndarray

    @classmethod
    def of(cls, series: np.ndarray, time_year: np.ndarray) -> Visits:
        """Return the visits of flat rows."""
        order = np.lexsort((time_year, series))
        _, group = np.unique(series[order], return_inverse=True)
        place = np.arange(len(order)) - np.searchsorted(group, group)
        rows = np.full((group[-1] + 1, place.max() + 1), -1)
        rows[group, place] = order
        return cls(rows)

    def progressions(self, size_mm: np.ndarray) -> np.ndarray:
        """Return per (series, visit) whether the size is 20 % and 5 mm above the smallest one before it.

        On recorded sizes, measurement error included; Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026.
        """
        sizes = np.where(self.rows >= 0, size_mm[self.rows], np.inf)
        nadir = np.minimum.accumulate(sizes, axis=1)[:, :-1]
        above = sizes[:, 1:] >= np.asarray(progression_threshold_mm(jnp.asarray(nadir)))
        first = np.zeros((len(sizes), 1), dtype=bool)
        return np.concatenate([first, above], axis=1) & (self.rows >= 0)

    def made(self, size_mm: np.ndarray) -> np.ndarray:
        """Return per row whether no progression came before it: the visit that finds the first one is still made."""
        found = np.cumsum(self.progressions(size_mm), axis=1)
        before = np.concatenate([np.zeros((len(found), 1), dtype=int), found[:, :-1]], axis=1)
        made = np.zeros(len(size_mm), dtype=bool)
        real = self.rows >= 0
        made[self.rows[real]] = before[real] == 0
        return made

    def stop_at_progression(self, size_mm: np.ndarray) -> bool:
        """Return whether recorded sizes mostly end with the first progression (see `STOPS_BELOW`)."""
        progressed = self.progressions(size_mm)
        had = progressed.any(axis=1)
        last = (self.rows >= 0).sum(axis=1) - 1
        later = had & (progressed.argmax(axis=1) < last)
        return bool(had.any() and later.sum() < STOPS_BELOW * had.sum())
