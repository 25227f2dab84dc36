"""The report of markers of tumour growth: prognostic, predictive, both, or not shown, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

import metachron
from metachron.benefit import GrowthStudy
from metachron.cohort.table_files import write_csv
from metachron.report.biomarkers import ANSWERS, SHOWN
from metachron.report.blocks import Block, Bullets, LeftOut, Paragraph, Section, Table
from metachron.report.page import render_page, write_page
from metachron.report.sections import RESEARCH_USE
from metachron.report.wording import capitalised, count, interval, number, percent, shown_p


def write_growth_report(
    found: Mapping[str, GrowthStudy], folder: str | Path, *, arms: str, unavailable: Mapping[str, str]
) -> list[Path]:
    """Write ``report.html`` and ``growth.csv`` into a folder that exists; return the paths.

    Parameters
    ----------
    found : by the name of the cohort, the one in which markers were coded first.
    arms : who is compared, in words.
    unavailable : marker to the reason why it was not asked in the other cohort.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    target, (first, *_) = Path(folder), found
    parts: list[Section | LeftOut] = [_answers(first, found[first], arms)]
    parts += [_effects(f"effects-{number}", *item) for number, item in enumerate(found.items(), start=1)]
    parts += [_left_out(found[first], unavailable), _how_to_read(found[first])]
    page = write_page(
        target / "report.html",
        lambda: render_page(f"Markers of tumour growth: {first}", parts, version=metachron.__version__),
    )
    table = pl.concat([study.table.select(pl.lit(name).alias("cohort"), pl.all()) for name, study in found.items()])
    write_csv(table, target / "growth.csv")
    return [page, target / "growth.csv"]


def _answers(name: str, study: GrowthStudy, arms: str) -> Section:
    opening = f"Growth and shrinkage of the tumours of {name}, {arms}, by the law {study.law}."
    if study.refused:
        opening += f" Whether markers are predictive was not asked: {study.refused}."
    rows = [
        [
            row["marker"], row["parameter"], row["conclusion"], shown_p(row["prognostic_p_holm"]),
            shown_p(row["predictive_p_holm"]),
        ]
        for row in study.table.iter_rows(named=True)
    ]  # fmt: skip
    head = ["Marker", "Parameter", "Answer", "Prognostic p", "Predictive p"]
    caption = "Adjusted over all markers and parameters by Holm's method. Not shown is not shown to be absent."
    blocks: list[Block] = [Paragraph(opening, strong=True), Table(caption, head, rows, numeric=(3, 4))]
    return Section("answers", ANSWERS, [*blocks, Bullets(SHOWN), Paragraph(RESEARCH_USE)])


def _effects(anchor: str, name: str, study: GrowthStudy) -> Section:
    rows = []
    for one in study.assessments:
        for question, test in (("prognostic", one.prognostic), ("predictive", one.predictive)):
            head = [one.endpoint, question, count(test.patients), count(test.events)]
            if test.effects.is_empty():
                rows.append([one.marker.label, *head, *["\N{EN DASH}"] * 2, shown_p(test.p_value)])
            for place, row in enumerate(test.effects.iter_rows(named=True)):
                own = [row["term"], *(head if place == 0 else [""] * 4), number(row["effect"])]
                rows.append([*own, interval(row["lower"], row["upper"]), shown_p(test.p_value) if place == 0 else ""])
    names = ["Marker", "Parameter", "Question", "Patients", "Sizes", "Effect", "Interval", "p"]
    caption = (
        f"{name}: by how much one step of the marker multiplies the parameter in the control arm, and by how much it "
        f"multiplies the effect of treatment; {percent(1 - study.assessments[0].level)} intervals, p not adjusted. "
        "Of a random slope, differences. A p value is that of all the levels of a marker together."
    )
    return Section(anchor, f"How large, and how sure: {name}", [Table(caption, names, rows, numeric=range(3, 8))])


def _left_out(study: GrowthStudy, unavailable: Mapping[str, str]) -> Section | LeftOut:
    items = [
        f"{rows.height} patients left out of everything: {reason}."
        for (reason,), rows in study.left_out.group_by("reason", maintain_order=True)
    ]
    items += [
        f"{row['marker']}, {row['parameter']}: {count(row['left_out'])} left out, {count(row['imputed'])} imputed."
        for row in study.table.iter_rows(named=True)
        if row["left_out"] or row["imputed"]
    ]
    items += [f"{marker}: {why}." for marker, why in unavailable.items()]
    return Section("left-out", "Who was left out", [Bullets(items)]) if items else LeftOut("Nobody was left out.")


def _how_to_read(study: GrowthStudy) -> Section:
    notes = sorted({note for note in study.table["note"].drop_nulls() if note})
    items = [
        "A marker of growth is nearer to the tumour than one of survival, and says nothing of survival by itself.",
        "Growth and shrinkage are told apart by few sizes: a marker that moves one may show up at the other.",
        *(f"{capitalised(note)}." for note in notes),
        *(
            f"{row['marker']}, {row['parameter']}, not answered: {row['refused']}."
            for row in study.table.iter_rows(named=True)
            if row["refused"] and row["refused"] != study.refused
        ),
    ]
    return Section("how-to-read", "How to read this", [Bullets(items)])
