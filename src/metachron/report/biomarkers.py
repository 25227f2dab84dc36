"""The report of a study of markers: prognostic, predictive, both, or not shown; and what that rests on."""

from __future__ import annotations

from pathlib import Path

import metachron
from metachron.benefit import MarkerAssessment, MarkerStudy
from metachron.cohort.table_files import write_csv
from metachron.report.blocks import Block, Bullets, Folded, LeftOut, Paragraph, Section, Table
from metachron.report.marker_benefit import benefit_sections, study_charts
from metachron.report.page import render_page, write_page
from metachron.report.sections import RESEARCH_USE
from metachron.report.svg import to_svg
from metachron.report.wording import capitalised, count, interval, number, percent, shown_p

_ENDPOINTS = {"os": "overall survival", "pfs": "progression-free survival", "response": "best response"}
_WORDS = {
    "prognostic": "tells the outcome; that it tells the effect of treatment is not shown",
    "predictive": "tells the effect of treatment; that it tells the outcome under control is not shown",
    "both": "tells the outcome and the effect of treatment",
    "not shown": "neither is shown",
}
ANSWERS = "Prognostic, predictive, both, or not shown"
SHOWN = tuple(f"{capitalised(word)}: {text}." for word, text in _WORDS.items())
"""What the words mean."""


def write_marker_report(found: MarkerStudy, folder: str | Path, *, title: str | None = None) -> list[Path]:
    """Write ``report.html``, every table as CSV and every figure as SVG into a folder that exists; return the paths.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    target = Path(folder)
    heading = title or f"Markers of {_ENDPOINTS[found.questions.endpoint]}: {found.cohort}"
    charts = study_charts(found)
    parts = [
        *(part(found) for part in (_answers, _effects, _levels, _screened)),
        *benefit_sections(found, charts),
        *(part(found) for part in (_left_out, _how_to_read)),
    ]
    page = target / "report.html"
    written = [write_page(page, lambda: render_page(heading, parts, version=metachron.__version__))]
    for name, table in found.tables().items():
        write_csv(table, target / f"{name}.csv")
        written.append(target / f"{name}.csv")
    for name, chart in charts.items():
        (target / f"{name}.svg").write_text(to_svg(chart), encoding="utf-8")
        written.append(target / f"{name}.svg")
    return written


def _answers(found: MarkerStudy) -> Section:
    asked = found.questions
    arms = f"{found.treatment} against {asked.control}" if found.treatment else f"one arm, {asked.control}"
    outer = f"; {found.external} beside it" if found.external else ""
    opening = f"{capitalised(_ENDPOINTS[asked.endpoint])} in {found.cohort}, {arms}{outer}."
    if found.refused:
        opening += f" Whether markers are predictive was not asked: {found.refused}."
    head = ["Marker", "Answer", "Prognostic p", "Predictive p"] + ([found.external] if found.external else [])
    rows = [
        [row["marker"], row["conclusion"], shown_p(row["prognostic_p"]), shown_p(row["predictive_p"])]
        + ([row["external"]] if found.external else [])
        for row in found.answers().iter_rows(named=True)
    ]
    caption = (
        f"Shown means p at most {asked.level:g}, adjusted over all markers by Holm's method, each question by itself. "
        "Not shown is not shown to be absent."
    )
    blocks: list[Block] = [
        Paragraph(opening, strong=True), Table(caption, head, rows, numeric=(2, 3)), Bullets(SHOWN),
        Paragraph(RESEARCH_USE),
    ]  # fmt: skip
    return Section("answers", ANSWERS, blocks)


def _effects(found: MarkerStudy) -> Section:
    tables = [_effect_table(found, found.cohort, found.assessments)]
    outside = [one for one in found.outside.values() if isinstance(one, MarkerAssessment)]
    if outside:
        tables.append(_effect_table(found, found.external, outside))
    reasons = [f"{name}: {why}." for name, why in found.outside.items() if isinstance(why, str)]
    return Section("effects", "How large, and how sure", [*tables, *([Bullets(reasons)] if reasons else [])])


def _effect_table(
    found: MarkerStudy, where: str, assessments: list[MarkerAssessment] | tuple[MarkerAssessment, ...]
) -> Table:
    rows = []
    for one in assessments:
        for test in (one.prognostic, one.predictive):
            for effect in test.effects.iter_rows(named=True):
                rows.append(
                    [
                        effect["term"].removeprefix("treated:"), test.question, count(test.patients),
                        count(test.events), number(effect["effect"]), interval(effect["lower"], effect["upper"]),
                        shown_p(effect["wald_p"]),
                    ]
                )  # fmt: skip
    measure = assessments[0].measure if assessments else "ratio"
    caption = (
        f"{where}: {measure}s of the marker in the control arm, and by how much the {measure} of treatment is "
        f"multiplied per step or against the reference level; {percent(1 - found.questions.level)} "
        "intervals, p not adjusted."
    )
    head = ["Term", "Question", "Patients", "Events", "Ratio", "Interval", "p"]
    return Table(caption, head, rows, numeric=range(2, 7))


def _levels(found: MarkerStudy) -> Section | LeftOut:
    rows = []
    for one in found.assessments:
        for row in one.levels.iter_rows(named=True):
            rows.append(
                [one.marker.label, str(row["level"]), number(row["effect"]), interval(row["lower"], row["upper"])]
            )
    if not rows:
        return LeftOut(
            "The effect of treatment by level of a marker is not shown: the predictive question was not asked."
        )
    caption = (
        f"Effect of {found.treatment} against {found.questions.control} at each level, or at the quartiles of a "
        "number, from the model with the interaction."
    )
    return Section(
        "levels",
        "Effect of treatment by level",
        [Table(caption, ["Marker", "Level", "Ratio", "Interval"], rows, numeric=(2, 3))],
    )


def _screened(found: MarkerStudy) -> Section:
    rows = [
        [
            row["marker"], count(row["patients"]), shown_p(row["predictive_p"]), shown_p(row["predictive_fdr"]),
            shown_p(row["predictive_fwer"]), shown_p(row["prognostic_p"]), shown_p(row["prognostic_fdr"]),
            shown_p(row["prognostic_fwer"]),
        ]
        for row in found.screening.table.iter_rows(named=True)
    ]  # fmt: skip
    head = ["Marker", "Patients", "Predictive p", "FDR", "FWER", "Prognostic p", "FDR", "FWER"]
    caption = (
        "Wald p values, the false discovery rate (Benjamini and Hochberg) at which a marker would be called, and the "
        f"family-wise p value over {found.screening.permutations} permutations."
    )
    blocks: list[Block] = [Table(caption, head, rows, numeric=range(1, 8))]
    if found.screening.null:
        blocks.append(Paragraph(capitalised(found.screening.null)))
    return Section("screening", "All markers together", blocks)


def _left_out(found: MarkerStudy) -> Section | LeftOut:
    items, folded = [], []
    for one in found.assessments:
        for (reason,), rows in one.left_out.group_by("reason", maintain_order=True):
            items.append(f"{one.marker.label}: {rows.height} patients left out, {reason}.")
            folded.append(Folded(f"{one.marker.label}: {reason}", items=[", ".join(rows["patient"])]))
        if one.imputed:
            items.append(f"{one.marker.label}: imputed in {len(one.imputed)} patients.")
    notes = [f"{capitalised(note)}." for one in found.assessments[:1] for note in one.notes]
    if not items and not notes:
        return LeftOut("Nobody was left out of any analysis.")
    return Section("left-out", "Who was left out", [Bullets([*notes, *items]), *folded])


def _how_to_read(found: MarkerStudy) -> Section:
    items = [
        "A prognostic marker tells the outcome whatever the treatment; a predictive one tells which treatment. Only "
        "the interaction of marker and treatment in arms that were randomised shows the second.",
        "Prognostic is asked of the control arm alone, since an effect on the treatment does not reach it.",
        "An interaction of ratios is not one of differences: look at the curves of benefit too.",
    ]
    if found.external:
        items.append(
            f"Nothing was learned in {found.external}: markers have the coding, and rules the coefficients, of "
            f"{found.cohort}."
        )
    return Section("how-to-read", "How to read this", [Bullets(items)])
