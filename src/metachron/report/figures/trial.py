"""A running trial at its planned analysis: Kaplan-Meier curves of today and what they will be."""

from __future__ import annotations

import polars as pl

from metachron.forecast import TrialForecast
from metachron.report.figures.forecast import DAYS_PER_MONTH
from metachron.report.figures.style import INK, Chart, colour, line, month_axis, new_chart, panels, percent_axis


def trial_forecast(found: TrialForecast) -> Chart:
    """Return one panel per arm: today's Kaplan-Meier curve, and median and 90 % band of that at the analysis."""
    arms = found.curves["arm"].unique(maintain_order=True).to_list()
    with new_chart(3.6) as chart:
        blocks = panels(chart, len(arms), sharey=True)
        for index, (arm, (axes,)) in enumerate(zip(arms, blocks, strict=True)):
            rows = found.curves.filter(pl.col("arm") == arm)
            month = rows["day"] / DAYS_PER_MONTH
            low, middle, high = (100 * rows[f"survival_{name}"] for name in ("q05", "q50", "q95"))
            axes.fill_between(month, low, high, color=colour(index), alpha=0.22, lw=0)
            axes.plot(month, middle, color=colour(index), ls=line(index), label="at the analysis, 90 %")
            axes.step(month, 100 * rows["observed"], where="post", color=INK, lw=1.3, label="today")
            axes.set_title(arm)
            percent_axis(axes)
            month_axis(axes, float(month[-1]))
            axes.legend(loc="upper right", fontsize=8)
        blocks[0, 0].set_ylabel("Alive (%)")
        return chart
