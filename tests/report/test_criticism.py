"""Criticism in the report: figures that draw what they say, and words that follow the numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from metachron.base import ModelError
from metachron.inference import Fit
from metachron.inference.criticism import Finding, LeaveOneOut
from metachron.joint import JointModel
from metachron.report import figures
from metachron.report.blocks import Bullets, LeftOut, Paragraph, Section, Table
from metachron.report.figures.errors import normal_plot
from metachron.report.figures.style import new_chart
from metachron.report.numbers import Numbers
from metachron.report.sections.checks import progression_check_section
from metachron.report.sections.errors import prediction_errors_section
from metachron.report.sections.identifiability import identifiability_section
from metachron.report.sections.leave_one_out import leave_one_out_section
from metachron.report.sections.summary import summary_section
from metachron.report.wording import decimals, p_value


@pytest.fixture(scope="module")
def numbers(joint_fit: Fit) -> Numbers:
    return Numbers(joint_fit, draws=10)


def words(section: Section | LeftOut) -> str:
    assert isinstance(section, Section)
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    return " ".join([*texts, *(item for b in section.blocks if isinstance(b, Bullets) for item in b.items)])


def test_errors_are_drawn_against_time_prediction_and_normal_quantiles(numbers: Numbers) -> None:
    axes = figures.size_errors(numbers).axes
    assert [a.get_xlabel() for a in axes] == ["Months from day 0", "Predicted size (mm)", "Normal quantile"] * 2
    for row, label in ((0, "Prediction error"), (3, "Individual residual")):
        assert axes[row].get_ylabel() == f"{label} (standard units)"
    table = numbers.size_errors.table
    points, below = axes[0].lines[:2]
    assert len(points.get_ydata()) + len(below.get_ydata()) == table.height
    assert sorted(below.get_ydata()) == pytest.approx(sorted(table.filter("censored")["npde"].to_list()))
    assert len(axes[3].lines[1].get_ydata()) == 0, "a censored size has no residual"


def test_a_normal_plot_is_a_diagonal_for_normal_values() -> None:
    with new_chart(2.0) as chart:
        axes = chart.subplots()
        errors = ndtri((np.arange(100) + 0.5) / 100)
        normal_plot(axes, np.random.default_rng(1).permutation(errors), "#000000")
        wanted, drawn = axes.lines[1].get_data()
        np.testing.assert_allclose(wanted, drawn)
        band = axes.collections[0].get_paths()[0].vertices
        assert band[:, 1].min() < errors.min() < errors.max() < band[:, 1].max()


def test_event_errors_have_a_panel_per_arm(numbers: Numbers) -> None:
    axes = figures.event_errors(numbers).axes
    assert [a.get_title(loc="left") for a in axes] == [f"{arm} (14 patients)" for arm in numbers.arms]


def test_the_table_of_errors_holds_the_tests(numbers: Numbers) -> None:
    section = prediction_errors_section(numbers)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == ["Sizes", "Times to death"]
    tests = numbers.size_errors.tests
    assert table.rows[0][1:4] == [str(tests.count), decimals(tests.mean), p_value(tests.mean_p)]
    assert tests.sentence in words(section)


def test_pareto_k_of_enough_draws(numbers: Numbers) -> None:
    """Draws of the fit are too few for k; with a made leave-one-out the weak patient is named and told what to do."""
    assert "at least 30 draws" in words(leave_one_out_section(numbers))
    patients = list(numbers.fit.labels.patients)
    k = [0.1] * (len(patients) - 1) + [0.9]
    columns = {"patient": patients, "elpd": [-30.0] * len(k), "p_loo": [0.2] * len(k), "pareto_k": k}
    made = LeaveOneOut(pl.DataFrame(columns), -840.0, 9.0, 5.6, 0.1, (patients[-1],))

    class Weak(Numbers):
        @cached_property
        def left_out(self) -> LeaveOneOut | str:
            return made

    weak = Weak(numbers.fit)
    said = words(leave_one_out_section(weak))
    assert f"Pareto k is above 0.7 for {patients[-1]}" in said
    assert "fit again without the patient" in said
    (axes,) = figures.pareto_k(weak).axes
    assert [text.get_text() for text in axes.texts] == [patients[-1]]
    assert sum(len(line.get_ydata()) for line in axes.lines) == len(k) + 2


def test_leave_one_out_that_does_not_apply_is_left_out(numbers: Numbers) -> None:
    class Without(Numbers):
        @cached_property
        def left_out(self) -> LeaveOneOut | str:
            return "patient effects of this model cannot be integrated out: lesions"

    assert "cannot be integrated out: lesions" in leave_one_out_section(Without(numbers.fit)).why
    with pytest.raises(ModelError, match="lesions"):
        figures.pareto_k(Without(numbers.fit))


def test_progression_is_tallied_and_poor_agreement_is_explained(numbers: Numbers) -> None:
    class Poor(Numbers):
        @cached_property
        def progression_check(self) -> pl.DataFrame:
            check = numbers.progression_check
            return check.with_columns(simulated_q05=pl.lit(2.0), simulated_q95=pl.lit(3.0))

    poor = Poor(numbers.fit, draws=10)
    said = words(progression_check_section(poor))
    events = int(numbers.progressions["event"].sum())
    assert said.startswith(f"{events} of {numbers.progressions.height} patients")
    assert "at 0 % of the times" in said
    assert "individual residuals" in said
    assert "not enough for" in words(summary_section(poor))
    assert "progression" in words(summary_section(poor)).split("not enough for")[1]


def test_progression_lesion_by_lesion_is_left_out(numbers: Numbers) -> None:
    part = replace(numbers.fit.model.dynamics, size="lesion")
    lesions = Numbers(replace(numbers.fit, model=JointModel(part, None)))
    assert isinstance(progression_check_section(lesions), LeftOut)


def test_findings_are_listed_by_kind_and_named_in_the_summary(numbers: Numbers) -> None:
    found = [
        Finding("prior", ("log_x.mean",), {}, "The posterior of log_x.mean repeats its prior", "say so"),
        Finding("bound", ("log_y.sd",), {}, "log_y.sd is at its bound 0", "take it out"),
    ]

    class Open(Numbers):
        @cached_property
        def findings(self) -> list[Finding]:
            return found

    section = identifiability_section(Open(numbers.fit, draws=10))
    titles = [block.title for block in section.blocks if isinstance(block, Bullets)]
    assert titles == ["The posterior repeats the prior", "Parameters at a bound"]
    assert "The data leave 2 things open." in words(section)
    assert "log_y.sd is at its bound 0: take it out." in words(section)
    assert "do not settle log_x.mean, log_y.sd on their own" in words(summary_section(Open(numbers.fit, draws=10)))

    class Settled(Numbers):
        findings = ()  # type: ignore[assignment]

    assert "Nothing was found" in words(identifiability_section(Settled(numbers.fit, draws=10)))
    assert "The data do not settle" not in words(summary_section(Settled(numbers.fit, draws=10)))


@pytest.mark.parametrize(
    ("value", "decimal", "p"),
    [(0.996, "1.00", "1.00"), (0.004, "0.00", "< 0.01"), (float("nan"), "\N{EN DASH}", "\N{EN DASH}")],
)
def test_decimals_and_p_values(value: float, decimal: str, p: str) -> None:
    assert decimals(value) == decimal
    assert p_value(value) == p
    assert decimals(-0.5) == "\N{MINUS SIGN}0.50"
