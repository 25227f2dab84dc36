"""A running trial at its planned analysis: Kaplan-Meier curves of today and what they will be."""

from __future__ import annotations

import polars as pl

from metachron.base import DAYS_PER_MONTH, DAYS_PER_YEAR
from metachron.forecast import TrialForecast
from metachron.report.figures.style import INK, Chart, month_axis, new_chart, panels, percent_axis
from metachron.report.figures.survival import survival_band


def trial_forecast(found: TrialForecast) -> Chart:
    """Return one panel per arm: today's Kaplan-Meier curve, and median and 90 % band of that at the analysis."""
    arms = found.curves["arm"].unique(maintain_order=True).to_list()
    with new_chart(3.6) as chart:
        blocks = panels(chart, len(arms), sharey=True)
        for index, (arm, (axes,)) in enumerate(zip(arms, blocks, strict=True)):
            rows = found.curves.filter(pl.col("arm") == arm).with_columns(time_year=pl.col("day") / DAYS_PER_YEAR)
            month = rows["day"] / DAYS_PER_MONTH
            survival_band(axes, rows, "survival_", index, "at the analysis, 90 %")
            axes.step(month, 100 * rows["observed"], where="post", color=INK, lw=1.3, label="today")
            axes.set_title(arm)
            percent_axis(axes)
            month_axis(axes, float(month[-1]))
            axes.legend(loc="upper right", fontsize=8)
        blocks[0, 0].set_ylabel("Alive (%)")
        return chart
