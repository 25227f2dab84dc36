"""How lesions respond by organ: each parameter of the tumour law, organ by organ."""

from __future__ import annotations

from matplotlib.lines import Line2D

from metachron.inference import Fit
from metachron.report.figures.style import INK, Chart, colour, new_chart, panels
from metachron.report.numbers import Numbers
from metachron.report.wording import capitalised

_ROW_INCH, _ABOVE_ROWS = 0.3, 0.9
_APART = 0.16


def organ_parameters(source: Fit | Numbers) -> Chart:
    """Return median and 90 % interval of every parameter with effects of organs, one panel each, a row per organ.

    Arms stand below each other in their colours.
    """
    numbers = Numbers.of(source)
    table = numbers.organs
    organs = table["organ"].unique(maintain_order=True).to_list()
    named = table.select("quantity", "unit").unique(maintain_order=True).rows()
    with new_chart((_ROW_INCH * len(organs) + _ABOVE_ROWS) * -(-len(named) // 3)) as chart:
        for panel, (quantity, unit) in zip(panels(chart, len(named))[:, 0], named, strict=True):
            rows = table.filter((table["quantity"] == quantity) & (table["unit"] == unit))
            arms = rows["arm"].unique(maintain_order=True).to_list()
            for row in rows.iter_rows(named=True):
                place = arms.index(row["arm"])
                shade = INK if row["arm"] not in numbers.arms else colour(numbers.arms.index(row["arm"]))
                middle, low, high = (row[f"value_{level}"] for level in ("q50", "q05", "q95"))
                height = organs.index(row["organ"]) + _APART * (place - 0.5 * (len(arms) - 1))
                reach = [[middle - low], [high - middle]]
                panel.errorbar(middle, height, xerr=reach, fmt="o", color=shade, ms=4, capsize=2)
            panel.set_yticks(range(len(organs)), [organ.replace("_", " ") for organ in organs])
            panel.set_ylim(len(organs) - 0.5, -0.5)
            panel.tick_params(axis="y", labelcolor=INK)
            panel.set_title(capitalised(quantity), fontsize=8.5)
            panel.set_xlabel(unit)
        marks = [Line2D([], [], color=colour(k), marker="o", ls="", label=arm) for k, arm in enumerate(numbers.arms)]
        chart.legend(handles=marks, loc="outside upper right", ncols=len(marks))
        return chart


def progression_origins(source: Fit | Numbers) -> Chart:
    """Return the number of patients by the organ of their first progression, a panel for each arm.

    Growth of the sum (filled) and new lesions (open) stand side by side.
    """
    numbers = Numbers.of(source)
    table = numbers.response_by_organ
    organs = table["organ"].unique().sort().to_list()
    with new_chart(_ROW_INCH * len(organs) + _ABOVE_ROWS) as chart:
        grid = chart.subplots(1, len(numbers.arms), squeeze=False, sharex=True, sharey=True)[0]
        for index, (axes, arm) in enumerate(zip(grid, numbers.arms, strict=True)):
            rows = {row["organ"]: row for row in table.filter(table["arm"] == arm).iter_rows(named=True)}
            left = [0] * len(organs)
            for name, label, fill in (
                ("progression_by_growth", "growth", colour(index)),
                ("progression_by_new_lesion", "new lesion", "white"),
            ):
                if not table[name].sum():
                    continue
                width = [rows[organ][name] if organ in rows else 0 for organ in organs]
                axes.barh(
                    range(len(organs)), width, left=left, color=fill, edgecolor=colour(index), height=0.6, label=label
                )
                left = [a + b for a, b in zip(left, width, strict=True)]
            axes.set_yticks(range(len(organs)), [organ.replace("_", " ") for organ in organs])
            axes.set_ylim(len(organs) - 0.5, -0.5)
            axes.set_title(arm)
            axes.set_xlabel("Patients with first progression")
            axes.legend(fontsize=8)
        return chart
