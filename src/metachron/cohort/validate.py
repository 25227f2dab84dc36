"""From tables as given to typed tables that keep every rule, or one error that lists all violations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.cohort.checks import apply_rules, content_rules
from metachron.cohort.conform import conform
from metachron.cohort.exceptions import AcceptedException, misfits, set_apart
from metachron.cohort.frames import ROW, to_polars
from metachron.cohort.schema import SCHEMA


def validate(
    name: str,
    tables: Mapping[str, Any],
    *,
    limit_mm: float,
    accept: Sequence[AcceptedException] = (),
    arms: Sequence[str] | None = None,
    files: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> tuple[dict[str, pl.DataFrame], tuple[AcceptedException, ...]]:
    """Return all ten tables, typed, and the accepted exceptions that occur.

    Raises
    ------
    InputError
        with every problem found: those handed in (`problems`, found while reading) and those found here.
    """
    files = files or {}
    found = list(problems) + _unknown_tables(tables, files) + _limit(limit_mm)
    unread = {problem.table for problem in problems if problem.table and problem.table not in tables}
    if "patients" not in tables and "patients" not in unread:
        found.append(_no_patients(tables))
        unread.add("patients")
    frames: dict[str, pl.DataFrame] = {}
    broken: set[str] = set()
    for table in SCHEMA.values():
        frame, failed = to_polars(table.name, tables.get(table.name, table.empty()))
        done = conform(table, table.empty() if frame is None else frame, files.get(table.name))
        lost = set(table.names) if frame is None or table.name in unread else {str(f.column) for f in failed}
        done.problems = [p for p in done.problems if p.column not in lost and not _reported(p, problems)]
        frames[table.name] = done.frame
        broken |= {f"{table.name}.{column}" for column in done.broken | lost}
        found += failed + done.problems
    rules = list(content_rules(frames, limit_mm, arms))
    findings, accepted = set_apart(apply_rules(rules, frames, broken, found), accept)
    found += [finding.problem(files) for finding in findings]
    found += misfits(accept, accepted, rules, file=files.get("accept"), complete=not found)
    if found:
        raise InputError(found, what=f"cohort {name!r}")
    return {key: frame.drop(ROW) for key, frame in frames.items()}, tuple(sorted(set(accepted.values())))


def _reported(problem: Problem, problems: Sequence[Problem]) -> bool:
    place = (problem.table, problem.column)
    return problem.rule == "missing-column" and any(place == (p.table, p.column) for p in problems)


def _unknown_tables(tables: Mapping[str, Any], files: Mapping[str, str]) -> list[Problem]:
    problems = []
    for table in tables:
        if table not in SCHEMA:
            near = get_close_matches(table.lower(), SCHEMA, n=1)
            problems.append(
                Problem(
                    "unknown-table",
                    found=f"table {table!r}" + (f" (did you mean {near[0]!r}?)" if near else ""),
                    expected=f"only {list_briefly(SCHEMA, 20)}",
                    remedy=f"rename it to {near[0]!r}" if near else "leave it out",
                    file=files.get(table),
                    table=table,
                )
            )
    return problems


def _no_patients(tables: Mapping[str, Any]) -> Problem:
    return Problem(
        "missing-table",
        found=f"tables {list_briefly(tables, 20)}" if tables else "no tables",
        expected="a table patients with the columns patient, study, arm",
        remedy="add the table patients, one row per patient (`metachron template DIR` writes an empty one)",
        why="every other table refers to it",
        table="patients",
    )


def _limit(limit_mm: float) -> list[Problem]:
    if limit_mm > 0:
        return []
    return [
        Problem(
            "limit-not-positive",
            found=f"limit_mm = {limit_mm}",
            expected="a diameter above 0 mm",
            remedy="give the size below which a lesion is too small to measure; 5 mm unless the study says otherwise",
            column="limit_mm",
        )
    ]
