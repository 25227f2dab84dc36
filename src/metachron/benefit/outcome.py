"""The outcome of a two-arm trial as one number per patient, whose mean is what the arms are compared by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.survival import censoring_weights, pseudo_values
from metachron.survival.observed import observe

Measure = Literal["restricted_mean", "survival", "response"]


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """What happened to each patient of a two-arm trial, and by which mean the arms are compared.

    Parameters
    ----------
    measure : ``"restricted_mean"``: years lived up to the horizon; ``"survival"``: being alive beyond it;
        ``"response"``.
    treated : True in the arm whose benefit is asked for, False in the arm that it is compared with.
    time_year, event : as for `metachron.survival.kaplan_meier`; empty for a response.
    response : 1 or 0; empty for survival.
    horizon_year : NaN for a response.
    """

    measure: Measure
    treated: np.ndarray
    time_year: np.ndarray
    event: np.ndarray
    response: np.ndarray
    horizon_year: float

    def __len__(self) -> int:
        return len(self.treated)

    def rows(self, which: np.ndarray) -> TrialOutcome:
        """Return the chosen patients, by index or by a mask."""
        kept = {name: getattr(self, name)[which] for name in ("treated", *self._columns())}
        return replace(self, **kept)

    def values(self) -> np.ndarray:
        """Return the response, or pseudo-values computed arm by arm, so that arms may differ in follow-up."""
        if self.measure == "response":
            return self.response
        found = np.empty(len(self))
        for arm in (True, False):
            own = self.treated == arm
            found[own] = pseudo_values(
                self.time_year[own], self.event[own], horizon=self.horizon_year, quantity=self.measure
            )
        return found

    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Return each patient's own outcome, and the weight that makes those whose outcome is known stand for all.

        The outcome is min(T, horizon), being alive beyond the horizon, or the response. It is known unless the patient
        was censored up to the horizon; weights are inverse probabilities of censoring, by arm.
        """
        if self.measure == "response":
            return self.response, np.ones(len(self))
        weight = np.empty(len(self))
        for arm in (True, False):
            own = self.treated == arm
            weight[own] = censoring_weights(self.time_year[own], self.event[own], at=self.horizon_year)
        if self.measure == "survival":
            return (self.time_year > self.horizon_year).astype(float), weight
        return np.minimum(self.time_year, self.horizon_year), weight

    def _columns(self) -> tuple[str, ...]:
        return ("response",) if self.measure == "response" else ("time_year", "event")


def survival_outcome(
    time_year: ArrayLike,
    event: ArrayLike,
    *,
    treated: ArrayLike,
    horizon_year: float,
    measure: Literal["restricted_mean", "survival"] = "restricted_mean",
) -> TrialOutcome:
    """Return the outcome of a trial by the mean years lived up to a horizon, or by survival at it.

    Raises
    ------
    InputError
        When times or events are not survival data, or there are not patients of both arms with an arm each.
    ModelError
        When the measure is neither, or the horizon is not a positive number.
    """
    if measure not in ("restricted_mean", "survival"):
        raise ModelError(f"survival is compared by 'restricted_mean' or 'survival', not {measure!r}")
    if not (np.isfinite(horizon_year) and horizon_year > 0.0):
        raise ModelError(f"the horizon is a number of years above 0, not {horizon_year:g}")
    observed = observe(time_year, event, names={"time": "time_year"})
    arms = _treated(treated, len(observed))
    return TrialOutcome(measure, arms, observed.time, observed.event, np.empty(0), float(horizon_year))


def response_outcome(response: ArrayLike, *, treated: ArrayLike) -> TrialOutcome:
    """Return the outcome of a trial by the share of responders.

    Raises
    ------
    InputError
        When a response is missing or neither 0 nor 1, or there are not patients of both arms with an arm each. Whether
        a patient without a response counts as a non-responder has to be decided before the call.
    """
    values = floats(response)
    wrong = ~np.isin(values, (0.0, 1.0))
    if wrong.any():
        raise InputError([_problem("response", "response", wrong, "1 or True (response), 0 or False (none)")])
    return TrialOutcome("response", _treated(treated, len(values)), np.empty(0), np.empty(0), values, float("nan"))


def marker_values(marker: ArrayLike, count: int, *, name: str = "marker") -> np.ndarray:
    """Return one finite number per patient; `InputError` for missing ones, another number of them, or a constant."""
    values = floats(marker)
    if len(values) != count:
        found, remedy = f"{len(values)} values for {count} patients", "give one value per patient"
        raise InputError([Problem("shape", found, "one value per patient", remedy, column=name)])
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise InputError([_problem("missing", name, wrong, "a finite number for each patient")])
    if np.ptp(values) == 0.0:
        found, remedy = f"the single value {values[0]:g}", "leave the marker out: it cannot tell anybody apart"
        raise InputError([Problem("constant", found, "at least two values", remedy, column=name)])
    return values


def floats(values: Any) -> np.ndarray:
    """Return numbers as an array, NaN where a value is None."""
    return np.asarray([np.nan if value is None else value for value in list(values)], dtype=float)


def _treated(treated: Any, count: int) -> np.ndarray:
    values = floats(treated)
    if len(values) != count or np.isnan(values).any() or set(values) != {0.0, 1.0}:
        problem = Problem(
            rule="arms",
            found=f"{len(values)} indicators for {count} patients, with the values {list_briefly(sorted(set(values)))}",
            expected="True (treated) or False for each patient, and patients of both",
            remedy="give treated=table['arm'] == 'the name of the arm', of the rows of two arms",
            column="treated",
        )
        raise InputError([problem], "the comparison of arms")
    return values == 1.0


def _problem(rule: str, column: str, wrong: np.ndarray, expected: str) -> Problem:
    return Problem(
        rule=rule,
        found=f"{int(wrong.sum())} others in {len(wrong)} rows",
        expected=expected,
        remedy="correct these rows, or leave them out knowingly before the call; nothing is left out silently",
        column=column,
        rows=tuple(int(row) + 1 for row in np.flatnonzero(wrong)),
    )
