"""From tables as given to typed tables that keep every rule, or one error that lists all violations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.cohort.checks import Finding, apply_rules, content_rules
from metachron.cohort.conform import conform
from metachron.cohort.exceptions import ANY_PATIENT, AcceptedException
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
    findings, accepted = _set_accepted_apart(apply_rules(rules, frames, broken, found), accept)
    found += [finding.problem(files) for finding in findings]
    found += _unfit_exceptions(accept, accepted, {r.name: r.acceptable for r in rules}, files, complete=not found)
    if found:
        raise InputError(found, what=f"cohort {name!r}")
    return {key: frame.drop(ROW) for key, frame in frames.items()}, _in_order(accepted)


def _reported(problem: Problem, problems: Sequence[Problem]) -> bool:
    place = (problem.table, problem.column)
    return problem.rule == "missing-column" and any(place == (p.table, p.column) for p in problems)


def _set_accepted_apart(
    findings: Iterable[Finding], accept: Sequence[AcceptedException]
) -> tuple[list[Finding], list[tuple[AcceptedException, str]]]:
    """Return the findings that stay, and each entry of `accept` with a patient whose rows it covers."""
    left, accepted = [], []
    for finding in findings:
        entries = {entry.patient: entry for entry in accept if entry.rule == finding.rule.name}
        if not (entries and finding.rule.acceptable):
            left.append(finding)
            continue
        ids = finding.rows["patient"].fill_null(ANY_PATIENT)
        covered = pl.lit(True) if ANY_PATIENT in entries else ids.is_in(list(entries))
        for patient in ids.filter(pl.select(covered & ids.is_not_null()).to_series()).unique(maintain_order=True):
            accepted.append((entries.get(patient) or entries[ANY_PATIENT], patient))
        rest = finding.rows.filter(~pl.select(covered & ids.is_not_null()).to_series())
        if not rest.is_empty():
            left.append(Finding(finding.rule, rest))
    return left, accepted


def _in_order(accepted: Sequence[tuple[AcceptedException, str]]) -> tuple[AcceptedException, ...]:
    one_each = {(entry.rule, patient): entry for entry, patient in accepted}
    return tuple(sorted(AcceptedException(p, rule, entry.reason) for (rule, p), entry in one_each.items()))


def _unfit_exceptions(
    accept: Sequence[AcceptedException],
    accepted: Sequence[tuple[AcceptedException, str]],
    rules: Mapping[str, bool],
    files: Mapping[str, str],
    *,
    complete: bool,
) -> list[Problem]:
    used = {entry for entry, _ in accepted}
    problems = []
    for entry in accept:
        file = files.get("accept")
        patients = () if entry.patient == ANY_PATIENT else (entry.patient,)
        if entry.rule not in rules:
            near = get_close_matches(entry.rule, rules, n=1)
            problems.append(
                Problem(
                    "accept-unknown-rule",
                    found=f"rule {entry.rule!r}" + (f" (did you mean {near[0]!r}?)" if near else ""),
                    expected=f"one of {list_briefly(sorted({r for r, yes in rules.items() if yes}), 30)}",
                    remedy="copy the name of the rule from the square brackets of the error message",
                    patients=patients,
                    file=file,
                    column="accept",
                )
            )
        elif not rules[entry.rule]:
            problems.append(
                Problem(
                    "accept-not-possible",
                    found=f"rule {entry.rule!r}",
                    expected="a rule whose violations the models can live with",
                    remedy="mend the rows; no model can use them as they are",
                    patients=patients,
                    file=file,
                    column="accept",
                )
            )
        elif entry not in used and complete:
            problems.append(
                Problem(
                    "accept-unmatched",
                    found=f"an exception for rule {entry.rule!r} that nothing breaks",
                    expected="exceptions that occur in the data",
                    remedy="delete the entry, or correct its patient",
                    why="a list of exceptions that no longer hold hides the next real one",
                    patients=patients,
                    file=file,
                    column="accept",
                )
            )
    return problems


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
