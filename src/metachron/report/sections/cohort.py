"""On whom: the cohort, its arms, what was left out or kept by decision, and where it comes from."""

from __future__ import annotations

import polars as pl

from metachron.base import MONTHS_PER_YEAR
from metachron.cohort.describe import sections as describe
from metachron.report.blocks import Block, Bullets, Folded, LeftOut, Paragraph, Section, Table
from metachron.report.numbers import Numbers
from metachron.report.wording import count, interval, joined, number

_LONG = "files: "
"""Names and checksums of the files of a public data set: folded."""
_OPEN = ("Notes", "Accepted exceptions", "Rows of the source that are not used", "Source")


def cohort_section(numbers: Numbers) -> Section | LeftOut:
    """Return who was fitted."""
    cohort = numbers.fit.cohort
    if cohort is None:
        return LeftOut("The patients are not described: they were taken out of this fit so that it can be shared.")
    studies, total = list(cohort.studies), cohort.patients.height
    text = f"{cohort.name}: {total} patients of {joined(studies)}, in {_arms(len(numbers.arms))}."
    described = describe(cohort)
    blocks: list[Block] = [Paragraph(text), _table(numbers)]
    for title in _OPEN:
        lines = [line for line in described.get(title, []) if not line.startswith(_LONG)]
        if title == "Rows of the source that are not used":
            lines = [*lines, *_unfitted(numbers)]
        if lines:
            blocks.append(Bullets(lines, title))
    more = [
        f"{title}: {line}"
        for title, lines in described.items()
        for line in lines
        if title not in _OPEN or line.startswith(_LONG)
    ]
    return Section("cohort", "On whom", [*blocks, Folded("The cohort in full", items=more)])


def _arms(count: int) -> str:
    return "one arm" if count == 1 else f"{count} arms"


def _table(numbers: Numbers) -> Table:
    table = numbers.by_arm
    head, rows = ["Arm", "Patients"], [[row["arm"], count(row["patients"])] for row in table.iter_rows(named=True)]
    if numbers.fit.model.dynamics is not None:
        head += ["with sizes", "sizes", "below limit", "baseline, median (mm)"]
        names = ("sized", "sizes", "below_limit")
        for cells, row in zip(rows, table.iter_rows(named=True), strict=True):
            cells += [*(count(row[name]) for name in names), number(row["baseline_mm"])]
    if numbers.fit.model.hazard is not None:
        event = numbers.event.replace("_", " ")
        head += [f"{event}: events", f"median time to {event}, months (95 % interval)", "follow-up, median (months)"]
        for cells, row in zip(rows, table.iter_rows(named=True), strict=True):
            cells += _outcome(row)
    caption = "Patients by arm. Times to an event are Kaplan-Meier estimates, follow-up by the reverse method."
    return Table(caption, head, rows, numeric=range(1, len(head)))


def _outcome(row: dict[str, float]) -> list[str]:
    years = [row[name] for name in ("median_year", "median_lower_year", "median_upper_year", "followup_year")]
    if any(year is None for year in years):
        return ["0", number(None), number(None)]
    median, low, high, followup = (year * MONTHS_PER_YEAR for year in years)
    return [count(int(row["events"])), f"{number(median)} ({interval(low, high)})", number(followup)]


def _unfitted(numbers: Numbers) -> list[str]:
    """Return the recorded sizes that the model did not use, counted by reason."""
    part = numbers.fit.model.dynamics
    cohort = numbers.fit.cohort
    if part is None or cohort is None:
        return []
    unused = cohort.to_arrays(part.size, limit_mm=numbers.fit.labels.limit_mm, event=None).unused
    counts = unused.group_by("reason").agg(pl.len().alias("rows"), pl.col("patient").n_unique()).sort("reason")
    return [
        f"not fitted: {rows} sizes of {patients} patients: {reason}" for reason, rows, patients in counts.iter_rows()
    ]
