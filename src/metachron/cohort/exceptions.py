"""Accepted exceptions: rule violations that the owner of the data knowingly keeps."""

from __future__ import annotations

from dataclasses import dataclass

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
