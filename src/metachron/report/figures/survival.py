"""Survival by arm: Kaplan-Meier with numbers at risk against prediction, and the arms compared in the same patients."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from metachron.base import MONTHS_PER_YEAR
from metachron.inference import Fit
from metachron.inference.predict import kaplan_meier_of
from metachron.report.figures.style import GREY, INK, Chart, colour, line, month_axis, new_chart, panels, percent_axis
from metachron.report.numbers import Numbers
from metachron.report.wording import survival_label
from metachron.survival import KaplanMeier


def survival_fit(source: Fit | Numbers) -> Chart:
    """Return Kaplan-Meier curves (steps, ticks where patients are censored) against the survival that is predicted.

    One panel per arm; line and band are the median and the 90 % interval of the expected survival of the arm's
    patients with effects drawn anew. The numbers at risk stand below.
    """
    numbers = Numbers.of(source)
    return _by_arm(numbers, numbers.survival, "survival_", "predicted", numbers.observed, numbers.event)


def survival_check(source: Fit | Numbers) -> Chart:
    """Return Kaplan-Meier curves against the 90 % envelope of the Kaplan-Meier curves of replicated trials."""
    numbers = Numbers.of(source)
    return _by_arm(numbers, numbers.survival_check, "simulated_", "replicated", numbers.observed, numbers.event)


def progression_check(source: Fit | Numbers) -> Chart:
    """Return Kaplan-Meier curves of progression by size against the 90 % envelope of those of replicated trials."""
    numbers = Numbers.of(source)
    check, recorded = numbers.progression_check, numbers.progressions
    return _by_arm(numbers, check, "simulated_", "replicated", recorded, "progression by size")


def new_lesion_check(source: Fit | Numbers) -> Chart:
    """Return the mean number of new lesions of each arm against the 90 % envelope of replicated trials."""
    numbers = Numbers.of(source)
    check = numbers.new_lesion_check
    arms = check["arm"].unique(maintain_order=True).to_list()
    with new_chart(3.2 * -(-len(arms) // 3)) as chart:
        blocks = panels(chart, len(arms), sharey=True)
        for arm, (axes,) in zip(arms, blocks, strict=True):
            rows, index = check.filter(pl.col("arm") == arm), numbers.arms.index(arm)
            month = rows["time_year"].to_numpy() * MONTHS_PER_YEAR
            low, middle, high = (rows[f"simulated_{name}"] for name in ("q05", "q50", "q95"))
            axes.fill_between(month, low, high, color=colour(index), alpha=0.22, lw=0)
            axes.plot(month, middle, color=colour(index), ls=line(index), label="replicated, 90 %")
            axes.step(month, rows["observed"], where="post", color=INK, lw=1.3, label="as recorded")
            axes.set_title(arm)
            axes.set_ylim(bottom=0)
            axes.legend(loc="upper left", fontsize=8)
            month_axis(axes, float(np.nanmax(np.where(rows["observed"].is_nan(), np.nan, month))))
        blocks[0, 0].set_ylabel("New lesions per patient")
        return chart


def _by_arm(
    numbers: Numbers, curves: pl.DataFrame, prefix: str, label: str, outcomes: pl.DataFrame, event: str
) -> Chart:
    arms = curves["arm"].unique(maintain_order=True).to_list()
    with new_chart(3.7 * -(-len(arms) // 3)) as chart:
        blocks = panels(chart, len(arms), sharey=True)
        for arm, (axes,) in zip(arms, blocks, strict=True):
            index = numbers.arms.index(arm)
            survival_band(axes, curves.filter(pl.col("arm") == arm), prefix, index, f"{label}, 90 %")
            observed = kaplan_meier_of(outcomes.filter(pl.col("arm") == arm))
            _steps(axes, observed)
            _at_risk(axes, observed)
            axes.set_title(arm)
            percent_axis(axes)
            axes.legend(loc="upper right", fontsize=8)
        blocks[0, 0].set_ylabel(survival_label(event))
        return chart


def survival_band(axes: Axes, rows: pl.DataFrame, prefix: str, index: int, label: str) -> None:
    """Draw median and 90 % band of survival: columns time_year and ``prefix`` with q05, q50, q95."""
    month = rows["time_year"] * MONTHS_PER_YEAR
    low, middle, high = (100 * rows[f"{prefix}{name}"] for name in ("q05", "q50", "q95"))
    axes.fill_between(month, low, high, color=colour(index), alpha=0.22, lw=0)
    axes.plot(month, middle, color=colour(index), ls=line(index), label=label)


def _steps(axes: Axes, observed: KaplanMeier) -> None:
    month = np.concatenate([[0.0], observed.times]) * MONTHS_PER_YEAR
    share = 100 * np.concatenate([[1.0], observed.survival])
    axes.step(month, share, where="post", color=INK, lw=1.3, label="Kaplan-Meier")
    censored = np.concatenate([[False], observed.censored > 0])
    axes.plot(month[censored], share[censored], "|", ms=5, mew=0.9, color=INK)


def _at_risk(axes: Axes, observed: KaplanMeier) -> None:
    """Write the numbers at risk below the time axis, under its ticks."""
    last = float(observed.times[-1]) * MONTHS_PER_YEAR
    axes.set_xlim(-0.02 * last, 1.03 * last)
    ticks = month_axis(axes, last)
    counts = observed.number_at_risk(ticks / MONTHS_PER_YEAR)
    places = [f"{tick:g}\n{count:.0f}" for tick, count in zip(ticks, counts, strict=True)]
    axes.set_xticklabels(places)
    axes.annotate(
        "at risk", (0, 0), xytext=(-6, -21), textcoords="offset points", xycoords="axes fraction",
        ha="right", va="top", color=GREY, fontsize=8,
    )  # fmt: skip


def standardised(source: Fit | Numbers) -> Chart:
    """Return, side by side, survival of all patients under each arm, and the hazard ratio between arms over time.

    The marginal hazard ratio compares the populations as they survive; the conditional one compares a patient with
    the same patient under the other arm.
    """
    numbers = Numbers.of(source)
    with new_chart(3.6) as chart:
        left, right = chart.subplots(1, 2)
        for index, arm in enumerate(numbers.arms):
            rows = numbers.standardised.filter(pl.col("arm") == arm)
            survival_band(left, rows, "survival_", index, arm)
        percent_axis(left)
        left.set_ylabel(survival_label(numbers.event))
        left.set_title("All patients, as if in each arm")
        left.legend()
        _ratios(right, numbers)
        for axes, years in ((left, numbers.grid_year), (right, numbers.ratio_grid_year)):
            month_axis(axes, float(years[-1]) * MONTHS_PER_YEAR)
        return chart


def _ratios(axes: Axes, numbers: Numbers) -> None:
    frame = numbers.hazard_ratio
    reference = frame["reference"][0]
    for (arm, kind), rows in frame.group_by("arm", "kind", maintain_order=True):
        tint = colour(numbers.arms.index(str(arm)))
        month = rows["time_year"] * MONTHS_PER_YEAR
        low, middle, high = (rows[f"hazard_ratio_{name}"] for name in ("q05", "q50", "q95"))
        marginal = kind == "marginal"
        if marginal:
            axes.fill_between(month, low, high, color=tint, alpha=0.22, lw=0)
        else:
            for edge in (low, high):
                axes.plot(month, edge, color=INK, lw=0.7, ls=(0, (1, 2)))
        name = f"{kind}" if len(numbers.arms) == 2 else f"{arm}, {kind}"
        axes.plot(month, middle, color=tint if marginal else INK, ls="-" if marginal else (0, (5, 2)), label=name)
    axes.axhline(1, color=GREY, lw=0.8)
    axes.set_yscale("log")
    _plain_log(axes)
    other = [arm for arm in numbers.arms if arm != reference]
    what = other[0] if len(other) == 1 else "each arm"
    axes.set_ylabel(f"Hazard ratio of {numbers.event.replace('_', ' ')}")
    axes.set_title(f"{what} against {reference}")
    axes.legend()


def _plain_log(axes: Axes) -> None:
    """Label a logarithmic axis of ratios with plain numbers, whatever its range."""
    steps = np.asarray([0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100])
    low, high = axes.get_ylim()
    low, high = max(min(low, 0.66), 0.008), min(max(high, 1.52), 120.0)
    inside = steps[(steps >= low) & (steps <= high)]
    axes.set_ylim(low, high)
    axes.set_yticks(inside, [f"{step:g}" for step in inside])
    axes.minorticks_off()
