"""Labels of arms, groups, strata and clusters: one text per row, none missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from metachron.base import InputError, Problem


def row_labels(values: Any, count: int, *, name: str) -> np.ndarray:
    """Return labels as an array of text; whole numbers without a decimal point, so that 1 and 1.0 are one label.

    Raises
    ------
    InputError
        When there is not one label per row, or a label is missing.
    """
    labels = list(values)
    missing = tuple(row for row, label in enumerate(labels, start=1) if label is None or label != label)
    if len(labels) == count and not missing:
        return np.asarray([as_text(label) for label in labels], dtype=object)
    problem = Problem(
        rule="labels",
        found=f"{len(labels)} labels for {count} rows, {len(missing)} of them missing",
        expected="one label per row",
        remedy="fill the missing labels, or leave these rows out knowingly before the call",
        column=name,
        rows=missing,
    )
    raise InputError([problem], "the survival data")


def as_text(value: Any) -> str:
    """Return a label as text."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
