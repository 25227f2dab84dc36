"""Accepted exceptions: rule violations that the owner of the data knowingly keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from metachron.base import Problem, list_briefly
from metachron.cohort.checks import Finding, Rule

ANY_PATIENT = "*"


@dataclass(frozen=True, order=True)
class AcceptedException:
    """One violation that stays in the data.

    Parameters
    ----------
    patient : identifier of the patient, or ``"*"`` for every patient (and for rules about the cohort as a whole).
    rule : name of the rule, as error messages print it in square brackets.
    reason : why the rows are kept.
    """

    patient: str
    rule: str
    reason: str


Accepted = Mapping[tuple[str, str], AcceptedException]
"""What was accepted: (patient, rule) that occurs -> the exception, with that patient."""


def set_apart(findings: Iterable[Finding], accept: Sequence[AcceptedException]) -> tuple[list[Finding], Accepted]:
    """Return the findings that no exception covers, and the exceptions that occur.

    An entry for a patient goes before one for every patient.
    """
    left: list[Finding] = []
    accepted: dict[tuple[str, str], AcceptedException] = {}
    for finding in findings:
        rule = finding.rule
        entries = {entry.patient: entry for entry in accept if rule.acceptable and entry.rule == rule.name}
        patient = pl.col("patient").fill_null(ANY_PATIENT)
        covered = patient.is_in(list(entries)) | pl.lit(ANY_PATIENT in entries)
        for name in finding.rows.filter(covered).select(patient.unique(maintain_order=True)).to_series():
            entry = entries.get(name) or entries[ANY_PATIENT]
            accepted[name, rule.name] = AcceptedException(name, rule.name, entry.reason)
        rest = finding.rows.filter(~covered)
        if not rest.is_empty():
            left.append(Finding(rule, rest))
    return left, accepted


def misfits(
    accept: Sequence[AcceptedException],
    accepted: Accepted,
    rules: Sequence[Rule],
    *,
    file: str | None,
    complete: bool,
) -> Iterator[Problem]:
    """Yield a problem for each exception that names no rule, a rule that must hold, or nothing that occurs.

    The last only when the data could be read completely (`complete`).
    """
    acceptable = {rule.name: rule.acceptable for rule in rules}
    for entry in accept:
        if entry.rule not in acceptable:
            near = get_close_matches(entry.rule, acceptable, n=1)
            name, found = "accept-unknown-rule", f"rule {entry.rule!r}"
            found += f" (did you mean {near[0]!r}?)" if near else ""
            expected = f"one of {list_briefly(sorted(rule for rule, yes in acceptable.items() if yes), 30)}"
            remedy = "copy the name of the rule from the square brackets of the error message"
        elif not acceptable[entry.rule]:
            name, found = "accept-not-possible", f"rule {entry.rule!r}"
            expected = "a rule whose violations the models can live with"
            remedy = "mend the rows; no model can use them as they are"
        elif complete and not _occurs(entry, accepted):
            name, found = "accept-unmatched", f"an exception for rule {entry.rule!r} that nothing breaks"
            expected = "exceptions that occur: a stale one would hide the next real violation"
            remedy = "delete the entry, or correct its patient"
        else:
            continue
        patients = () if entry.patient == ANY_PATIENT else (entry.patient,)
        yield Problem(name, found, expected, remedy, file=file, column="accept", patients=patients)


def _occurs(entry: AcceptedException, accepted: Accepted) -> bool:
    if entry.patient != ANY_PATIENT:
        return (entry.patient, entry.rule) in accepted
    return any(rule == entry.rule for _, rule in accepted)
