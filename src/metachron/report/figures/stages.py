"""Two stages beside the joint model: the same coefficients by three ways."""

from __future__ import annotations

import polars as pl

from metachron.inference.two_stage import STAGES, TwoStage
from metachron.report.figures.style import INK, Chart, colour, new_chart, panels

_PANEL_INCH = 1.5
_ABOVE_ROWS = 0.7


def stage_estimates(found: TwoStage) -> Chart:
    """Return estimate and 90 % interval of every parameter of the hazard by each stage, one panel per parameter.

    Link coefficients and covariates have a line at 0; the pale line is the joint estimate.
    """
    names = found.table["parameter"].unique(maintain_order=True).to_list()
    with new_chart((_PANEL_INCH + _ABOVE_ROWS) * -(-len(names) // 3)) as chart:
        axes = panels(chart, len(names))[:, 0]
        for panel, name in zip(axes, names, strict=True):
            rows = found.table.filter(pl.col("parameter") == name)
            panel.axvline(rows["estimate"][-1], color=colour(len(STAGES) - 1), lw=6.0, alpha=0.15)
            if ".link[" in name or ".beta[" in name:
                panel.axvline(0.0, color=INK, lw=0.8)
            for index, row in enumerate(rows.iter_rows(named=True)):
                reach = [[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]]
                panel.errorbar(row["estimate"], index, xerr=reach, fmt="o", color=colour(index), ms=5, capsize=3)
            panel.set_yticks(range(len(STAGES)), STAGES)
            panel.set_ylim(len(STAGES) - 0.5, -0.5)
            panel.tick_params(axis="y", labelcolor=INK)
            panel.set_title(name, fontsize=8.5)
        return chart
