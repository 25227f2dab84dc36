"""Grids of models: every combination of named choices, those that do not fit together told apart from errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from metachron.base import IncompatiblePartsError, ModelError, list_briefly
from metachron.joint.model import JointModel


@dataclass(frozen=True)
class Candidate:
    """A model under a name, or the reason why there is no such model.

    Parameters
    ----------
    name : the choices that make it, such as ``"gsf, weibull, log-growth"``.
    model : None where the choices do not fit together.
    reason : why they do not; empty where there is a model.
    """

    name: str
    model: JointModel | None
    reason: str = ""


def model_grid(
    build: Callable[..., JointModel], choices: Mapping[str, Mapping[str, Any] | Sequence[Any]]
) -> tuple[Candidate, ...]:
    """Return every combination of choices as a candidate, the last choice varying fastest.

    Parameters
    ----------
    build : returns a model from one value of every choice, by keyword; `metachron.joint.compose` for one.
    choices : values by keyword; a mapping gives their names, and of a sequence the values name themselves.

    Raises
    ------
    ModelError
        When a choice is wrong by itself (an unknown name). A combination of
        parts that do not fit each other is a candidate without a model.

    Examples
    --------
    >>> from metachron.joint import compose
    >>> laws = ["stein-fojo", "random-slope-log"]
    >>> grid = model_grid(compose, {"dynamics": laws, "links": {"log-growth": ["log-growth"]}})
    >>> [(one.name, one.model is not None) for one in grid]
    [('stein-fojo, log-growth', True), ('random-slope-log, log-growth', False)]
    """
    named = [
        values if isinstance(values, Mapping) else {str(value): value for value in values}
        for values in choices.values()
    ]
    grid = []
    for names in product(*named):
        chosen = {key: values[name] for key, values, name in zip(choices, named, names, strict=True)}
        grid.append(_candidate(build, ", ".join(names), chosen))
    return tuple(grid)


def _candidate(build: Callable[..., JointModel], name: str, chosen: Mapping[str, Any]) -> Candidate:
    try:
        return Candidate(name, build(**chosen))
    except IncompatiblePartsError as error:
        return Candidate(name, None, str(error))


def as_candidates(models: Mapping[str, JointModel] | Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return models by name, or candidates, as candidates.

    Raises
    ------
    ModelError
        When two have the same name.
    """
    if isinstance(models, Mapping):
        return tuple(Candidate(name, model) for name, model in models.items())
    names = [candidate.name for candidate in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(f"models have the same name: {list_briefly(twice)}; name each once")
    return tuple(models)
