"""A marker in a joint model: its design columns in the cohort, and its terms at one place of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort

if TYPE_CHECKING:
    from metachron.joint import JointModel

HAZARD, NEW_LESIONS = "hazard", "new lesions"
WORDS = {
    "baseline": ("baseline_mm", "baseline"),
    "growth": ("growth_per_year", "growth_mm_per_year", "slope_per_year"),
    "shrinkage": ("shrinkage_per_year", "inhibition_per_year", "kill_per_year"),
    "resistant fraction": ("resistant_fraction",),
}
"""Names of places that do not depend on the law; the first parameter that the law has is meant."""


def term_names(count: int, stem: str = "marker_term") -> tuple[str, ...]:
    """Return the names that design columns have in the table patients: the same for every marker.

    A model is compiled for its names, so that models of markers with as many columns share one program.
    """
    return tuple(f"{stem}_{index + 1}" for index in range(count))


def with_columns(cohort: Cohort, columns: dict[str, np.ndarray]) -> Cohort:
    """Return the cohort with design columns (by name) in its table patients."""
    added = [pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()]
    return cohort.with_rows({"patients": cohort.patients.with_columns(added)})


def find_place(model: JointModel, place: str) -> tuple[str, str]:
    """Return the block of covariates that a place means (``"growth"``, a parameter of the law, ``"hazard"`` or ``"new
    lesions"``), and the name of its coefficients.

    Raises
    ------
    ModelError
        When the model has no such place.
    """
    blocks = {HAZARD: model.hazard, NEW_LESIONS: model.new_lesions.hazard if model.new_lesions else None}
    known: dict[str, tuple[str, str]] = {
        name: (HAZARD if name == HAZARD else part.event, f"{part.event}.beta")
        for name, part in blocks.items()
        if part is not None
    }
    for parameter in model.dynamics.parameters if model.dynamics else ():
        known |= dict.fromkeys((parameter.name, parameter.label), (parameter.name, f"{parameter.label}.beta"))
    for word, names in WORDS.items():
        had = [name for name in names if name in known]
        known |= dict.fromkeys([word], known[had[0]]) if had else {}
    if place not in known:
        raise ModelError(f"the model has no place {place!r} for a marker; it has {', '.join(known)}")
    return known[place]


def with_terms(model: JointModel, place: str, terms: Sequence[str]) -> JointModel:
    """Return the model with terms (columns, or interactions ``arm:column``) added to those of one place.

    An interaction with the arm brings the effect of the arm with it, where means are not by arm already.
    """
    block, _ = find_place(model, place)

    def more(own: tuple[str, ...], *, by_arm: bool) -> tuple[str, ...]:
        with_arm = any(term.startswith("arm:") for term in terms) and not by_arm and "arm" not in own
        return (*own, *(("arm",) if with_arm else ()), *terms)

    if block == HAZARD and model.hazard is not None:
        return replace(model, hazard=replace(model.hazard, covariates=more(model.hazard.covariates, by_arm=False)))
    new = model.new_lesions
    if new is not None and block == new.hazard.event:
        process = replace(new.hazard, covariates=more(new.hazard.covariates, by_arm=False))
        return replace(model, new_lesions=replace(new, hazard=process))
    part = model.dynamics
    assert part is not None
    parameters = tuple(
        replace(p, covariates=more(p.covariates, by_arm=p.group != "all")) if p.name == block else p
        for p in part.parameters
    )
    return replace(model, dynamics=replace(part, parameters=parameters))


def with_codings(model: JointModel, terms: Sequence[str], control: str | None) -> JointModel:
    """Return the model in which design columns enter as they are, and arms are compared with the control."""
    from metachron.joint import Covariate

    own = {name: Covariate(name, kind="continuous", centre=0.0) for name in terms}
    if control is not None:
        own["arm"] = Covariate("arm", kind="categorical", reference=control)
    kept = tuple(covariate for covariate in model.covariates if covariate.column not in own)
    return replace(model, covariates=(*kept, *own.values()))


def products(terms: Sequence[str]) -> tuple[str, ...]:
    """Return the interactions of the arm with terms."""
    return tuple(f"arm:{term}" for term in terms)


def in_table(term: str, treatment: str | None) -> str:
    """Return what the coefficient of a term is called in tables of estimates."""
    return term.replace("arm:", f"arm={treatment}:")


def refuse_collinear(cohort: Cohort, named: Mapping[str, str], treatment: str | None) -> None:
    """Raise `ModelError` where terms (their words, and their names in the model) cannot be told apart."""
    treated = (cohort.patients["arm"] == (treatment or "")).to_numpy().astype(float)
    columns = [np.ones(len(treated)), *((treated,) if treated.any() else ())]
    for name in named.values():
        own = cohort.patients[name.removeprefix("arm:")].to_numpy()
        columns.append(treated * own if name.startswith("arm:") else own)
    if np.linalg.matrix_rank(np.column_stack(columns)) < len(columns):
        raise ModelError(
            f"among these patients the terms {list_briefly(named)} cannot be told apart: a level has patients in one "
            "arm only, or none; join levels, or leave the marker out"
        )
