"""All criticism of one fit in one call: leave-one-out, prediction errors, and what the data leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metachron.base import ModelError
from metachron.inference.criticism.event_errors import event_npde
from metachron.inference.criticism.identifiability import Finding, find_unidentified
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.criticism.normal_tests import PredictionErrors
from metachron.inference.criticism.size_errors import size_npde
from metachron.inference.fit import Fit


@dataclass(frozen=True, eq=False)
class Criticism:
    """What can be said against a fit.

    Parameters
    ----------
    leave_one_out : or the reason why there is none.
    sizes, events : prediction errors; None where the model has no such part, or the fit holds no patients.
    findings : what the data leave open.
    """

    leave_one_out: LeaveOneOut | str
    sizes: PredictionErrors | None
    events: PredictionErrors | None
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON: ``leave_one_out``, ``prediction_errors`` and ``findings``; NaN is None."""
        loo = self.leave_one_out
        errors = {"sizes": self.sizes, "events": self.events}
        return {
            "leave_one_out": {"left_out": loo} if isinstance(loo, str) else loo.as_dict(),
            "prediction_errors": {
                what: {"replicates": found.replicates, **found.tests.as_dict()}
                for what, found in errors.items()
                if found is not None
            },
            "findings": [finding.as_dict() for finding in self.findings],
        }


def criticise(fit: Fit, *, draws: int = 1000, seed: int = 1) -> Criticism:
    """Return leave-one-out, prediction errors and findings of a fit, each where the fit has it.

    Parameters
    ----------
    draws : posterior draws of leave-one-out, and replicates of prediction errors.
    seed : of what is random in them.

    Raises
    ------
    ModelError
        When there are too few draws (see `size_npde`).
    """
    whole = fit.cohort is not None
    return Criticism(
        try_leave_one_out(fit, draws=draws, seed=seed),
        size_npde(fit, replicates=draws, seed=seed) if whole and fit.model.dynamics is not None else None,
        event_npde(fit, draws=draws, seed=seed) if whole and fit.model.hazard is not None else None,
        tuple(find_unidentified(fit, seed=seed)),
    )


def try_leave_one_out(fit: Fit, *, draws: int, seed: int) -> LeaveOneOut | str:
    """Return leave-one-out by patient, or as a sentence why it does not apply to the fit."""
    try:
        return leave_one_out(fit, draws=draws, seed=seed)
    except ModelError as error:
        return str(error)
