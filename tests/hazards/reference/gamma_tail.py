"""Recompute gamma_tail.csv: -log Q(shape, x) and its derivative by shape, with 40 digits. Needs mpmath."""

from __future__ import annotations

import csv
from pathlib import Path

import mpmath

mpmath.mp.dps = 40
SHAPES = ("0.02", "0.1", "0.3", "0.7", "1", "1.5", "3", "7", "15", "30")
PLACES = ("1e-6", "1e-3", "0.1", "0.5", "0.95", "1.05", "1.5", "3", "20", "300", "7000")


def cumulative_hazard(shape: mpmath.mpf, x: mpmath.mpf) -> mpmath.mpf:
    """Return -log Q, from P where that is the smaller one, so that no digit cancels."""
    lower = mpmath.gammainc(shape, 0, x, regularized=True)
    if lower < 0.5:
        return -mpmath.log1p(-lower)
    return -mpmath.log(mpmath.gammainc(shape, x, mpmath.inf, regularized=True))


with (Path(__file__).parent / "gamma_tail.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["shape", "x", "cumulative_hazard", "by_shape"])
    for shape in map(mpmath.mpf, SHAPES):
        for place in map(mpmath.mpf, PLACES):
            x = place * (shape + mpmath.mpf("1.5"))
            by_shape = mpmath.diff(lambda a, x=x: cumulative_hazard(a, x), shape, h=mpmath.mpf("1e-12"))
            values = (shape, x, cumulative_hazard(shape, x), by_shape)
            writer.writerow([mpmath.nstr(value, 17, strip_zeros=True) for value in values])
