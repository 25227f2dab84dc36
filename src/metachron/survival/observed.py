"""What was observed of each patient: a time, whether it ended in an event, and when observation began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from metachron.base import InputError, Problem


@dataclass(frozen=True, eq=False)
class Observed:
    """Checked arrays, one element per row, all in the caller's unit of time.

    ``entry`` is minus infinity for rows under observation from the start, so that ``entry < t <= time`` says who is
    at risk at t, at t = 0 too. ``weight`` is 1 where none was given.
    """

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    def rows(self, which: np.ndarray) -> Observed:
        """Return the chosen rows."""
        return Observed(self.time[which], self.event[which], self.entry[which], self.weight[which])

    def at_risk(self, times: np.ndarray) -> np.ndarray:
        """Return the summed weight of the rows at risk at each time: entered before it, and still there at it."""
        return _weight_below(self.entry, self.weight, times) - _weight_below(self.time, self.weight, times)

    def count(self, times: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Return the summed weight of the chosen rows whose time is each of ``times`` (sorted, holding all of them)."""
        place = np.searchsorted(times, self.time[which])
        return np.bincount(place, weights=self.weight[which], minlength=len(times))


def _weight_below(values: np.ndarray, weight: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return total[np.searchsorted(values[order], times, side="left")]


def observe(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    names: Mapping[str, str] | None = None,
) -> Observed:
    """Return checked arrays from times, event indicators (1 or True: the event; 0 or False: censored) and entries.

    Parameters
    ----------
    names : what ``time``, ``event``, ``entry`` and ``weights`` are called in the caller's table, for error messages.

    Raises
    ------
    InputError
        With every violation: lengths that differ, no rows, values that are missing or not numbers, negative times,
        events other than 0 and 1, an entry at or after the time, weights that are not positive.
    """
    called = {"time": "time", "event": "event", "entry": "entry", "weights": "weights", **(names or {})}
    given = {"time": time, "event": event, "entry": entry, "weights": weights}
    arrays = {key: _numbers(values, called[key]) for key, values in given.items() if values is not None}
    _check_lengths({called[key]: values for key, values in arrays.items()})
    problems = [
        _problem(called[key], values, wrong, rule, expected)
        for key, values, wrong, rule, expected in _rules(arrays)
        if wrong.any()
    ]
    if problems:
        raise InputError(problems, "the survival data")
    count = len(arrays["time"])
    begin = arrays.get("entry", np.zeros(count))
    return Observed(
        time=arrays["time"],
        event=arrays["event"] == 1.0,
        entry=np.where(begin > 0.0, begin, -np.inf),
        weight=arrays.get("weights", np.ones(count)),
    )


def _rules(arrays: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray, np.ndarray, str, str]]:
    time, event = arrays["time"], arrays["event"]
    rules = [
        ("time", time, ~(np.isfinite(time) & (time >= 0.0)), "time", "a finite number that is not negative"),
        ("event", event, ~np.isin(event, (0.0, 1.0)), "event", "1 (the event) or 0 (censored)"),
    ]
    if "entry" in arrays:
        entry = arrays["entry"]
        bad = ~(np.isfinite(entry) & (entry >= 0.0) & ~(entry >= time))
        rules.append(("entry", entry, bad, "entry", "a number from 0 on and before the row's time"))
    if "weights" in arrays:
        weights = arrays["weights"]
        rules.append(("weights", weights, ~(np.isfinite(weights) & (weights > 0.0)), "weight", "a positive number"))
    return rules


def _problem(name: str, values: np.ndarray, wrong: np.ndarray, rule: str, expected: str) -> Problem:
    rows = np.flatnonzero(wrong)
    return Problem(
        rule=rule,
        found=f"{values[rows[0]]:g} in the first of {len(rows)} such rows of {len(values)}",
        expected=expected,
        remedy="correct these rows, or leave them out knowingly before the call; nothing is left out silently",
        column=name,
        rows=tuple(int(row) + 1 for row in rows),
    )


def _numbers(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        found = f"values that are not numbers ({error})"
        raise InputError([_shape_problem(name, found, "numbers, without missing ones")], "the survival data") from None
    if array.ndim != 1:
        found = f"an array of {array.ndim} dimensions"
        raise InputError([_shape_problem(name, found, "one value per row")], "the survival data")
    return array


def _check_lengths(arrays: dict[str, np.ndarray]) -> None:
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1 or not max(lengths.values()):
        found = ", ".join(f"{count} values of {name}" for name, count in lengths.items())
        raise InputError([_shape_problem(None, found, "the same number of each, at least 1")], "the survival data")


def _shape_problem(name: str | None, found: str, expected: str) -> Problem:
    return Problem(
        rule="shape", found=found, expected=expected, remedy="give one value per row for each of them", column=name
    )
