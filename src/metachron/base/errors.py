"""Errors a person can act on: each says where, what was found, what was expected, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SHOWN = 5


def list_briefly(values: Iterable[object], shown: int = _SHOWN) -> str:
    """Return values joined by commas, the first few named and the rest counted."""
    items = [str(value) for value in values]
    head = ", ".join(items[:shown])
    return head if len(items) <= shown else f"{head} and {len(items) - shown} more"


@dataclass(frozen=True)
class Problem:
    """One violation found in an input.

    Parameters
    ----------
    rule : short stable name of the rule broken, e.g. ``"negative-size"``; what ``[accept]`` refers to.
    found, expected : what stands in the input, and what should.
    remedy : what the reader can do about it.
    why : why it matters (may be empty).
    file, table, column : where; None when it does not apply.
    rows : 1-based data rows of the table (header not counted).
    patients : identifiers of the patients concerned.
    """

    rule: str
    found: str
    expected: str
    remedy: str
    why: str = ""
    file: str | None = None
    table: str | None = None
    column: str | None = None
    rows: tuple[int, ...] = ()
    patients: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = [f"file {self.file}"] if self.file else []
        where += [f"table {self.table}"] if self.table else []
        where += [f"column {self.column}"] if self.column else []
        where += [f"rows {list_briefly(self.rows)}"] if self.rows else []
        where += [f"patients {list_briefly(self.patients)}"] if self.patients else []
        place = ", ".join(where) or "input"
        lines = [f"{place}: found {self.found}; expected {self.expected} [{self.rule}]"]
        lines += [f"  why it matters: {self.why}"] if self.why else []
        lines += [f"  what to do: {self.remedy}"]
        return "\n".join(lines)


class MetachronError(Exception):
    """Base of every error that metachron raises on purpose; the command line shows it without a traceback."""

    exit_code = 2


class InputError(MetachronError):
    """An input breaks one or more rules; ``problems`` holds all of them."""

    def __init__(self, problems: Sequence[Problem], what: str = "the input") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{what} has {count} problem{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"- {problem}" for problem in self.problems)]))


class ModelError(MetachronError):
    """A model description is not valid, or does not fit the cohort it is asked to describe."""


class IncompatiblePartsError(ModelError):
    """Parts of a model, each valid by itself, that do not fit each other: a link that a law does not support."""


class DataNotFoundError(MetachronError):
    """A named public data set is neither at hand nor to be downloaded."""


class FitFileError(MetachronError):
    """A file is not a fit, is damaged, or comes from another model or version."""


class ConvergenceError(MetachronError):
    """Sampling did not converge. ``fit`` holds all draws, so that they can be looked at.

    Parameters
    ----------
    message : which parameters failed, which thresholds, and what usually helps.
    fit : the `metachron.inference.Fit`, diagnostics included.
    """

    exit_code = 3

    def __init__(self, message: str, fit: object) -> None:
        super().__init__(message)
        self.fit = fit
