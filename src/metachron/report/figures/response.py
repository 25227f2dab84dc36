"""Response as recorded: every patient's change of size over time, and each patient's deepest response."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from metachron.base import MONTHS_PER_YEAR
from metachron.inference import Fit
from metachron.report.figures.style import GREY, INK, Chart, colour, month_axis, new_chart, panels
from metachron.report.numbers import Numbers

GUIDES_PERCENT = (-30.0, 20.0)
"""Partial response and progression of target lesions in RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026."""
CEILING_PERCENT = 150.0


def spider(source: Fit | Numbers) -> Chart:
    """Return the change of size from baseline of every patient over time, one panel per arm.

    Open triangles stand at the limit for sizes below it. Changes above +150 % are drawn at the upper edge.
    """
    numbers = Numbers.of(source)
    changes = numbers.changes
    with new_chart(3.4 if len(numbers.arms) < 4 else 5.6) as chart:
        axes = panels(chart, len(numbers.arms), sharex=True, sharey=True)[:, 0]
        for index, arm in enumerate(numbers.arms):
            rows = changes.filter(pl.col("arm") == arm)
            _lines(axes[index], rows, colour(index))
            axes[index].set_title(f"{arm} ({rows['patient'].n_unique()} patients)")
            month_axis(axes[index], MONTHS_PER_YEAR * float(changes["time_year"].max()))  # type: ignore[arg-type]
            _guides(axes[index])
        axes[0].set_ylabel("Change of size from baseline (%)")
        axes[0].set_ylim(-104, min(CEILING_PERCENT, max(60.0, _largest(changes))) + 4)
        return chart


def _largest(changes: pl.DataFrame) -> float:
    return 100.0 * float(changes["change"].max() or 0.0)  # type: ignore[arg-type]


def _lines(axes: Axes, rows: pl.DataFrame, tint: str) -> None:
    drawn = rows.with_columns(
        (pl.col("time_year") * MONTHS_PER_YEAR).alias("month"),
        pl.min_horizontal(100 * pl.col("change"), CEILING_PERCENT).alias("percent"),
    )
    for _, patient in drawn.group_by("patient", maintain_order=True):
        axes.plot(patient["month"], patient["percent"], color=tint, alpha=0.45, lw=0.8, marker="o", ms=1.6)
    below = drawn.filter("censored")
    axes.plot(below["month"], below["percent"], "v", ms=4, color=tint, mfc="white", mew=0.8)


def _guides(axes: Axes) -> None:
    axes.axhline(0, color=GREY, lw=0.8)
    for level in GUIDES_PERCENT:
        axes.axhline(level, color=GREY, lw=0.8, ls=(0, (4, 3)))


def waterfall(source: Fit | Numbers) -> Chart:
    """Return each patient's deepest change from baseline after day 0, from growth to response, coloured by arm.

    Open triangles mark patients whose size fell below the limit; their bar ends at the limit.
    """
    numbers = Numbers.of(source)
    best = numbers.best
    place = np.arange(best.height)
    percent = np.minimum(100.0 * best["change"].to_numpy(), CEILING_PERCENT)
    with new_chart(3.2) as chart:
        axes = chart.subplots()
        arm = best["arm"].to_numpy()
        for index, name in enumerate(numbers.arms):
            own = arm == name
            hatch = "////" if index % 2 else None
            axes.bar(place[own], percent[own], width=0.85, color=colour(index), hatch=hatch, ec="white", lw=0)
        below = best["censored"].to_numpy()
        axes.plot(place[below], percent[below], "v", ms=4, color=INK, mfc="white", mew=0.8)
        _guides(axes)
        axes.grid(axis="x", visible=False)
        axes.set_xlim(-1, best.height)
        axes.set_xticks([])
        axes.set_xlabel(f"{best.height} patients, ordered")
        axes.set_ylabel("Deepest change of size\nfrom baseline (%)")
        if len(numbers.arms) > 1:
            axes.legend(handles=[_key(index, name) for index, name in enumerate(numbers.arms)])
        return chart


def _key(index: int, name: str) -> Patch:
    return Patch(facecolor=colour(index), hatch="////" if index % 2 else None, edgecolor="white", label=name)
