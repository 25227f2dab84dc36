"""One look for all figures: colours that colour-blind readers tell apart, light axes, text that stays text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metachron.report.svg import to_svg

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's palette without yellow and black: distinct for all common kinds of colour blindness."""
LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
WIDTH_INCH = 9.0
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "text.parse_math": False,
    "figure.facecolor": "white",
}


class Chart(Figure):
    """A figure that a notebook shows as SVG, without a plotting backend."""

    def _repr_svg_(self) -> str:
        return to_svg(self)


@contextmanager
def new_chart(height_inch: float, *, width_inch: float = WIDTH_INCH) -> Iterator[Chart]:
    """Yield an empty figure in the style of the report, to be drawn on inside the block."""
    with matplotlib.rc_context(_STYLE):
        yield Chart(figsize=(width_inch, height_inch), layout="constrained")


def colour(index: int) -> str:
    """Return the colour of the arm (or chain, or lesion) of an index."""
    return COLOURS[index % len(COLOURS)]


def line(index: int) -> str | tuple[int, tuple[float, ...]]:
    """Return the line style of the arm of an index, so that arms differ in print without colour too."""
    return LINES[index % len(LINES)]


def panels(chart: Figure, count: int, *, columns: int = 3, rows: int = 1, **options: Any) -> np.ndarray:
    """Return ``rows`` stacked axes for each of ``count`` items, at most ``columns`` side by side: (item, row)."""
    across = min(count, columns)
    down = -(-count // across)
    axes = chart.subplots(down * rows, across, squeeze=False, **options)
    blocks = axes.reshape(down, rows, across).transpose(0, 2, 1).reshape(-1, rows)
    for spare in blocks[count:].ravel():
        spare.set_axis_off()
    return blocks[:count]


def month_axis(axes: Axes, last_month: float) -> np.ndarray:
    """Give a time axis its label and at most seven ticks at whole months, quarters or years; return the ticks."""
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 600, 6000) if last_month / step <= 6)
    ticks = np.arange(0, last_month + 1e-9, step)
    axes.set_xticks(ticks)
    axes.set_xlabel("Months from day 0")
    return ticks


def percent_axis(axes: Axes) -> None:
    """Give an axes of probabilities in percent its range."""
    axes.set_ylim(0, 102)
    axes.set_yticks([0, 25, 50, 75, 100])
