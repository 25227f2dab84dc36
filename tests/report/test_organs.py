"""The section by organ: a panel per parameter, a row per organ, and the shares of variance."""

from __future__ import annotations

from inference.made_fits import make_fit
from inference.predict.test_organs import KNOWN
from joint.test_organs import ORGANS, PATIENTS, PLAN, lesion_model, lesions
from metachron.joint import simulate
from metachron.report.blocks import Paragraph, Section, Table
from metachron.report.figures import organ_parameters
from metachron.report.numbers import Numbers
from metachron.report.sections.organs import organs_section


def test_the_section_names_every_organ_and_the_levels_of_variance() -> None:
    cohort = simulate(lesion_model(), KNOWN, PATIENTS, PLAN, seed=1, lesions=lesions())
    numbers = Numbers(make_fit(lesion_model(), cohort, KNOWN, draws=20, jitter=0.2))
    section = organs_section(numbers)
    assert isinstance(section, Section)
    recorded, by_organ, shares = (block for block in section.blocks if isinstance(block, Table))
    assert {row[1] for row in recorded.rows} == {organ.replace("_", " ") for organ in ORGANS}
    assert sum(int(row[2].replace(",", "")) for row in recorded.rows) == numbers.response_by_organ["lesions"].sum()
    assert any("mixed response" in block.text for block in section.blocks if isinstance(block, Paragraph))
    assert {row[1] for row in by_organ.rows} == {organ.replace("_", " ") for organ in ORGANS}
    assert {row[1] for row in shares.rows} == {"patient", "organ", "lesion"}
    chart = organ_parameters(numbers)
    assert [axes.get_xlabel() for axes in chart.axes if axes.axison] == ["mm", "months", "months"]
