"""The report of a study of markers: prognostic, predictive, both, or not shown; and what that rests on."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import metachron
from metachron.base import MONTHS_PER_YEAR
from metachron.benefit import MarkerAssessment, MarkerStudy
from metachron.benefit.cutoff import NULL
from metachron.benefit.subgroups import OVERLAP
from metachron.cohort.table_files import write_csv
from metachron.report.blocks import Block, Bullets, Folded, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures.markers import benefit_curves, cutoff_chart, decision_chart, subgroup_chart
from metachron.report.figures.style import Chart
from metachron.report.page import render_page, write_page
from metachron.report.sections import RESEARCH_USE
from metachron.report.svg import to_svg
from metachron.report.wording import capitalised, count, decimals, interval, joined, number, p_value, percent

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
    parts = (
        _answers,
        _effects,
        _levels,
        _screened,
        _curves,
        _cutoffs,
        _forest,
        _rules,
        _model,
        _left_out,
        _how_to_read,
    )
    version = metachron.__version__
    written = [
        write_page(
            target / "report.html", lambda: render_page(heading, [part(found) for part in parts], version=version)
        )
    ]
    for name, table in found.tables().items():
        write_csv(table, target / f"{name}.csv")
        written.append(target / f"{name}.csv")
    for name, chart in _figures(found).items():
        (target / f"{name}.svg").write_text(to_svg(chart), encoding="utf-8")
        written.append(target / f"{name}.svg")
    return written


def _figures(found: MarkerStudy) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    if found.forest is not None and found.treatment is not None:
        charts["subgroups"] = subgroup_chart(found.forest, treatment=found.treatment, control=found.questions.control)
    if drawn := {name: curve for name, curve in found.curves.items() if not isinstance(curve, str)}:
        charts["curves"] = benefit_curves(drawn)
    if searched := {name: search for name, search in found.cutoffs.items() if not isinstance(search, str)}:
        charts["cutoffs"] = cutoff_chart(searched)
    if not isinstance(found.model, str):
        charts["decisions"] = decision_chart(found.model.decisions)
    return charts


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


def shown_p(value: float | None) -> str:
    """Return a p value, or that the question was not asked."""
    return "not asked" if value is None or value != value else p_value(value)


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


def _curves(found: MarkerStudy) -> Section | LeftOut:
    charts = _figures(found)
    if "curves" not in charts:
        return LeftOut(
            "There are no curves of benefit: no marker is a number, or the predictive question was not asked."
        )
    drawn = {name: curve for name, curve in found.curves.items() if not isinstance(curve, str)}
    horizon = (
        f" up to {found.horizon_year * MONTHS_PER_YEAR:.0f} months" if found.horizon_year == found.horizon_year else ""
    )
    said = [f"{name}: that benefit changes with it has p {p_value(curve.p_value)}." for name, curve in drawn.items()]
    said += [f"{name}: no curve; {why}" for name, why in found.curves.items() if isinstance(why, str)]
    shown = picture(
        "curves", charts["curves"], shows="Benefit by the value of each marker with bands.",
        caption=f"Benefit of {found.treatment} against {found.questions.control}{horizon}, by the value of the marker. "
        "Dashed: limits at each value. Grey: limits that hold at all values at once.",
    )  # fmt: skip
    return Section("curves", "Benefit by the value of a marker", [shown, Bullets(said)])


def _cutoffs(found: MarkerStudy) -> Section | LeftOut:
    searched = {name: search for name, search in found.cutoffs.items() if not isinstance(search, str)}
    if not searched:
        return LeftOut("No cut-off was searched: no marker is a number, or the predictive question was not asked.")
    rows = [
        [
            name,
            number(search.cutoff),
            shown_p(search.naive_p),
            shown_p(search.corrected_p),
            _validated(search.validated_effects),
        ]
        for name, search in searched.items()
    ]
    head = ["Marker", "Cut-off", "Naive p", "Corrected p", "Effect on patients it was not found in"]
    caption = (
        "The cut-off with the largest interaction. The naive p value takes it as known beforehand, and is wrong; the "
        "corrected one allows for the search."
    )
    chart = picture(
        "cutoffs", _figures(found)["cutoffs"], shows="Interaction score at each candidate cut-off.",
        caption="Standardised interaction score at every candidate; orange: the largest.",
    )  # fmt: skip
    reasons = [f"{name}: {why}" for name, why in found.cutoffs.items() if isinstance(why, str)]
    blocks: list[Block] = [chart, Table(caption, head, rows, numeric=(1, 2, 3)), Paragraph(f"{capitalised(NULL)}.")]
    return Section("cutoffs", "Cut-offs", [*blocks, *([Bullets(reasons)] if reasons else [])])


def _validated(effects: pl.DataFrame) -> str:
    if effects.is_empty():
        return "cannot be told"
    rows = effects.iter_rows(named=True)
    return "; ".join(
        f"{row['level']}: {number(row['effect'])} ({interval(row['lower'], row['upper'])})" for row in rows
    )


def _forest(found: MarkerStudy) -> Section | LeftOut:
    if found.forest is None or found.treatment is None:
        return LeftOut("The effect of treatment in subgroups is not shown: the predictive question was not asked.")
    chart = picture(
        "subgroups", _figures(found)["subgroups"],
        shows="Effect of treatment in each subgroup, as observed and shrunk, with intervals.",
        caption=f"{capitalised(found.forest.measure)} of {found.treatment} against {found.questions.control} in "
        "subgroups, numbers cut at their median.",
    )  # fmt: skip
    notes = list(dict.fromkeys([OVERLAP, *found.forest.notes]))
    return Section("subgroups", "Subgroups", [chart, Bullets([f"{capitalised(note)}." for note in notes])])


def _rules(found: MarkerStudy) -> Section | LeftOut:
    if found.rules.is_empty():
        return LeftOut("What treating by a marker would be worth was not asked, as the predictive question was not.")
    shown = found.rules.filter((pl.col("policy") == "rule - all") & (pl.col("method") == "augmented"))
    months = found.horizon_year == found.horizon_year
    scale, unit = (MONTHS_PER_YEAR, "months lived") if months else (100.0, "percent points of response")
    rows = [
        [
            row["marker"], row["where"], count(row["patients"]), percent(row["treat_share"]),
            decimals(scale * row["value"]), interval(scale * row["lower"], scale * row["upper"]),
        ]
        for row in shown.iter_rows(named=True)
    ]  # fmt: skip
    horizon = f" up to {found.horizon_year * MONTHS_PER_YEAR:.0f} months" if months else ""
    caption = (
        f"Treating with {found.treatment} where the marker alone foretells a benefit, against treating everybody: "
        f"difference in {unit}{horizon}. Rules that treat everybody differ from that by nothing."
    )
    head = ["Marker", "Judged", "Patients", "Treated", "Difference", "Interval"]
    failed = [f"{name}: no rule; {why}" for name, why in found.rules_failed.items()]
    table = Table(caption, head, rows, numeric=range(2, 6))
    return Section("rules", "Value of treating by a marker", [table, *([Bullets(failed)] if failed else [])])


def _model(found: MarkerStudy) -> Section | LeftOut:
    if isinstance(found.model, str):
        return LeftOut(f"There is no model of all markers: {found.model}.")
    told, outer = found.model.validation, found.external
    rows = [
        [
            row["measure"], decimals(row["apparent"]), decimals(row["optimism"]), decimals(row["corrected"]),
            interval(row["lower"], row["upper"]),
            *([decimals(row["external"]), interval(row["external_lower"], row["external_upper"])] if outer else []),
        ]
        for row in told.table.iter_rows(named=True)
    ]  # fmt: skip
    head = ["Measure", "Apparent", "Optimism", "Corrected", "Interval", *([outer, "Interval"] if outer else [])]
    terms = "treatment, markers and their products" if not found.refused else "treatment and markers"
    caption = (
        f"A Cox model of {terms} ({joined(list(found.model.markers))}), {count(told.patients)} patients with "
        f"{count(told.events)} events up to {told.horizon_year * MONTHS_PER_YEAR:.0f} months; optimism over "
        f"{count(told.samples)} bootstrap samples."
    )
    where = f"in {outer}" if outer else "out of fold"
    chart = picture(
        "decisions", _figures(found)["decisions"],
        shows="Net benefit by threshold of the model, of acting on all and on none.",
        caption=f"Net benefit, {where}, of acting on patients whose foretold risk of the event by the horizon is at "
        "the threshold or above: the share rightly acted on, less the share wrongly acted on at the rate of exchange "
        "that the threshold means.",
    )  # fmt: skip
    blocks: list[Block] = [Table(caption, head, rows, numeric=range(1, len(head))), chart]
    if (benefit := found.model.benefit) is not None:
        blocks.append(
            Paragraph(
                f"C-for-benefit of the model in {outer}: {decimals(benefit.value)} "
                f"({interval(benefit.lower, benefit.upper)}); 0.5 is chance."
            )
        )
    return Section("model", "All markers in one model", blocks)


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
