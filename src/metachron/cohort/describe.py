"""What a cohort holds, in words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from metachron.base import list_briefly

if TYPE_CHECKING:
    from metachron.cohort.cohort import Cohort


def as_text(cohort: Cohort) -> str:
    """Return the description as plain text."""
    lines = [f"{cohort.name}: {_count(cohort.patients.height, 'patient')}"]
    for title, items in sections(cohort).items():
        lines += ["", title, *(f"  {item}" for item in items)]
    return "\n".join(lines)


def as_html(cohort: Cohort) -> str:
    """Return the description as HTML, for notebooks."""
    parts = [f"<h4>{escape(cohort.name)}: {_count(cohort.patients.height, 'patient')}</h4>"]
    for title, items in sections(cohort).items():
        rows = "".join(f"<li>{escape(item)}</li>" for item in items)
        parts.append(f"<b>{escape(title)}</b><ul>{rows}</ul>")
    return "".join(parts)


def sections(cohort: Cohort) -> dict[str, list[str]]:
    """Return the parts of the description: a title and its lines; parts without lines are left out."""
    parts = {
        "Study and arm": _arms(cohort),
        "Covariates": _covariates(cohort),
        "Tables": [f"{name}: {_count(frame.height, 'row')}" for name, frame in cohort.tables.items() if frame.height],
        "Sizes": _sizes(cohort),
        "Follow-up": _followup(cohort),
        "Accepted exceptions": _exceptions(cohort),
        "Notes": [*cohort.notes, *_remarks(cohort)],
        "Rows of the source that are not used": [
            f"{row['table']}: {_count(row['count'], 'row')} of {_count(row['patients'], 'patient')}: {row['reason']}"
            for row in cohort.unused.to_dicts()
        ],
        "Source": [f"{key}: {value}" for key, value in cohort.provenance.items()],
        "Fingerprint": [cohort.fingerprint()],
    }
    return {title: items for title, items in parts.items() if items}


def _arms(cohort: Cohort) -> list[str]:
    counts = cohort.patients.group_by("study", "arm").len().sort("study", "arm")
    return [f"{study}, {arm}: {_count(count, 'patient')}" for study, arm, count in counts.iter_rows()]


def _covariates(cohort: Cohort) -> list[str]:
    lines = []
    for name in cohort.covariates:
        column = cohort.patients[name]
        missing = f"; missing in {column.null_count()}" if column.null_count() else ""
        if column.dtype == pl.String:
            levels = column.drop_nulls().value_counts().sort("count", name, descending=[True, False]).iter_rows()
            what = list_briefly((f"{level} ({count})" for level, count in levels), 8)
        else:
            what = _spread(column)
        lines.append(f"{name}: {what}{missing}")
    return lines


def _sizes(cohort: Cohort) -> list[str]:
    rows = cohort.measurements
    if rows.is_empty():
        return []
    states = rows["state"].value_counts(sort=True).sort("state")
    counted = ", ".join(f"{state} {count}" for state, count in states.iter_rows())
    kind = {True: "sums per patient", False: "single lesions"}
    kinds = [kind[null] for null in rows["lesion"].is_null().unique().sort(descending=True)]
    measured = rows.filter(pl.col("state") == "measured")["size_mm"]
    small = int((measured < cohort.limit_mm).sum())
    return [
        f"{_count(rows.height, 'row')} of {_count(rows['patient'].n_unique(), 'patient')} ({' and '.join(kinds)})",
        f"days: {_spread(rows['day'])}",
        f"states: {counted}",
        f"limit of measurement {cohort.limit_mm:g} mm: below_limit, and absent after a measured size, are "
        f"left-censored there; {small} measured sizes below it are used as measured",
    ]


def _followup(cohort: Cohort) -> list[str]:
    lines = []
    for kind in cohort.followup["kind"].unique().sort():
        rows = cohort.followup.filter(pl.col("kind") == kind)
        events = cohort.events.filter(pl.col("kind") == kind)
        met = f"{_count(events.height, 'event')} in {events['patient'].n_unique()}"
        watched = f"{_count(rows.height, 'patient')} under observation"
        lines.append(f"{kind}: {met} of {watched}; last day {_spread(rows['last_day'])}")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _spread(column: pl.Series) -> str:
    values = column.drop_nulls().to_numpy()
    if not len(values):
        return "no values"
    return f"median {np.median(values):.4g}, range {values.min():.4g} to {values.max():.4g}"


def _remarks(cohort: Cohort) -> list[str]:
    """Return what is permitted but worth knowing."""
    sized = cohort.measurements.filter(pl.col("state") == "measured").group_by("patient").agg(pl.col("day").min())
    late = sized.filter(pl.col("day") > 0).sort("patient")["patient"]
    without = cohort.patients.filter(~pl.col("patient").is_in(cohort.measurements["patient"].unique().to_list()))
    lines = []
    if len(late):
        lines.append(f"no measured size at or before day 0 in {_count(len(late), 'patient')}: {list_briefly(late)}")
    if without.height and cohort.measurements.height:
        lines.append(f"no sizes in {_count(without.height, 'patient')}: {list_briefly(without['patient'])}")
    return lines


def _exceptions(cohort: Cohort) -> list[str]:
    """Return one line per rule and reason, with the patients."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in cohort.accepted:
        found.setdefault((entry.rule, entry.reason), []).append(entry.patient)
    return [
        f"{'patient' if len(own) == 1 else f'{len(own)} patients:'} {list_briefly(own, 10)}, rule {rule}: {reason}"
        for (rule, reason), own in found.items()
    ]
