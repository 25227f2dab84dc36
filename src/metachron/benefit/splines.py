"""Restricted cubic splines: smooth curves of a marker that are straight lines beyond the outer knots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import ModelError

KNOT_QUANTILES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
}
"""Where knots stand, as quantiles of the marker: Harrell 2015, table 2.3, doi:10.1007/978-3-319-19425-7."""


@dataclass(frozen=True)
class RestrictedSpline:
    """A restricted cubic spline with these knots, in increasing order and in the unit of the marker."""

    knots: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of columns: knots minus one."""
        return len(self.knots) - 1

    def columns(self, values: ArrayLike) -> np.ndarray:
        """Return the basis at each value, values x (knots - 1), without a constant: the value, and bent terms.

        With knots t_1 < ... < t_k, the term j = 1 ... k - 2 is [(x - t_j)+^3 - (x - t_(k-1))+^3 (t_k - t_j) /
        (t_k - t_(k-1)) + (x - t_k)+^3 (t_(k-1) - t_j) / (t_k - t_(k-1))] / (t_k - t_1)^2, in the unit of the marker:
        Harrell 2015, section 2.4.5, doi:10.1007/978-3-319-19425-7. NaN where the value is NaN.
        """
        x, knots = np.asarray(values, dtype=float), np.asarray(self.knots)
        cubes = np.maximum(x[:, None] - knots, 0.0) ** 3
        inner, gap = knots[:-2], knots[-1] - knots[-2]
        bent = cubes[:, :-2] - cubes[:, [-2]] * (knots[-1] - inner) / gap + cubes[:, [-1]] * (knots[-2] - inner) / gap
        return np.column_stack([x, np.where(np.isnan(x)[:, None], np.nan, bent) / (knots[-1] - knots[0]) ** 2])


def learn_spline(values: ArrayLike, *, knots: int = 4) -> RestrictedSpline:
    """Return the spline whose knots stand at the quantiles of `KNOT_QUANTILES`; 2 knots: a straight line.

    Raises
    ------
    ModelError
        When the number of knots is not 2 to 5, or so many values are alike that knots coincide.
    """
    x = np.asarray(values, dtype=float)
    if knots == 2:
        return RestrictedSpline((float(x.min()), float(x.max())))
    if knots not in KNOT_QUANTILES:
        raise ModelError(f"a spline has 2 (a straight line) to 5 knots, not {knots}")
    places = np.quantile(x, KNOT_QUANTILES[knots])
    if np.any(np.diff(places) <= 0.0):
        listed = ", ".join(f"{place:g}" for place in places)
        raise ModelError(
            f"{knots} knots would stand at {listed}: too many values are alike; take fewer knots (2 make a straight "
            "line), or another scale of the marker"
        )
    return RestrictedSpline(tuple(float(place) for place in places))
