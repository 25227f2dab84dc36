"""Prediction errors and residuals: against time, against what was predicted, and against the normal distribution."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from scipy.special import betaincinv, ndtri

from metachron.base import MONTHS_PER_YEAR
from metachron.inference import Fit
from metachron.report.figures.style import COLOURS, GREY, INK, Chart, colour, month_axis, new_chart, panels
from metachron.report.numbers import Numbers

DRAWN = 300
"""Points drawn in a panel, evenly taken; trends and normal plots rest on all of them."""
_BINS, _Z = 8, 1.6448536269514722
_ORDER_POINTS = 150


def size_errors(source: Fit | Numbers) -> Chart:
    """Return prediction errors (above) and individual weighted residuals (below) of sizes.

    Each against time and prediction, and as a normal quantile plot. Dashed lines: 0, and the limits of 90 % of a
    standard normal variable. Diamonds: means in bins of equal numbers, with their 90 % interval.
    """
    numbers = Numbers.of(source)
    rows = (
        ("Prediction error", numbers.size_errors.table.rename({"npde": "error"})),
        ("Individual residual", numbers.residuals.rename({"residual": "error"}).drop_nulls("error")),
    )
    with new_chart(5.4) as chart:
        axes = chart.subplots(2, 3)
        for (name, table), (time, predicted, normal) in zip(rows, axes, strict=True):
            month = table["time_year"].to_numpy() * MONTHS_PER_YEAR
            _scatter(time, month, table)
            month_axis(time, float(month.max()))
            _scatter(predicted, table["predicted_mm"].to_numpy(), table)
            _size_axis(predicted, table["predicted_mm"].to_numpy())
            normal_plot(normal, table["error"].to_numpy(), COLOURS[0])
            time.set_ylabel(f"{name} (standard units)")
        axes[0, 0].set_title("against time")
        axes[0, 1].set_title("against prediction")
        axes[0, 2].set_title("normal plot")
        return chart


def event_errors(source: Fit | Numbers) -> Chart:
    """Return normal quantile plots of the prediction errors of times to the event, one panel per arm."""
    numbers = Numbers.of(source)
    table = numbers.event_errors.table
    arms = table["arm"].unique().sort().to_list()
    with new_chart(2.9 * -(-len(arms) // 3)) as chart:
        blocks = panels(chart, len(arms), sharex=True, sharey=True)
        for arm, (axes,) in zip(arms, blocks, strict=True):
            errors = table.filter(pl.col("arm") == arm)["npde"].to_numpy()
            normal_plot(axes, errors, colour(numbers.arms.index(arm)))
            axes.set_title(f"{arm} ({len(errors)} patients)")
        blocks[0, 0].set_ylabel("Prediction error of the event\n(standard units)")
        return chart


def normal_plot(axes: Axes, errors: np.ndarray, tint: str) -> None:
    """Draw errors in order against normal quantiles, in the band that holds 90 % of each of so many normal values."""
    count = len(errors)
    place = np.unique(np.linspace(0, count - 1, min(count, _ORDER_POINTS)).round().astype(int))
    wanted = ndtri((place + 0.5) / count)
    low, high = (ndtri(betaincinv(place + 1, count - place, level)) for level in (0.05, 0.95))
    axes.fill_between(wanted, low, high, color=tint, alpha=0.22, lw=0)
    axes.plot(wanted, wanted, color=GREY, lw=0.8, ls=(0, (4, 3)))
    axes.plot(wanted, np.sort(errors)[place], "o", ms=2.2, color=INK)
    axes.set_xlabel("Normal quantile")


def _scatter(axes: Axes, where: np.ndarray, table: pl.DataFrame) -> None:
    errors, censored = table["error"].to_numpy(), table["censored"].to_numpy()
    taken = np.zeros(len(errors), dtype=bool)
    taken[np.linspace(0, len(errors) - 1, min(len(errors), DRAWN)).round().astype(int)] = True
    for marker, rows, face in (("o", ~censored, COLOURS[0]), ("v", censored, "white")):
        axes.plot(where[taken & rows], errors[taken & rows], marker, ms=2.4, color=COLOURS[0], mfc=face, alpha=0.5)
    for level, style in ((0.0, "-"), (-_Z, (0, (4, 3))), (_Z, (0, (4, 3)))):
        axes.axhline(level, color=GREY, lw=0.8, ls=style)
    _trend(axes, where, errors)


def _trend(axes: Axes, where: np.ndarray, errors: np.ndarray) -> None:
    order = np.argsort(where, kind="stable")
    for part in np.array_split(order, min(_BINS, max(1, len(order) // 5))):
        spread = _Z * errors[part].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan
        axes.errorbar(
            np.median(where[part]), errors[part].mean(), yerr=spread, fmt="D", ms=3.6, color=INK, lw=1.1, capsize=2
        )


def _size_axis(axes: Axes, predicted_mm: np.ndarray) -> None:
    axes.set_xlabel("Predicted size (mm)")
    if predicted_mm.min() > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
