"""The forecast of one patient: sizes under each option as a fan, and the probability to be alive, and unprogressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes

from metachron.base import DAYS_PER_MONTH, ModelError, list_briefly
from metachron.forecast import Forecast
from metachron.report.figures.style import GREY, INK, Chart, colour, line, month_axis, new_chart, percent_axis

_HEADROOM = 1.6
_ABREAST = 3


def patient_forecast(found: Forecast, patient: str) -> Chart:
    """Return the figure of one patient.

    Above, the size under each option: dots are recorded sizes (open triangles below the limit), line and band the
    median and the 90 % interval of the size itself; the dotted line is the day of the forecast. Below, the probability
    of being alive from that day on (band: 90 % interval of the patient's own curve), and with steps of being alive
    without progression by size, which scans find.

    Raises
    ------
    ModelError
        When the patient is not in the forecast.
    """
    known = found.reliability["patient"].to_list()
    if patient not in known:
        raise ModelError(f"patient {patient!r} is not in the forecast; it has {list_briefly(known)}")
    sizes, survival, progression = (
        frame.filter(pl.col("patient") == patient) if frame.width else frame
        for frame in (found.sizes, found.survival, found.progression)
    )
    options = found.options_of(patient)
    rows = [bool(sizes.height), bool(survival.height or progression.height)]
    with new_chart(2.9 * sum(rows)) as chart:
        grid = chart.subplots(sum(rows), len(options), squeeze=False, sharex=True, sharey="row")
        for column, option in enumerate(options):
            axes = list(grid[:, column])
            axes[0].set_title(option)
            if rows[0]:
                _sizes(axes[0], found, patient, _of(sizes, option), found.options.index(option))
            if rows[1]:
                alive, free = (_of(frame, option) for frame in (survival, progression))
                _survival(axes[-1], alive, free, found.options.index(option))
            for each in axes:
                each.axvline(found.landmark_day / DAYS_PER_MONTH, color=GREY, lw=0.9, ls=":")
            month_axis(axes[-1], found.horizon_day / DAYS_PER_MONTH)
        if rows[0]:
            grid[0, 0].set_ylabel("Size (mm)")
            seen = found.recorded.filter(pl.col("patient") == patient)["size_mm"]
            grid[0, 0].set_ylim(0, _HEADROOM * max(*(float(v.max() or 0) for v in (seen, sizes["size_mm_q50"]))))  # type: ignore[arg-type]
        if rows[1]:
            grid[-1, 0].set_ylabel("Probability (%)")
        return chart


def lesion_forecast(found: Forecast, patient: str) -> Chart:
    """Return a panel for each lesion of a patient: recorded sizes, median and 90 % interval under each option."""
    own = found.lesions.filter(pl.col("patient") == patient)
    recorded = found.recorded_lesions.filter(pl.col("patient") == patient)
    lesions = own.select("lesion", "organ", "in_sum").unique(maintain_order=True)
    rows = -(-lesions.height // _ABREAST)
    with new_chart(2.3 * rows) as chart:
        grid = chart.subplots(rows, _ABREAST, squeeze=False, sharex=True)
        for axes, row in zip(grid.ravel(), lesions.iter_rows(named=True), strict=False):
            sizes, seen = (frame.filter(pl.col("lesion") == row["lesion"]) for frame in (own, recorded))
            for option in found.options_of(patient):
                _fan(axes, _of(sizes, option), found.options.index(option), option)
            _dots(axes, seen)
            axes.set_title(lesion_label(row), fontsize=9)
            axes.axvline(found.landmark_day / DAYS_PER_MONTH, color=GREY, lw=0.9, ls=":")
            axes.set_ylim(0, _HEADROOM * max(float(v.max() or 0) for v in (seen["size_mm"], sizes["size_mm_q50"])))  # type: ignore[arg-type]
        for axes in grid.ravel()[lesions.height :]:
            axes.set_visible(False)
        for column in range(_ABREAST):
            last = (lesions.height - 1 - column) // _ABREAST
            month_axis(grid[max(last, 0), column], found.horizon_day / DAYS_PER_MONTH)
            grid[max(last, 0), column].tick_params(labelbottom=True)
        for axes in grid[:, 0]:
            axes.set_ylabel("Size (mm)")
        if len(found.options_of(patient)) > 1:
            grid[0, 0].legend(fontsize=8)
        return chart


def lesion_label(row: Mapping[str, Any]) -> str:
    """Return what a lesion is called: its name, organ, and that it is not in the sum where it is no target."""
    organ = str(row["organ"]).replace("_", " ")
    return f"{row['lesion']} ({organ}{'' if row['in_sum'] else ', not in the sum'})"


def _of(frame: pl.DataFrame, option: str) -> pl.DataFrame:
    return frame.filter(pl.col("option") == option) if frame.height else frame


def _sizes(axes: Axes, found: Forecast, patient: str, rows: pl.DataFrame, index: int) -> None:
    _fan(axes, rows, index)
    _dots(axes, found.recorded.filter(pl.col("patient") == patient))


def _fan(axes: Axes, rows: pl.DataFrame, index: int, label: str | None = None) -> None:
    month = rows["day"] / DAYS_PER_MONTH
    axes.fill_between(month, rows["size_mm_q05"], rows["size_mm_q95"], color=colour(index), alpha=0.22, lw=0)
    axes.plot(month, rows["size_mm_q50"], color=colour(index), ls=line(index), label=label)


def _dots(axes: Axes, recorded: pl.DataFrame) -> None:
    for censored, marker, filled in ((False, "o", INK), (True, "v", "white")):
        own = recorded.filter(pl.col("censored") == censored)
        axes.plot(own["day"] / DAYS_PER_MONTH, own["size_mm"], marker, ms=4.5, color=INK, mfc=filled, zorder=5)


def _survival(axes: Axes, survival: pl.DataFrame, progression: pl.DataFrame, index: int) -> None:
    if survival.height:
        month = survival["day"] / DAYS_PER_MONTH
        low, high = (100 * survival[f"survival_{name}"] for name in ("q05", "q95"))
        axes.fill_between(month, low, high, color=colour(index), alpha=0.22, lw=0)
        axes.plot(month, 100 * survival["survival"], color=colour(index), ls=line(index), label="alive")
    name = "progression_free" if "progression_free" in progression.columns else "progressed"
    if progression.height:
        start = survival["day"][0] if survival.height else 0.0
        month = pl.Series([start, *progression["day"]]) / DAYS_PER_MONTH
        share = progression[name] if name == "progression_free" else 1.0 - progression[name]
        label = "alive without progression" if name == "progression_free" else "without progression by size"
        axes.step(month, pl.Series([100.0, *(100 * share)]), where="post", color=INK, lw=1.2, label=label)
    percent_axis(axes)
    axes.legend(loc="upper right", fontsize=8)
