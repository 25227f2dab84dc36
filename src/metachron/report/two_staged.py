"""The report of two stages beside the joint model: what the shortcut costs on these data."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metachron.inference import Fit
from metachron.inference.two_stage import READING, STAGES, TwoStage
from metachron.report.blocks import Block, Bullets, Folded, Paragraph, Section, Table, picture
from metachron.report.figures import stage_estimates
from metachron.report.page import render_page, write_page
from metachron.report.sections import RESEARCH_USE
from metachron.report.sections.provenance import provenance_table
from metachron.report.wording import interval, number, percent

_CLOSE = 0.25
"""Shift, in sds of the joint model, below which a stage is said to agree: an interval moves by a tenth of its width."""


def write_two_stage_report(found: TwoStage, path: str | Path, *, title: str | None = None) -> Path:
    """Write the report of two stages as one self-contained HTML file and return its path.

    Parameters
    ----------
    title : heading; the name of the cohort unless given.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    heading = title or f"Two stages beside the joint model: {found.joint.provenance['cohort']}"
    version = found.joint.provenance.get("versions", {}).get("metachron", "")
    parts = (_summary, _side_by_side, _how_to_read, _fitted, _provenance)
    return write_page(path, lambda: render_page(heading, [part(found) for part in parts], version=version))


def _summary(found: TwoStage) -> Section:
    blocks: list[Block] = [Paragraph(f"Caution: {caution}.", strong=True) for caution in found.cautions]
    blocks.append(Bullets([_link(found, name) for name in found.links]))
    return Section("summary", "What this says", [*blocks, Paragraph(RESEARCH_USE)])


def _link(found: TwoStage, name: str) -> str:
    """Return how a link coefficient moves from stage to stage."""
    rows = {row["stage"]: row for row in found.table.filter(pl.col("parameter") == name).iter_rows(named=True)}
    plug_in, imputed, joint = (rows[stage] for stage in STAGES)
    return (
        f"{name}: joint {number(joint['estimate'])} (90 % interval {interval(joint['low'], joint['high'])}). "
        f"Plug-in {number(plug_in['estimate'])}, {_against(plug_in)}; imputed {number(imputed['estimate'])}, "
        f"{_against(imputed)}. Uncertain link values are the reason for {percent(found.missing[name])} of the imputed "
        "variance."
    )


def _against(row: dict[str, float]) -> str:
    """Return where a stage lies against the joint model, in its standard deviations."""
    if abs(row["shift"]) < _CLOSE:
        return "which agrees"
    return f"{number(abs(row['shift']), 2)} joint sd {'above' if row['shift'] > 0 else 'below'}"


def _side_by_side(found: TwoStage) -> Section:
    head = ["Parameter", "Stage", "Estimate", "SD", "90 % interval", "Ratio to joint", "SD ratio", "Shift (joint sd)"]
    rows = [
        [
            row["parameter"] if row["stage"] == STAGES[0] else "",
            row["stage"],
            number(row["estimate"]),
            number(row["sd"]),
            interval(row["low"], row["high"]),
            *(number(row[name]) if row["stage"] != STAGES[-1] else "" for name in ("ratio", "sd_ratio", "shift")),
        ]
        for row in found.table.iter_rows(named=True)
    ]
    caption = (
        "Parameters of the hazard by each stage: posterior means (pooled, for imputed). A ratio says little where the "
        "joint estimate is near 0, as that of a logarithm may be; the shift always does."
    )
    chart = picture(
        "stages",
        stage_estimates(found),
        shows="Estimates and 90 % intervals of each parameter by plug-in, imputed and joint, one panel per parameter.",
        caption="Estimate and 90 % interval by each stage; the pale bar marks the joint estimate.",
    )
    return Section("stages", "Side by side", [chart, Table(caption, head, rows, numeric=range(2, len(head)))])


def _how_to_read(found: TwoStage) -> Section:
    sets = f"{found.imputations} sets of link values, pooled as in Rubin 1987, doi:10.1002/9780470316696"
    size = f"The imputed estimate rests on {sets}."
    return Section("how-to-read", "How to read this", [Bullets([*READING, size])])


def _fitted(found: TwoStage) -> Section:
    text = f"{found.model.describe()}. The three stages have the same hazard, priors and patients."
    return Section("fitted", "What was fitted", [Paragraph(text), Folded("Model file", text=found.model.to_toml())])


def _provenance(found: TwoStage) -> Section:
    def table(what: str, fit: Fit) -> Table:
        return provenance_table(fit, f"{what}: {fit.verdict}.")

    weights = f"Importance weights of the survival stages: Pareto k at most {number(found.pareto_k, 2)}."
    tables = [table("Dynamics alone", found.dynamics), table("Joint model", found.joint)]
    return Section("provenance", "Provenance", [Paragraph(weights), *tables])
