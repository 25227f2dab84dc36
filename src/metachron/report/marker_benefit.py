"""What markers say of benefit: curves, cut-offs, subgroups, rules, and all markers in one model."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metachron.base import MONTHS_PER_YEAR
from metachron.benefit import MarkerStudy
from metachron.benefit.cutoff import NULL
from metachron.benefit.rule_value import AUGMENTED, RULE_ALL
from metachron.benefit.subgroups import OVERLAP
from metachron.report.blocks import Block, Bullets, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures.markers import benefit_curves, cutoff_chart, decision_chart, subgroup_chart
from metachron.report.figures.style import Chart
from metachron.report.wording import (
    capitalised,
    count,
    decimals,
    interval,
    joined,
    months,
    number,
    p_value,
    percent,
    shown_p,
)  # fmt: skip


def study_charts(found: MarkerStudy) -> dict[str, Chart]:
    """Return the figures of a study by name: those that there is something to show of."""
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


def benefit_sections(found: MarkerStudy, charts: Mapping[str, Chart]) -> list[Section | LeftOut]:
    """Return the sections on benefit; ``charts`` are those of `study_charts`."""
    return [
        _curves(found, charts),
        _cutoffs(found, charts),
        _forest(found, charts),
        _rules(found),
        _model(found, charts),
    ]


def _up_to(found: MarkerStudy) -> str:
    """Return up to when outcomes are counted; nothing for a response."""
    return "" if found.questions.endpoint == "response" else f" up to {months(found.horizon_year)}"


def _curves(found: MarkerStudy, charts: Mapping[str, Chart]) -> Section | LeftOut:
    if "curves" not in charts:
        return LeftOut(
            "There are no curves of benefit: no marker is a number, or the predictive question was not asked."
        )
    drawn = {name: curve for name, curve in found.curves.items() if not isinstance(curve, str)}
    said = [f"{name}: that benefit changes with it has p {p_value(curve.p_value)}." for name, curve in drawn.items()]
    said += [f"{name}: no curve; {why}" for name, why in found.curves.items() if isinstance(why, str)]
    shown = picture(
        "curves", charts["curves"], shows="Benefit by the value of each marker with bands.",
        caption=f"Benefit of {found.treatment} against {found.questions.control}{_up_to(found)}, by the value of the "
        "marker. Dashed: limits at each value. Grey: limits that hold at all values at once.",
    )  # fmt: skip
    return Section("curves", "Benefit by the value of a marker", [shown, Bullets(said)])


def _cutoffs(found: MarkerStudy, charts: Mapping[str, Chart]) -> Section | LeftOut:
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
        "cutoffs", charts["cutoffs"], shows="Interaction score at each candidate cut-off.",
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


def _forest(found: MarkerStudy, charts: Mapping[str, Chart]) -> Section | LeftOut:
    if found.forest is None or found.treatment is None:
        return LeftOut("The effect of treatment in subgroups is not shown: the predictive question was not asked.")
    chart = picture(
        "subgroups", charts["subgroups"],
        shows="Effect of treatment in each subgroup, as observed and shrunk, with intervals.",
        caption=f"{capitalised(found.forest.measure)} of {found.treatment} against {found.questions.control} in "
        "subgroups, numbers cut at their median.",
    )  # fmt: skip
    notes = list(dict.fromkeys([OVERLAP, *found.forest.notes]))
    return Section("subgroups", "Subgroups", [chart, Bullets([f"{capitalised(note)}." for note in notes])])


def _rules(found: MarkerStudy) -> Section | LeftOut:
    if found.rules.is_empty():
        return LeftOut("What treating by a marker would be worth was not asked, as the predictive question was not.")
    shown = found.rules.filter((pl.col("policy") == RULE_ALL) & (pl.col("method") == AUGMENTED))
    response = found.questions.endpoint == "response"
    scale, unit = (100.0, "percent points of response") if response else (MONTHS_PER_YEAR, "months lived")
    rows = [
        [
            row["marker"], row["where"], count(row["patients"]), percent(row["treat_share"]),
            decimals(scale * row["value"]), interval(scale * row["lower"], scale * row["upper"]),
        ]
        for row in shown.iter_rows(named=True)
    ]  # fmt: skip
    caption = (
        f"Treating with {found.treatment} where the marker alone foretells a benefit, against treating everybody: "
        f"difference in {unit}{_up_to(found)}. Rules that treat everybody differ from that by nothing."
    )
    head = ["Marker", "Judged", "Patients", "Treated", "Difference", "Interval"]
    failed = [f"{name}: no rule; {why}" for name, why in found.rules_failed.items()]
    table = Table(caption, head, rows, numeric=range(2, 6))
    return Section("rules", "Value of treating by a marker", [table, *([Bullets(failed)] if failed else [])])


def _model(found: MarkerStudy, charts: Mapping[str, Chart]) -> Section | LeftOut:
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
        f"{count(told.events)} events{_up_to(found)}; optimism over "
        f"{count(told.samples)} bootstrap samples."
    )
    where = f"in {outer}" if outer else "out of fold"
    chart = picture(
        "decisions", charts["decisions"],
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
