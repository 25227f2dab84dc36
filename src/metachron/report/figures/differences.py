"""Models compared: differences of elpd with their intervals, and where they come from, patient by patient."""

from __future__ import annotations

import numpy as np

from metachron.inference.criticism import Comparison
from metachron.inference.criticism.compare import APART, WORSE
from metachron.report.figures.style import COLOURS, GREY, INK, Chart, new_chart

_ROW_INCH = 0.32
_LINE_INCH = 1.0


def elpd_differences(comparison: Comparison) -> Chart:
    """Return the difference of every ranked model to the best, with bars of 2 standard errors to either side."""
    table = comparison.table
    row = np.arange(table.height)
    with new_chart(_LINE_INCH + _ROW_INCH * table.height) as chart:
        axes = chart.subplots()
        axes.axvline(0.0, color=GREY, lw=1.0)
        for index, record in enumerate(table.iter_rows(named=True)):
            tint = COLOURS[1] if record["verdict"] == WORSE else COLOURS[0]
            reach = APART * record["difference_se"]
            axes.errorbar(record["difference"], index, xerr=reach, fmt="o", color=tint, ms=5, lw=1.6, capsize=3)
        axes.set_yticks(row, table["model"].to_list())
        axes.tick_params(axis="y", labelcolor=INK)
        axes.invert_yaxis()
        axes.set_ylim(table.height - 0.5, -0.5)
        axes.set_xlabel("Difference of elpd to the best model (less is worse)")
        return chart


def patient_differences(comparison: Comparison) -> Chart:
    """Return the patients in the order of the difference between the second model and the best: each, and summed up."""
    values = comparison.pointwise().sort("difference")["difference"].to_numpy()
    place = np.arange(1, len(values) + 1)
    with new_chart(3.2) as chart:
        left, right = chart.subplots(1, 2)
        left.axhline(0.0, color=GREY, lw=1.0)
        left.vlines(place, 0.0, values, color=np.where(values < 0, COLOURS[0], COLOURS[1]), lw=1.2)
        left.plot(place, values, ".", ms=3, color=INK)
        left.set_xlabel("Patients, in order")
        left.set_ylabel("Second minus best")
        left.set_title("Each patient")
        right.axhline(0.0, color=GREY, lw=1.0)
        right.plot(place, np.cumsum(values), color=INK)
        right.set_xlabel("Patients, in the same order")
        right.set_title("Summed from left to right")
        return chart
