"""Figures: labelled axes with units, and SVG that stands alone."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from metachron.inference import Fit
from metachron.report import figures
from metachron.report.figures import Chart
from metachron.report.figures.response import CEILING_PERCENT
from metachron.report.numbers import Numbers
from metachron.report.svg import to_svg

OF_TIME = [
    "individual_fits",
    "progression_check",
    "size_check",
    "spider",
    "standardised",
    "survival_check",
    "survival_fit",
]


@pytest.fixture(scope="module")
def numbers(joint_fit: Fit) -> Numbers:
    return Numbers(joint_fit, draws=10)


@pytest.mark.parametrize("name", OF_TIME)
def test_time_is_in_months_and_every_left_axis_has_a_unit(name: str, numbers: Numbers) -> None:
    chart = getattr(figures, name)(numbers)
    assert isinstance(chart, Chart)
    shown = [axes for axes in chart.axes if axes.axison]
    assert any(axes.get_xlabel() == "Months from day 0" for axes in shown)
    labels = [axes.get_ylabel() for axes in shown if axes.get_ylabel()]
    assert labels
    for label in labels:
        assert "mm" in label or "%" in label or label.startswith("Hazard ratio")


def test_each_arm_has_a_panel(numbers: Numbers) -> None:
    titles = [axes.get_title(loc="left") for axes in figures.survival_fit(numbers).axes]
    assert titles == list(numbers.arms)


def test_numbers_at_risk_stand_below_the_ticks(numbers: Numbers) -> None:
    axes = figures.survival_fit(numbers).axes[0]
    ticks = [label.get_text().split("\n") for label in axes.get_xticklabels()]
    assert ticks[0] == ["0", "14"]
    counts = [int(count) for _, count in ticks]
    assert counts == sorted(counts, reverse=True)


def test_waterfall_has_a_bar_per_patient_in_order(numbers: Numbers) -> None:
    axes = figures.waterfall(numbers).axes[0]
    bars = sorted(axes.patches, key=lambda bar: bar.get_x())
    heights = [bar.get_height() for bar in bars]
    assert len(heights) == numbers.best.height
    assert heights == sorted(heights, reverse=True)
    assert max(heights) <= CEILING_PERCENT


def test_one_trace_per_chain_and_parameter(numbers: Numbers) -> None:
    chart = figures.traces(numbers, count=4)
    assert [len(axes.lines) for axes in chart.axes if axes.axison] == [1] * 4


def test_a_fit_is_enough_in_a_notebook(dynamics_fit: Fit) -> None:
    svg = figures.spider(dynamics_fit)._repr_svg_()
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_svg_has_identifiers_of_its_own_and_no_date(numbers: Numbers) -> None:
    chart = figures.waterfall(numbers)
    svg = to_svg(chart, name="w", label='bars "and" <more>')
    root = ElementTree.fromstring(svg)
    identifiers = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert identifiers
    assert all(identifier.startswith("w-") for identifier in identifiers)
    assert root.attrib["aria-label"] == 'bars "and" <more>'
    assert "metadata" not in svg
    assert svg == to_svg(figures.waterfall(numbers), name="w", label='bars "and" <more>')


def test_dollar_signs_in_names_are_not_formulas(numbers: Numbers) -> None:
    from metachron.report.figures.style import new_chart

    with new_chart(1.0) as chart:
        axes = chart.subplots()
        axes.set_title("arm $x_{$")
    assert "arm $x_{$" in to_svg(chart)
