"""Visual predictive check of sizes."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from metachron.base import MONTHS_PER_YEAR
from metachron.inference import Fit
from metachron.inference.predict import SizeCheck
from metachron.report.figures.style import GREY, INK, Chart, colour, month_axis, new_chart, panels
from metachron.report.numbers import Numbers

FEWEST = 5
"""Bins with fewer recorded sizes say nothing about percentiles, and are not drawn."""
_ABOVE, _NO_LIMIT_MM = 3.0, 0.1
_MARKS = {10: "v", 50: "o", 90: "^"}


def size_check(source: Fit | Numbers) -> Chart:
    """Return percentiles of recorded sizes over time against those of replicates, and the share below the limit.

    Points and dark lines are the recorded 10th, 50th and 90th percentile in bins of time, bands the 90 % interval of
    the same percentile in replicates. Below, the share of sizes under the limit. One column per arm.
    """
    numbers = Numbers.of(source)
    check = numbers.size_check
    arms = check.below_limit["arm"].unique(maintain_order=True).to_list()
    with new_chart(4.6 * -(-len(arms) // 3)) as chart:
        ratios = [3.0, 1.1] * -(-len(arms) // 3)
        blocks = panels(chart, len(arms), rows=2, sharex=True, sharey="row", height_ratios=ratios)
        for arm, (upper, lower) in zip(arms, blocks, strict=True):
            index = numbers.arms.index(arm)
            mine = (pl.col("arm") == arm) & (pl.col("count") >= FEWEST)
            _percentiles(upper, check.percentiles.filter(mine), colour(index))
            _below(lower, check.below_limit.filter(mine), colour(index))
            upper.set_title(arm)
            month_axis(lower, MONTHS_PER_YEAR * float(check.below_limit["time_year"].max()))  # type: ignore[arg-type]
            lower.tick_params(labelbottom=True)
        blocks[0, 0].set_ylabel("Size (mm)")
        blocks[0, 1].set_ylabel("Below\nlimit (%)")
        _scale(blocks[0, 0], check)
        below = check.below_limit.filter(pl.col("count") >= FEWEST)
        top = 110 * max(0.05, float(below["observed"].max()), float(below["simulated_q95"].max()))  # type: ignore[arg-type]
        blocks[0, 1].set_ylim(-0.04 * top, top)
        blocks[0, 0].legend(loc="best", fontsize=8)
        return chart


def _percentiles(axes: Axes, rows: pl.DataFrame, tint: str) -> None:
    for (percentile,), part in rows.group_by("percentile", maintain_order=True):
        month = part["time_year"] * MONTHS_PER_YEAR
        low, high = part["simulated_mm_q05"], part["simulated_mm_q95"]
        axes.fill_between(month, low, high, color=tint, alpha=0.45 if percentile == 50 else 0.22, lw=0)
        mark = _MARKS[int(percentile)]
        label = f"recorded, {percentile} %"
        axes.plot(month, part["observed_mm"], marker=mark, ms=4, color=INK, lw=1.0, label=label)


def _below(axes: Axes, rows: pl.DataFrame, tint: str) -> None:
    month = rows["time_year"] * MONTHS_PER_YEAR
    axes.fill_between(month, 100 * rows["simulated_q05"], 100 * rows["simulated_q95"], color=tint, alpha=0.3, lw=0)
    axes.plot(month, 100 * rows["observed"], "o-", ms=3.5, color=INK, lw=1.0)


def _scale(axes: Axes, check: SizeCheck) -> None:
    """Choose a logarithmic axis where sizes have a limit above 0, and one that the largest replicates may leave."""
    highest = _ABOVE * float(check.percentiles["observed_mm"].max())  # type: ignore[arg-type]
    if check.limit_mm <= _NO_LIMIT_MM:
        axes.set_ylim(0, highest)
        return
    axes.axhline(check.limit_mm, color=GREY, lw=0.8, ls=(0, (4, 3)))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0.7 * check.limit_mm, highest)
