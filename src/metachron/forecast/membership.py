"""Patients whom a fit has seen: their forecast from it would be one from their own future."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.marginal.by_patient import integrate_patients


def fitted_patients(fit: Fit, cohort: Cohort) -> list[str]:
    """Return the patients of a cohort who are in the fit: the same identifier in the same study."""
    if fit.cohort is None:
        return []
    seen = fit.cohort.patients.select("patient", "study")
    return cohort.patients.join(seen, on=["patient", "study"], how="semi", maintain_order="left")["patient"].to_list()


def refuse_fitted(fit: Fit, cohort: Cohort) -> None:
    """Raise `ModelError` when patients of the cohort are in the fit."""
    if known := fitted_patients(fit, cohort):
        raise ModelError(
            f"{len(known)} patients of cohort {cohort.name!r} are in the fit ({list_briefly(known)}): what happened to "
            "them has shaped it, so a forecast would not be one; ask for it with leave_out=True (--leave-out), which "
            "takes each of them out of the fit again by weights, or fit without them"
        )


def seen_log_likelihood(
    fit: Fit, cohort: Cohort, vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> Float[np.ndarray, "draw patient"]:
    """Return the log likelihood of all that the fit has seen of each patient of a cohort; 0 of the others."""
    known = fitted_patients(fit, cohort)
    found = np.zeros((len(vectors), cohort.patients.height))
    if known:
        assert fit.cohort is not None
        own = fit.cohort.select(known)
        values, _ = integrate_patients(fit.model, fit.model.bind(own, fit.labels), vectors, seed=seed)(vectors, nodes=3)
        place = {patient: number for number, patient in enumerate(cohort.patient_ids)}
        found[:, [place[patient] for patient in own.patient_ids]] = values
    return found
