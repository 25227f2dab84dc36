"""The pages of a comparison of models and of two stages: what they say, and that they stand alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from metachron.base import InputError
from metachron.inference import Fit, FitSettings
from metachron.inference.criticism import LeaveOneOut, ModelComparison
from metachron.inference.criticism.compare import rank
from metachron.inference.criticism.models import FAILED, NOT_POSSIBLE, RANKED, Outcome
from metachron.inference.two_stage import STAGES, TwoStage
from metachron.joint import Candidate, compose
from metachron.report import write_comparison_report, write_two_stage_report
from metachron.report.figures import elpd_differences, patient_differences, stage_estimates
from report.html_page import Page

MADE = {
    "engine": "marginal", "chains": 4, "warmup": 300, "draws": 1000, "seed": 1, "wall_seconds": 12.3,
    "made": "2026-01-01T00:00:00+00:00", "versions": {"metachron": "0.1.0", "jax": "0.10"},
}  # fmt: skip
NAMES = ("gsf & <b>", "stein-fojo", "line")


def left_out(elpd: np.ndarray, weak: tuple[str, ...] = ()) -> LeaveOneOut:
    table = pl.DataFrame({"patient": [f"P{i:03}" for i in range(len(elpd))], "elpd": elpd})
    return LeaveOneOut(table, float(elpd.sum()), 20.0, 9.0, 0.1, weak)


@pytest.fixture(scope="module")
def comparison() -> ModelComparison:
    """Two models told apart from a third, one failure, one impossible pair; 120 patients."""
    base = np.linspace(-30.0, -10.0, 120)
    wave = 0.2 * np.sin(np.arange(120))
    each = {
        NAMES[0]: left_out(base),
        NAMES[1]: left_out(base + wave - 0.01),
        NAMES[2]: left_out(base - 0.5 + wave, weak=("P007",)),
    }
    outcomes = [
        Outcome(Candidate(name, compose(links=["log-growth"])), RANKED, "converged", MADE, one)
        for name, one in each.items()
    ]
    outcomes.append(Outcome(Candidate("broken", compose()), FAILED, "singular", {}))
    outcomes.append(Outcome(Candidate("pair", None, "no growth"), NOT_POSSIBLE, "no growth", {}))
    return ModelComparison(tuple(outcomes), rank(each), "trial", "0" * 64, 120, FitSettings())


@pytest.fixture(scope="module")
def stages(joint_fit: Fit, dynamics_fit: Fit) -> TwoStage:
    """Two parameters with numbers made up; the plug-in link is half of the joint one."""
    rows = []
    for parameter, values in (("death.log_shape", (0.2, 0.2, 0.2)), ("death.link[log-growth]", (0.5, 0.4, 1.0))):
        for stage, value in zip(STAGES, values, strict=True):
            joint = values[-1]
            rows.append(
                (parameter, stage, value, 0.25, value - 0.4, value + 0.4, value / joint, 1.0, (value - joint) / 0.25)
            )
    columns = ["parameter", "stage", "estimate", "sd", "low", "high", "ratio", "sd_ratio", "shift"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    missing = {"death.log_shape": 0.01, "death.link[log-growth]": 0.4}
    return TwoStage(table, missing, joint_fit.model, dynamics_fit, joint_fit, 50, 0.3)


@pytest.fixture(params=["comparison", "two stages"])
def text(request: pytest.FixtureRequest, comparison: ModelComparison, stages: TwoStage, tmp_path: Path) -> str:
    path = tmp_path / "r.html"
    if request.param == "comparison":
        return write_comparison_report(comparison, path).read_text(encoding="utf-8")
    return write_two_stage_report(stages, path).read_text(encoding="utf-8")


def test_the_page_stands_alone_and_is_well_formed(text: str) -> None:
    page = Page(text)
    assert (page.complaints, page.open) == ([], [])
    assert len(page.identifiers) == len(set(page.identifiers))
    assert all(target.startswith(("#", "https://doi.org/10.")) for target in page.targets)
    assert not {"script", "link", "iframe", "img", "image", "object"} & set(page.tags)
    assert len(page.charts) == text.count("<figcaption>") >= 1
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.charts)
    assert text.count("For research use only") == 1


def test_the_comparison_says_who_leads_and_who_is_not_ranked(comparison: ModelComparison, tmp_path: Path) -> None:
    text = write_comparison_report(comparison, tmp_path / "r.html").read_text(encoding="utf-8")
    sections = re.findall(r'<section id="([^"]+)">', text)
    assert sections == ["summary", "ranking", "patients", "failures", "fitted", "how-to-read", "provenance"]
    assert "gsf &amp; &lt;b&gt; ranks first, but these data do not tell it apart from stein-fojo" in text
    assert "Not ranked: broken (failed) and pair (not possible)." in text
    assert "no growth" in text
    assert "singular" in text
    assert "P007" not in text  # weak under the third model only, and the two best are shown
    assert "Pareto k above 0.7 for some patients under line" in text
    assert text.count("<summary>Model file:") == 4
    assert "metachron 0.1.0, jax 0.10" in text


def test_without_failures_and_ranks_the_page_says_so(comparison: ModelComparison, tmp_path: Path) -> None:
    ranked = replace(comparison, outcomes=comparison.outcomes[:3])
    text = write_comparison_report(ranked, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "No failures: every model was possible, and every fit converged." in text
    none = replace(comparison, outcomes=comparison.outcomes[3:], comparison=None)
    text = write_comparison_report(none, tmp_path / "b.html", title="Nothing").read_text(encoding="utf-8")
    assert "<title>Nothing</title>" in text
    assert "No model could be ranked" in text
    assert "There is no ranking" in text


def test_two_stages_say_what_the_shortcut_costs(stages: TwoStage, tmp_path: Path) -> None:
    text = write_two_stage_report(stages, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Plug-in 0.500, 2.0\N{NO-BREAK SPACE}joint sd below" in text.replace(
        "2.0 joint", "2.0\N{NO-BREAK SPACE}joint"
    )
    assert "the reason for 40\N{NO-BREAK SPACE}% of the imputed variance" in text
    assert "immortal time" in text
    assert "The imputed estimate rests on 50 sets" in text


def test_a_page_that_cannot_be_written_is_refused(
    comparison: ModelComparison, stages: TwoStage, tmp_path: Path
) -> None:
    for write, found in ((write_comparison_report, comparison), (write_two_stage_report, stages)):
        with pytest.raises(InputError, match="unwritable"):
            write(found, tmp_path / "absent" / "r.html")  # type: ignore[operator]


def test_figures_show_every_model_patient_and_stage(comparison: ModelComparison, stages: TwoStage) -> None:
    assert comparison.comparison is not None
    (axes,) = elpd_differences(comparison.comparison).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == comparison.comparison.names
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    left, right = patient_differences(comparison.comparison).axes
    assert len(left.lines[-1].get_ydata()) == 120
    total = comparison.comparison.table["difference"][1]
    assert right.lines[-1].get_ydata()[-1] == pytest.approx(total)
    panels = [panel for panel in stage_estimates(stages).axes if panel.axison]
    assert [panel.get_title(loc="left") for panel in panels] == ["death.log_shape", "death.link[log-growth]"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == list(STAGES)
