"""A model bound to a cohort: from its tables to the arrays of a `Design`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, Int

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort, CohortArrays
from metachron.cohort.involvement import with_involvement
from metachron.hazards import default_knots
from metachron.joint.covariates import code_covariates
from metachron.joint.design import Binding, Design, Dims, Events, Labels, Rows
from metachron.joint.dynamics_part import DynamicsPart
from metachron.joint.lesion_table import check_lesions, tabulate_lesions
from metachron.joint.parts import ModelParts
from metachron.joint.process_parts import HazardPart
from metachron.joint.stretches import bind_stretches, seen_new_lesion_years


def bind(model: ModelParts, cohort: Cohort, labels: Labels | None = None) -> Binding:
    """Return the design of ``cohort`` under a `ModelParts`.

    Parameters
    ----------
    labels : of an earlier fit, when its arms, codings, knots and limit are to be used instead of the cohort's own.

    Raises
    ------
    ModelError
        When the cohort has no sizes or no follow-up for a part of the model, a covariate is missing, or, with
        ``labels``, an arm or level is unknown to the fit.
    """
    cohort = with_involvement(cohort, model.covariate_columns)
    limit = _limit(model, cohort, labels)
    arrays = _arrays(model, cohort, limit)
    events = _events(model.hazard, arrays, cohort, fitting=labels is None) if model.hazard else None
    knots = _knots(model.hazard, events, labels)
    organ = arrays.organs
    if model.looks_at_lesions:
        check_lesions(cohort, arrays)
    known = bind_patients(
        model, cohort.patients, arrays.patient_weight, arrays.series_patient, organ, knots_year=knots, labels=labels
    )
    design = known.design._replace(
        measured=_rows(model.dynamics, arrays.measured, censored=False) if model.dynamics else None,
        censored=_rows(model.dynamics, arrays.censored, censored=True) if model.dynamics else None,
        events=events,
    )
    if model.counts_new_lesions:
        seen = seen_new_lesion_years(cohort, arrays.patient_ids, known.dims.patients)
        design = design._replace(seen_year=jnp.asarray(seen))
    interval = events is not None and bool(np.any(np.asarray(events.interval) > 0))
    dims = replace(known.dims, interval=interval)
    found = replace(known.labels, series=arrays.series_ids, limit_mm=limit)
    if model.new_lesions is None:
        return Binding(design, dims, found)
    kept = (labels.new_lesion_organs, labels.new_lesion_knots_year) if labels else None
    new = bind_stretches(model.new_lesions, cohort, arrays.patient_ids, kept)
    return Binding(
        design._replace(stretches=new.stretches),
        replace(dims, new_lesion_organs=len(new.organs)),
        replace(found, new_lesion_organs=new.organs, new_lesion_knots_year=new.knots_year),
    )


def bind_patients(
    model: ModelParts,
    patients: pl.DataFrame,
    weight: np.ndarray,
    series_patient: np.ndarray,
    series_organ: Sequence[str] = (),
    *,
    knots_year: tuple[float, ...] = (),
    labels: Labels | None = None,
    new_lesion_organs: Sequence[str] = (),
) -> Binding:
    """Return the design of patients of whom nothing has been observed yet: groups, covariates and knots alone.

    Parameters
    ----------
    patients : the table ``patients``.
    weight : 1 for a patient, 0 for padding; its length is the number of patients in the design.
    series_patient : patient index of each series.
    series_organ : organ of each series, where the model has effects of organs or links to lesions; padding may be left
        out.
    knots_year, labels : as for `bind`.
    new_lesion_organs : in which new lesions may appear; with ``labels``, those of the fit.
    """
    arm = patients["arm"].to_list()
    study_arm = [f"{study}:{name}" for study, name in zip(patients["study"], arm, strict=True)]
    arms = labels.arms if labels else tuple(sorted(set(arm)))
    study_arms = labels.study_arms if labels else tuple(sorted(set(study_arm)))
    coded = code_covariates(model.covariates, model.covariate_blocks(), patients, labels.codings if labels else None)
    columns = {name: tuple(names) for name, names in coded.names.items()}
    with_organs = model.dynamics is not None and bool(model.dynamics.organ)
    organ = list(series_organ) if with_organs else []
    organs = labels.organs if labels else tuple(sorted(set(organ)))
    design = Design(
        measured=None,
        censored=None,
        series_patient=jnp.asarray(series_patient),
        patient_weight=jnp.asarray(weight, dtype=float),
        arm=_index(arm, arms, len(weight), "arm"),
        study_arm=_index(study_arm, study_arms, len(weight), "study and arm"),
        columns={name: _pad(matrix, len(weight)) for name, matrix in coded.matrices.items()},
        events=None,
        knots_year=jnp.asarray(knots_year, dtype=float),
        series_organ=_index(organ, organs, len(series_patient), "organ") if organ else None,
        lesions=tabulate_lesions(len(weight), series_patient, series_organ) if model.looks_at_lesions else None,
    )
    dims = Dims(
        patients=len(weight),
        series=len(series_patient),
        arms=len(arms),
        study_arms=len(study_arms),
        columns=tuple((name, len(names)) for name, names in columns.items()),
        interval=False,
        organs=len(organs),
        new_lesion_organs=len(labels.new_lesion_organs if labels else new_lesion_organs),
    )
    identifiers = tuple(patients["patient"].to_list())
    known = Labels(
        identifiers, (), arms, study_arms, columns, coded.codings, knots_year, 0.0, organs,
        labels.new_lesion_organs if labels else tuple(new_lesion_organs),
        labels.new_lesion_knots_year if labels else (),
    )  # fmt: skip
    return Binding(design, dims, known)


def _limit(model: ModelParts, cohort: Cohort, labels: Labels | None) -> float:
    """Return the limit below which a size is censored: the model's, else the fit's, else the cohort's."""
    stated = model.dynamics.limit_mm if model.dynamics else None
    if stated is not None:
        return stated
    return labels.limit_mm if labels is not None else cohort.limit_mm


def _arrays(model: ModelParts, cohort: Cohort, limit: float) -> CohortArrays:
    dynamics, hazard = model.dynamics, model.hazard
    arrays = cohort.to_arrays(
        size=dynamics.size if dynamics else None, limit_mm=limit, event=hazard.event if hazard else None
    )
    if dynamics and not (arrays.measured.weight.sum() or arrays.censored.weight.sum()):
        raise ModelError(
            f"cohort {cohort.name!r} has no usable sizes in table measurements, and the model has tumour dynamics "
            f"({dynamics.law.name}); leave them out with --dynamics none"
        )
    return arrays


def _rows(part: DynamicsPart, rows: Any, *, censored: bool) -> Rows:
    """Return rows with the recorded value (or the limit) on the scale of the observation law."""
    value = np.asarray(part.observation.value_scale(part.law).from_mm(jnp.asarray(rows.size_mm, dtype=float)))
    if censored and part.limit_working is not None:
        value = np.full_like(value, part.limit_working)
    return Rows(
        jnp.asarray(rows.time_year), jnp.asarray(value), jnp.asarray(rows.patient), jnp.asarray(rows.series),
        jnp.asarray(rows.weight),
    )  # fmt: skip


def _events(part: HazardPart, arrays: CohortArrays, cohort: Cohort, *, fitting: bool) -> Events:
    events = arrays.events
    if events is None or not np.any(events.code >= 0):
        raise ModelError(
            f"cohort {cohort.name!r} has no follow-up for the event {part.event!r} in table followup, and the model "
            "has a hazard for it; add the rows, name another event, or leave the hazard out with --hazard none"
        )
    if fitting and not np.any(events.code > 0):
        raise ModelError(f"cohort {cohort.name!r} records no event {part.event!r}: its hazard cannot be estimated")
    known = events.code >= 0
    early = [patient for patient, year in zip(arrays.patient_ids, events.entry_year, strict=False) if year < 0]
    if early:
        raise ModelError(
            f"cohort {cohort.name!r}: entry_day in table followup lies before day 0 for {len(early)} patients "
            f"({list_briefly(early)}); hazards begin at day 0: set entry_day to 0 where time at risk begins with the "
            "treatment, or count the days of these patients from their entry"
        )
    lower = np.where(known, events.lower_year, 0.0)
    upper = np.where(events.code == 2, events.upper_year, lower)
    return Events(
        entry_year=jnp.asarray(np.where(known, events.entry_year, 0.0)),
        lower_year=jnp.asarray(lower),
        upper_year=jnp.asarray(upper),
        known=jnp.asarray(known, dtype=float),
        exact=jnp.asarray(events.code == 1, dtype=float),
        interval=jnp.asarray(events.code == 2, dtype=float),
    )


def _knots(part: HazardPart | None, events: Events | None, labels: Labels | None) -> tuple[float, ...]:
    if part is None or events is None or part.hazard.knot_count == 0:
        return ()
    if labels is not None:
        return labels.knots_year
    happened = np.asarray(events.exact + events.interval) > 0
    return tuple(float(knot) for knot in default_knots(np.asarray(events.lower_year)[happened], part.hazard))


def _index(values: list[str], names: tuple[str, ...], size: int, what: str) -> Int[Array, " item"]:
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise ModelError(f"{what} {', '.join(unknown)} is unknown to the fit, which has {', '.join(names)}")
    order = {name: index for index, name in enumerate(names)}
    index = np.zeros(size, dtype=np.int32)
    index[: len(values)] = [order[value] for value in values]
    return jnp.asarray(index)


def _pad(matrix: np.ndarray, size: int) -> Float[Array, "patient column"]:
    padded = np.zeros((size, matrix.shape[1]))
    padded[: len(matrix)] = matrix
    return jnp.asarray(padded)
