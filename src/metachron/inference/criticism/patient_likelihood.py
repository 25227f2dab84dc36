"""Each patient's log likelihood at posterior draws, patient effects integrated out, per mm of size."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.marginal.by_patient import integrate_patients
from metachron.inference.predict.draws import population_vectors
from metachron.joint import JointModel
from metachron.joint.design import Binding


def patient_log_likelihood(
    fit: Fit, *, cohort: Cohort | None = None, draws: int = 1000, seed: int = 1
) -> tuple[Float[np.ndarray, "draw patient"], Float[np.ndarray, " patient"]]:
    """Return log p(data of a patient | population parameters) at evenly thinned draws, and its numerical error.

    The error is the root mean square difference over draws between two independent sets of nodes, over the square root
    of 2, per patient: what is common to all draws counts too. Densities of
    measured sizes are per mm whatever the observation law, so that models on different scales can be compared.

    Parameters
    ----------
    cohort : whose patients, coded as those of the fit; None: the patients that were fitted. For patients whom the fit
        has not seen, the log of the mean over draws is their log predictive density.

    Raises
    ------
    ModelError
        When there are no data (the fit was stripped of its cohort and no other is given), the cohort has an arm or
        level that the fit does not know, or the effects of the model cannot be integrated out.
    """
    cohort = fit.cohort if cohort is None else cohort
    if cohort is None:
        raise ModelError("leave-one-out needs the data, and this fit was saved without its cohort")
    model, binding = fit.model, fit.model.bind(cohort, fit.labels)
    vectors = population_vectors(fit, draws)
    patients = len(binding.labels.patients)
    per_mm = _log_jacobian(model, binding)[:patients]
    integrals = integrate_patients(model, binding, vectors, seed=seed)
    some = slice(None, None, max(1, len(vectors) // 50))
    values = integrals(vectors, nodes=1).log_likelihood
    again = integrals(vectors[some], nodes=2).log_likelihood
    return values + per_mm, np.asarray(np.sqrt(np.mean(np.square(again - values[some]), axis=0) / 2.0))


def _log_jacobian(model: JointModel, binding: Binding) -> Float[np.ndarray, " patient"]:
    """Return per patient the sum of log |d value / d mm| over the measured sizes."""
    rows = binding.design.measured
    if model.dynamics is None or rows is None:
        return np.zeros(binding.dims.patients)
    scale = model.dynamics.observation.value_scale(model.dynamics.law)
    size_mm = scale.to_mm(rows.value)
    slope = jax.vmap(jax.grad(lambda mm: jnp.sum(scale.from_mm(mm))))(jnp.where(rows.weight > 0, size_mm, 10.0))
    terms = np.where(np.asarray(rows.weight) > 0, np.log(np.abs(np.asarray(slope))), 0.0)
    return np.bincount(np.asarray(rows.patient), terms, minlength=binding.dims.patients)
