"""Priors and parameters in words."""

from __future__ import annotations

from collections.abc import Iterable

from metachron.base import ParameterSpec, Prior, Transform
from tables.markdown import code, codes, number, table, text

_SHOWN = {
    "normal": "normal({}, {})",
    "half_normal": "half-normal({})",
    "log_normal": "log-normal({}, {})",
    "exponential": "exponential({})",
    "student_t": "Student t({}, {}, {})",
    "half_student_t": "half-Student t({}, {})",
    "lkj": "LKJ({})",
}
_ON = {Transform.IDENTITY: "", Transform.LOG: "log ~ ", Transform.LOGIT: "logit ~ "}


def shown(prior: Prior) -> str:
    """Return a prior as its name and numbers."""
    return _SHOWN[prior.family].format(*map(number, prior.args))


def parameters(specs: Iterable[tuple[str, ParameterSpec]]) -> str:
    """Return a table of parameters; the same parameter of several owners is one row."""
    owners: dict[ParameterSpec, list[str]] = {}
    for owner, spec in specs:
        owners.setdefault(spec, []).append(owner)
    rows = [
        [
            code(spec.name),
            f"{text(spec.meaning)} ({text(_unit(spec))}); {codes(dict.fromkeys(names))}",
            f"{_ON[spec.transform]}{shown(spec.prior)}",
            text(spec.prior.reason),
        ]
        for spec, names in owners.items()
    ]
    return table(["parameter", "meaning (unit); where it occurs", "prior", "reason"], rows)


def _unit(spec: ParameterSpec) -> str:
    return "no unit" if spec.unit == "none" else spec.unit
