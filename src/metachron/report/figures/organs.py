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
