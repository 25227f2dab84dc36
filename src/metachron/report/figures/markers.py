"""Markers: the effect of treatment in subgroups, and by the value of a marker."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from metachron.base import MONTHS_PER_YEAR
from metachron.benefit import BenefitCurve, CutoffSearch, DecisionCurve, SubgroupForest
from metachron.report.figures.style import COLOURS, GREY, INK, PALE, Chart, line, new_chart, panels

_ROW_INCH = 0.3
_LINE_INCH = 1.1
_APART = 0.16
_MEASURES = {
    "restricted_mean": "Months gained",
    "survival": "Survival gained",
    "response": "Response rate gained",
    "hazard_ratio": "Hazard ratio",
}


def subgroup_chart(forest: SubgroupForest, *, treatment: str, control: str) -> Chart:
    """Return the effect of treatment in each subgroup: as observed, and drawn towards the others of its factor."""
    table = forest.table
    with new_chart(_LINE_INCH + _ROW_INCH * table.height) as chart:
        axes = chart.subplots()
        axes.axvline(1.0, color=GREY, lw=1.0)
        names = []
        for index, row in enumerate(table.iter_rows(named=True)):
            names.append(f"{row['factor']}: {row['level']}" if row["level"] else row["factor"])
            for prefix, shift, tint in (("", -_APART, COLOURS[0]), ("shrunk_", _APART, COLOURS[1])):
                value, low, high = (row[f"{prefix}{part}"] for part in ("effect", "lower", "upper"))
                if value is None:
                    continue
                label = {"": "as observed", "shrunk_": "drawn towards the other levels"}[prefix] if index == 1 else None
                axes.plot([low, high], [index + shift] * 2, color=tint, lw=1.4)
                axes.plot(value, index + shift, "o" if not prefix else "s", color=tint, ms=4.5, label=label)
        axes.set_xscale("log")
        ticks = [tick for tick in (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0) if _within(tick, axes.get_xlim())]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_yticks(np.arange(table.height), names)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(table.height - 0.5, -0.5)
        axes.set_xlabel(f"{forest.measure.capitalize()}, {treatment} against {control}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.08 + 0.3 / table.height), ncols=2)
        return chart


def benefit_curves(curves: Mapping[str, BenefitCurve]) -> Chart:
    """Return benefit by the value of each marker, with limits at each place and at all places at once."""
    with new_chart(2.7 * -(-len(curves) // 3)) as chart:
        for cell, (name, curve) in zip(panels(chart, len(curves)), curves.items(), strict=True):
            axes = cell[0]
            scale = MONTHS_PER_YEAR if curve.measure == "restricted_mean" else 1.0
            table = curve.table
            place = table["marker"].to_numpy()
            axes.axhline(1.0 if curve.measure == "hazard_ratio" else 0.0, color=GREY, lw=1.0)
            axes.fill_between(place, scale * table["band_lower"], scale * table["band_upper"], color=PALE, lw=0)
            for limit in ("lower", "upper"):
                axes.plot(place, scale * table[limit].to_numpy(), color=COLOURS[0], lw=0.8, ls="--")
            axes.plot(place, scale * table["benefit"].to_numpy(), color=COLOURS[0])
            axes.set_title(name)
            axes.set_xlabel(curve.marker)
            axes.set_ylabel(_MEASURES[curve.measure])
        return chart


def cutoff_chart(searches: Mapping[str, CutoffSearch]) -> Chart:
    """Return the standardised interaction score at every candidate cut-off of each marker, the largest one marked."""
    with new_chart(2.5 * -(-len(searches) // 3)) as chart:
        for cell, (name, found) in zip(panels(chart, len(searches)), searches.items(), strict=True):
            axes = cell[0]
            cut, score = (found.candidates[column].to_numpy() for column in ("cut", "statistic"))
            axes.axhline(0.0, color=GREY, lw=1.0)
            axes.step(cut, score, where="mid", color=COLOURS[0])
            axes.plot(found.cutoff, score[np.argmin(np.abs(cut - found.cutoff))], "o", color=COLOURS[1], ms=5)
            axes.set_title(name)
            axes.set_xlabel(f"Cut-off of {found.marker.column}")
            axes.set_ylabel("Interaction score")
        return chart


def decision_chart(curve: DecisionCurve) -> Chart:
    """Return the net benefit of acting on the risk that a model foretells, beside acting on everybody and on nobody."""
    with new_chart(3.2, width_inch=6.0) as chart:
        axes = chart.subplots()
        for index, (name,) in enumerate(curve.table.select("strategy").unique(maintain_order=True).iter_rows()):
            rows = curve.table.filter(pl.col("strategy") == name)
            place = 100 * rows["threshold"].to_numpy()
            if index == 0:
                axes.fill_between(place, rows["lower"], rows["upper"], color=PALE, lw=0)
            axes.plot(place, rows["net_benefit"], color=COLOURS[index], ls=line(index), label=name)
        top = float(curve.table["net_benefit"].max())  # type: ignore[arg-type]
        axes.set_ylim(-0.3 * top, 1.15 * top)
        axes.set_xlabel("Risk from which on one would act (%)")
        axes.set_ylabel("Net benefit")
        axes.legend()
        return chart


def _within(tick: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= tick <= limits[1]
