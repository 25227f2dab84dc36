"""What a fit has seen of patients who are to be forecast from it, to be taken out of it again."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from metachron.cohort import Cohort
from metachron.forecast.source import Source
from metachron.inference.marginal.by_patient import integrate_patients


def seen_log_likelihood(
    source: Source, cohort: Cohort, vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> Float[np.ndarray, "draw patient"]:
    """Return the log likelihood of all that the fit has seen of each patient of a cohort; 0 of the others."""
    known, fit = source.seen(cohort), source.fit
    found = np.zeros((len(vectors), cohort.patients.height))
    if known:
        assert fit.cohort is not None
        own = fit.cohort.select(known)
        integrals = integrate_patients(fit.model, fit.model.bind(own, fit.labels), vectors, seed=seed)
        place = {patient: number for number, patient in enumerate(cohort.patient_ids)}
        found[:, [place[patient] for patient in own.patient_ids]] = integrals(vectors, nodes=3).log_likelihood
    return found
