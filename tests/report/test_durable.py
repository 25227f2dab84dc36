"""What a report says of durable responders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.made_fits import PLAN, TRUTH, make_fit
from metachron.joint import compose, patients_in_arms
from metachron.report.blocks import Bullets, Table
from metachron.report.numbers import Numbers
from metachron.report.sections.model import model_section
from metachron.report.sections.parameters import clinical_section
from metachron.report.sections.summary import _durable

CAUTION = "follow-up for growth does not reach a plateau: as an example"


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    model = compose(links=["log-growth"], durable=["arm"])
    theta = {**TRUTH, "death.durable": -1.0, "durable.logit": -1.0, "durable.beta": 1.0}
    cohort = model.simulate(theta, patients_in_arms({"control": 8, "new": 8}, "S"), PLAN, seed=1)
    fit = make_fit(model, cohort, theta, draws=20, jitter=0.05)
    return Numbers(replace(fit, provenance={"cautions": [CAUTION]}))


def test_the_class_is_part_of_the_model_and_of_the_numbers(numbers: Numbers) -> None:
    said = [line for block in model_section(numbers).blocks if isinstance(block, Bullets) for line in block.items]
    assert any("durable responders growth is 0" in line and "depends on arm" in line for line in said)
    tables = [block for block in clinical_section(numbers).blocks if isinstance(block, Table)]
    assert len(tables) == 2
    assert "Durable responders" in tables[1].caption
    assert [row[:2] for row in tables[1].rows] == [["control", "8"], ["new", "8"]]
    assert sum("durable response" in row[0] for row in tables[0].rows) == 4


def test_the_caution_is_said_in_the_summary_and_the_verdict(numbers: Numbers) -> None:
    sentences = _durable(numbers)
    assert len(sentences) == 3
    assert "on control" in sentences[0]
    assert sentences[-1].startswith("Follow-up for growth does not reach a plateau")
    assert CAUTION in numbers.fit.diagnostics.warnings
