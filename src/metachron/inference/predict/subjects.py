"""Whom a prediction is for: the fitted patients, the same patients under another arm, patients drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Int
from scipy.special import ndtri

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.sobol import sobol_points
from metachron.joint import Binding, Design, Labels
from metachron.joint.bind import bind_patients
from metachron.joint.lesion_table import LesionTable


def need_cohort(fit: Fit) -> Cohort:
    """Return the cohort of a fit; `ModelError` where it has been taken out."""
    if fit.cohort is None:
        raise ModelError("this fit holds no patients (they were taken out to share it); predict from the whole fit")
    return fit.cohort


def need_hazard(fit: Fit) -> None:
    """Raise `ModelError` for a fit of tumour dynamics alone."""
    if fit.model.hazard is None:
        raise ModelError("this fit has no hazard (tumour dynamics alone), so it predicts no survival")


def need_dynamics(fit: Fit) -> None:
    """Raise `ModelError` for a fit of survival alone."""
    if fit.model.dynamics is None:
        raise ModelError("this fit has no tumour dynamics (survival alone), so it predicts no sizes")


def bind_fit(fit: Fit) -> Binding:
    """Return the arrays of the fitted cohort, padding included."""
    return fit.model.bind(need_cohort(fit), fit.labels)


def fitted_design(fit: Fit) -> Design:
    """Return the design of the fitted patients and series, without padding and without recorded values."""
    design, count = bind_fit(fit).design, len(fit.labels.series)
    organ = None if design.series_organ is None else design.series_organ[:count]
    patients = gather(design, np.arange(len(fit.labels.patients)))
    return patients._replace(series_patient=design.series_patient[:count], series_organ=organ)


def gather(design: Design, index: Int[np.ndarray, " chosen"] | Int[Array, " chosen"]) -> Design:
    """Return the groups and covariates of chosen patients, one entry per index; nothing of what was recorded.

    Where a link looks at lesions, each entry has those of its patient as series. Otherwise there is one series, of the
    first patient: predictions of survival depend on patients, not on their series.
    """
    chosen = jnp.asarray(index)
    series_patient, series_organ, lesions = jnp.zeros(1, dtype=jnp.int32), None, None
    if design.lesions is not None:
        old, site, weight = (value[chosen] for value in design.lesions)
        lesions = LesionTable(jnp.arange(old.size).reshape(old.shape), site, weight)
        series_patient = jnp.repeat(jnp.arange(len(chosen)), old.shape[1])
        series_organ = None if design.series_organ is None else design.series_organ[old.ravel()]
    return Design(
        measured=None,
        censored=None,
        series_patient=series_patient,
        patient_weight=jnp.ones(len(chosen)),
        arm=design.arm[chosen],
        study_arm=design.study_arm[chosen],
        columns={name: matrix[chosen] for name, matrix in design.columns.items()},
        events=None,
        knots_year=design.knots_year,
        series_organ=series_organ,
        lesions=lesions,
    )


def with_arm(fit: Fit, arm: str) -> Design:
    """Return the design of all fitted patients as if each had been in ``arm``: groups and covariate ``arm`` alike.

    Raises
    ------
    ModelError
        When there is no such arm, or a parameter has means by study and arm and a study did not have the arm.
    """
    cohort, labels = need_cohort(fit), fit.labels
    if arm not in labels.arms:
        raise ModelError(f"the fit has no arm {arm!r}; it has {list_briefly(labels.arms)}")
    moved = cohort.patients.with_columns(arm=pl.lit(arm))
    wanted = {f"{study}:{arm}" for study in cohort.studies}
    absent = sorted(wanted - set(labels.study_arms))
    if absent and _by_study_arm(fit):
        raise ModelError(
            f"parameters differ by study and arm, and nobody was in {list_briefly(absent)}: patients cannot be moved "
            "to an arm that their study did not have; give the parameters the group 'arm', or fit the study alone"
        )
    known = replace(labels, study_arms=(*labels.study_arms, *absent))
    return _bind(fit, moved, known)


def _by_study_arm(fit: Fit) -> bool:
    parameters = fit.model.dynamics.parameters if fit.model.dynamics else ()
    return any("study-arm" in (parameter.group, parameter.spread) for parameter in parameters)


def _bind(fit: Fit, patients: pl.DataFrame, labels: Labels) -> Design:
    weight, series, organ = np.ones(len(patients)), np.zeros(1, dtype=np.int32), list[str]()
    if fit.model.looks_at_lesions:
        arrays = need_cohort(fit).to_arrays(size="lesion", limit_mm=labels.limit_mm, event=None)
        organ, series = arrays.organs, arrays.series_patient[: len(arrays.series_ids)]
    return bind_patients(fit.model, patients, weight, series, organ, knots_year=labels.knots_year, labels=labels).design


def typical_patients(fit: Fit) -> tuple[tuple[str, ...], Design]:
    """Return the arms (or study and arm, where parameters differ by both) and the design of one patient in each.

    All covariates are at their reference level or centre, except ``arm`` and ``study``, which are the patient's own.
    """
    labels = fit.labels
    names = labels.study_arms if _by_study_arm(fit) else labels.arms
    owners = [name if name in labels.study_arms else _any_study_arm(labels, name) for name in names]
    own = [_study_and_arm(labels, text) for text in owners]
    columns = {
        block: np.asarray([[float(_is_own(column, who)) for column in columns] for who in own])
        for block, columns in labels.columns.items()
    }
    index = jnp.arange(len(names))
    return names, Design(
        measured=None,
        censored=None,
        series_patient=index,
        patient_weight=jnp.ones(len(names)),
        arm=jnp.asarray([labels.arms.index(who["arm"]) for who in own]),
        study_arm=jnp.asarray([labels.study_arms.index(text) for text in owners]),
        columns={block: jnp.asarray(matrix) for block, matrix in columns.items()},
        events=None,
        knots_year=jnp.asarray(labels.knots_year, dtype=float),
    )


def _any_study_arm(labels: Labels, arm: str) -> str:
    return next(name for name in labels.study_arms if name.endswith(f":{arm}"))


def _study_and_arm(labels: Labels, name: str) -> dict[str, str]:
    arm = max((arm for arm in labels.arms if name.endswith(f":{arm}")), key=len)
    return {"study": name.removesuffix(f":{arm}"), "arm": arm}


def _is_own(column: str, who: dict[str, str]) -> bool:
    name, _, level = column.partition("=")
    return who.get(name) == level


def standard_normals(rows: int, columns: int, *, seed: int) -> np.ndarray:
    """Return scrambled Sobol points as standard normal values: random effects that fill their space evenly."""
    if columns == 0:
        return np.zeros((rows, 0))
    tiny = 2.0**-40
    return np.asarray(ndtri(np.clip(sobol_points(rows, columns, seed=seed), tiny, 1.0 - tiny)))


def patient_positions(fit: Fit, patients: Sequence[str] | None) -> np.ndarray:
    """Return the indices of the named patients (None: all); `ModelError` for one that was not fitted."""
    known = {patient: index for index, patient in enumerate(fit.labels.patients)}
    wanted = list(known) if patients is None else list(patients)
    absent = [patient for patient in wanted if patient not in known]
    if absent:
        raise ModelError(f"not in the fit: patient {list_briefly(absent)}; it has {list_briefly(known)}")
    return np.asarray([known[patient] for patient in wanted], dtype=int)
