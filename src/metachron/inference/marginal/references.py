"""The log likelihood on many nodes about a point, twice: what few nodes are corrected to, and how good that is."""

from __future__ import annotations

from dataclasses import dataclass

from metachron.inference.marginal.coordinates import Coordinates
from metachron.inference.marginal.expansion import Expansion, mean
from metachron.inference.marginal.prepare import Prepared

LEAST_ROWS, MOST_ROWS, FEWER_OF_LESIONS = 16, 64, 4
"""Rows of 64 nodes per patient on average in each of the two sets; the most where the two differ by too much. Where
lesions are single, each of these has nodes for every lesion, and a quarter of them does."""
ERROR = 0.15


@dataclass(frozen=True)
class References:
    """Expansions of the log likelihood on two independent sets of many nodes."""

    first: Expansion
    second: Expansion

    @property
    def error(self) -> Expansion:
        """How far their mean may be off: half their difference."""
        difference = self.first.minus(self.second)
        return Expansion(*(0.5 * part for part in difference))

    def correction(self, prepared: Prepared, coordinates: Coordinates, *, times: int, seed: int) -> Expansion:
        """Return what the log likelihood on some nodes lacks."""
        return mean(self.first, self.second).minus(prepared.expansion(coordinates, times=times, seed=seed))


def measure(prepared: Prepared, coordinates: Coordinates, *, seed: int, least_rows: int = LEAST_ROWS) -> References:
    """Return the references, with more nodes where they differ too much."""
    fewer = FEWER_OF_LESIONS if prepared.view.model.single_lesions else 1
    for rows in sorted({least_rows, MOST_ROWS}):
        times = prepared.times_up_to(rows // fewer)
        both = References(*(prepared.expansion(coordinates, times=times, seed=seed + 10 * k) for k in (1, 2)))
        if both.error.spread < ERROR:
            break
    return both
