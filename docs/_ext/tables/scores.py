"""The published scores, from their declarations."""

from __future__ import annotations

import math

from metachron.scores import SCORES, Group
from tables.markdown import code, codes, number, table, text


def score_list() -> str:
    """Return one row per score: name, title, for whom it was made, groups."""
    rows = [[code(s.name), text(s.title), text(s.population), _groups(s.groups)] for s in SCORES.values()]
    return table(["name", "score", "made for", "groups"], rows)


def score_inputs() -> str:
    """Return one row per input column: meaning, unit, plausible range, scores that use it."""
    inputs = {item.column: item for score in SCORES.values() for item in score.inputs}
    rows = [
        [
            code(item.column),
            text(item.meaning),
            text(item.unit),
            text("a label, see above" if item.kind == "label" else item.expected),
            codes(score.name for score in SCORES.values() if item.column in score.columns),
        ]
        for item in inputs.values()
    ]
    return table(["column", "meaning", "unit", "accepted", "scores"], rows)


def score_sources() -> str:
    """Return one row per score: formula, source, what the definition was checked against, what tests rest on."""
    rows = [[code(s.name), text(s.equation), text(s.source), text(s.checked), text(s.example)] for s in SCORES.values()]
    return table(["name", "formula", "source", "checked against", "published example"], rows)


def _groups(groups: tuple[Group, ...]) -> str:
    return text(", ".join(_group(group) for group in groups)) or "none established"


def _group(group: Group) -> str:
    if group.lower == -math.inf:
        return group.label
    return f"{group.label} ({'above' if group.above else 'from'} {number(group.lower)})"
