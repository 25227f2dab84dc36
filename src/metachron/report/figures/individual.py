"""Single patients: recorded sizes, fitted trajectory, and predicted survival below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes

from metachron.base import MONTHS_PER_YEAR
from metachron.inference import Fit
from metachron.report.figures.style import GREY, INK, Chart, colour, month_axis, new_chart, panels, percent_axis
from metachron.report.numbers import Numbers
from metachron.report.wording import survival_label

_HEADROOM = 1.3


def individual_fits(source: Fit | Numbers, patients: Sequence[str] | None = None) -> Chart:
    """Return recorded and fitted sizes of single patients, and their predicted survival below.

    Dots are measured sizes, open triangles sizes below the limit (dashed line). Line and band are the median and the
    90 % interval of the patient's trajectory. A cross marks the event, a bar the end of observation without it.

    Parameters
    ----------
    patients : identifiers; None: nine patients from the best response to the worst.
    """
    numbers = Numbers.of(source, patients)
    both = [bool(part) for part in (numbers.fit.model.dynamics, numbers.fit.model.hazard)]
    rows = sum(both)
    down = -(-len(numbers.chosen) // 3)
    ratios = ([3.0] if both[0] else []) + ([1.2 if both[0] else 2.5] if both[1] else [])
    with new_chart(down * sum(ratios) * 0.72 + 0.4) as chart:
        blocks = panels(chart, len(numbers.chosen), rows=rows, sharex=True, height_ratios=ratios * down)
        for index, patient in enumerate(numbers.chosen):
            axes = list(blocks[index])
            if both[0]:
                _sizes(axes[0], numbers, patient)
            if both[1]:
                _survival(axes[-1], numbers, patient)
            _title(axes[0], numbers, patient)
            if index % 3 == 0:
                _labels(axes, numbers, both)
            if index >= len(numbers.chosen) - 3:
                axes[-1].tick_params(labelbottom=True)
                month_axis(axes[-1], numbers.curve_end_year * MONTHS_PER_YEAR)
        return chart


def _title(axes: Axes, numbers: Numbers, patient: str) -> None:
    arm = _arm_of(numbers, patient)
    axes.set_title(f"{patient} \N{MIDDLE DOT} {arm}" if len(numbers.arms) > 1 else patient)


def _labels(axes: list[Axes], numbers: Numbers, both: list[bool]) -> None:
    if both[0]:
        axes[0].set_ylabel("Size (mm)")
    if both[1]:
        axes[-1].set_ylabel(survival_label(numbers.event))


def _arm_of(numbers: Numbers, patient: str) -> str:
    cohort = numbers.fit.cohort
    assert cohort is not None
    return str(cohort.patients.filter(pl.col("patient") == patient)["arm"].item())


def _sizes(axes: Axes, numbers: Numbers, patient: str) -> None:
    mine = pl.col("patient") == patient
    recorded = numbers.curves.recorded.filter(mine)
    curves = numbers.curves.sizes.filter(mine)
    end = _end_year(numbers, patient, recorded)
    shown = curves.filter(pl.col("time_year") <= end)
    first, top = numbers.arms.index(_arm_of(numbers, patient)), 0.0
    for index, (_, series) in enumerate(shown.group_by("lesion", maintain_order=True)):
        month = series["time_year"] * MONTHS_PER_YEAR
        tint = colour(first + index)
        axes.fill_between(month, series["size_mm_q05"], series["size_mm_q95"], color=tint, alpha=0.2, lw=0)
        axes.plot(month, series["size_mm_q50"], color=tint)
        top = max(top, float(series["size_mm_q50"].max()))  # type: ignore[arg-type]
    for index, (_, rows) in enumerate(recorded.group_by("lesion", maintain_order=True)):
        _points(axes, rows, colour(first + index))
        top = max(top, float(rows["size_mm"].max()))  # type: ignore[arg-type]
    limit = numbers.fit.labels.limit_mm
    axes.axhline(limit, color=GREY, lw=0.8, ls=(0, (4, 3)))
    axes.set_ylim(0, _HEADROOM * max(top, 2 * limit))
    _outcome(axes, numbers, patient)


def _points(axes: Axes, rows: pl.DataFrame, tint: str) -> None:
    measured, censored = rows.filter(~pl.col("censored")), rows.filter("censored")
    month = pl.col("time_year") * MONTHS_PER_YEAR
    axes.plot(*measured.select(month, "size_mm").get_columns(), "o", ms=4, color=tint, mec="white", mew=0.6)
    axes.plot(*censored.select(month, "size_mm").get_columns(), "v", ms=5, color=tint, mfc="white")


def _outcome(axes: Axes, numbers: Numbers, patient: str) -> None:
    """Mark the event by a cross, the end of observation without it by a bar."""
    if not numbers.observed.height:
        return
    for row in numbers.observed.filter(pl.col("patient") == patient).iter_rows(named=True):
        month = row["time_year"] * MONTHS_PER_YEAR
        axes.axvline(month, color=GREY, lw=0.8)
        mark: dict[str, Any] = {"marker": "X" if row["event"] else "|", "ms": 7, "mew": 1.6, "color": INK}
        axes.plot([month], [0.93], transform=axes.get_xaxis_transform(), clip_on=False, **mark)


def _end_year(numbers: Numbers, patient: str, recorded: pl.DataFrame) -> float:
    ends = recorded["time_year"].to_list()
    if numbers.observed.height:
        ends += numbers.observed.filter(pl.col("patient") == patient)["time_year"].to_list()
    return max(ends, default=numbers.curves.sizes["time_year"].max())  # type: ignore[return-value]


def _survival(axes: Axes, numbers: Numbers, patient: str) -> None:
    rows = numbers.curves.survival.filter(pl.col("patient") == patient)
    month = rows["time_year"] * MONTHS_PER_YEAR
    axes.fill_between(month, 100 * rows["survival_q05"], 100 * rows["survival_q95"], color=INK, alpha=0.15, lw=0)
    axes.plot(month, 100 * rows["survival_q50"], color=INK, lw=1.2)
    percent_axis(axes)
    axes.set_yticks([0, 50, 100])
    _outcome(axes, numbers, patient)
