"""The page: all sections, well-formed, self-contained, the same bytes every time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metachron.base import InputError, ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.report import write_report
from report.html_page import Page

EVERYWHERE = [
    "summary", "model", "cohort", "clinical", "individual", "prediction-errors", "leave-one-out", "diagnostics",
    "identifiability", "parameters", "provenance",
]  # fmt: skip
SECTIONS = {
    "joint": [
        *EVERYWHERE, "response", "survival", "comparison", "size-check", "survival-check", "progression-check",
        "left-out",
    ],
    "dynamics": [*EVERYWHERE, "response", "size-check", "progression-check", "left-out"],
    "survival": [*EVERYWHERE, "survival", "survival-check", "left-out"],
}  # fmt: skip
KINDS = list(SECTIONS)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def text(kind: str, pages: dict[str, Path]) -> str:
    return pages[kind].read_text(encoding="utf-8")


def test_every_section_that_applies_is_there(kind: str, text: str) -> None:
    found = re.findall(r'<section id="([^"]+)">', text)
    assert sorted(found) == sorted(SECTIONS[kind])


def test_what_is_left_out_is_said(pages: dict[str, Path]) -> None:
    dynamics, survival = (pages[name].read_text(encoding="utf-8") for name in ("dynamics", "survival"))
    assert "Survival is not shown: the model has no hazard" in dynamics
    assert "Organs are not shown: neither single lesions nor new lesions are recorded" in dynamics
    assert "Response of tumour size is not shown: the model has no tumour dynamics." in survival
    assert "Arms are not compared: there is one arm." in survival
    assert "Progression by size is not checked: the model has no tumour dynamics." in survival


def test_the_page_is_well_formed(text: str) -> None:
    page = Page(text)
    assert page.complaints == []
    assert page.open == []
    assert len(page.identifiers) == len(set(page.identifiers))
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert page.tags.count("h1") == 1


def test_nothing_is_loaded_from_anywhere(text: str) -> None:
    page = Page(text)
    for target in page.targets:
        assert target.startswith(("#", "https://doi.org/10."))
    assert not {"script", "link", "iframe", "img", "image", "object"} & set(page.tags)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    inside = [target[1:] for target in page.targets if target.startswith("#")]
    assert set(inside) <= set(page.identifiers)


def test_every_figure_has_a_text_and_a_caption(text: str) -> None:
    page = Page(text)
    assert len(page.charts) == text.count("<figcaption>") >= 4
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.charts)


def test_research_use_is_said_once(text: str) -> None:
    assert text.count("For research use only") == 1


def test_names_from_the_data_are_text_not_markup(pages: dict[str, Path]) -> None:
    text = pages["joint"].read_text(encoding="utf-8")
    assert "control &amp; &lt;care&gt;" in text
    assert "<care>" not in text


def test_the_file_is_small(text: str) -> None:
    assert len(text) < 2_000_000


def test_the_same_fit_gives_the_same_bytes(pages: dict[str, Path], dynamics_fit: Fit, tmp_path: Path) -> None:
    again = write_report(dynamics_fit, tmp_path / "again.html")
    assert again.read_bytes() == pages["dynamics"].read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["again.html"]


def test_title_and_patients_can_be_chosen(joint_fit: Fit, cohort: Cohort, tmp_path: Path) -> None:
    chosen = list(cohort.patient_ids[3:5])
    text = write_report(joint_fit, tmp_path / "r.html", title="Two & one", patients=chosen).read_text(encoding="utf-8")
    assert "<title>Two &amp; one</title>" in text
    assert f"Small panels of patients {chosen[0]} and {chosen[1]}" in text


def test_a_fit_without_patients_reports_what_is_left(joint_fit: Fit, tmp_path: Path) -> None:
    text = write_report(joint_fit.without_cohort(), tmp_path / "r.html").read_text(encoding="utf-8")
    found = set(re.findall(r'<section id="([^"]+)">', text))
    left = {"summary", "model", "clinical", "diagnostics", "identifiability", "parameters", "provenance", "left-out"}
    assert found == left
    for what in ("Prediction errors are", "Leave-one-out is", "Progression by size is"):
        assert re.search(f"{what} not (shown|checked): the fit holds no patients.", text)


def test_a_file_that_cannot_be_written_is_refused_before_the_work(joint_fit: Fit, tmp_path: Path) -> None:
    for path in (tmp_path / "absent" / "r.html", tmp_path):
        with pytest.raises(InputError) as caught:
            write_report(joint_fit, path)
        (problem,) = caught.value.problems
        assert (problem.rule, problem.file) == ("unwritable", str(path))
        assert problem.remedy


def test_an_unknown_patient_is_refused(joint_fit: Fit, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nobody"):
        write_report(joint_fit, tmp_path / "r.html", patients=["nobody"])
    assert list(tmp_path.iterdir()) == []
