"""Each patient's log likelihood at posterior draws, patient effects integrated out, per mm of size."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.marginal.correction import evaluate_draws
from metachron.inference.marginal.prepare import prepare_at, why_not
from metachron.inference.posterior import theta_at
from metachron.joint import Dims, JointModel
from metachron.joint.design import Binding, Design
from metachron.joint.sites import Values, pack_population, unpack_population

ADAPTING_VECTORS = 9
LEAST_ROWS, MOST_ROWS, ROWS_IN_ALL = 8, 32, 1024
"""Rows of 64 nodes per patient on average: more in a small cohort, where they cost little."""


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
    vectors = _population_vectors(fit, draws)
    patients = len(binding.labels.patients)
    per_mm = _log_jacobian(model, binding)[:patients]
    if model.dynamics is None or not model.dynamics.random:
        direct = np.asarray(_without_effects(jnp.asarray(vectors), binding.design, model=model, dims=binding.dims))
        return direct[:, :patients] + per_mm, np.zeros(patients)
    if (reason := why_not(model)) is not None:
        raise ModelError(f"patient effects of this model cannot be integrated out: {reason}")
    adapting = np.concatenate([vectors.mean(axis=0)[None], vectors[:: max(1, len(vectors) // ADAPTING_VECTORS)]])
    mean_rows = min(MOST_ROWS, max(LEAST_ROWS, ROWS_IN_ALL // patients))
    prepared = prepare_at(model, binding, adapting, seed=seed, mean_rows=mean_rows)
    sets = []
    for offset, some in ((1, vectors), (2, vectors[:: max(1, len(vectors) // 50)])):
        pieces = prepared.slabs(seed=seed + offset)
        found = evaluate_draws(some, pieces, view=prepared.view, patients=patients, seed=seed, by_patient=True)
        assert found.by_patient is not None
        sets.append(found.by_patient)
    again = sets[1] - sets[0][:: max(1, len(vectors) // 50)]
    return sets[0] + per_mm, np.asarray(np.sqrt(np.mean(np.square(again), axis=0) / 2.0))


def _population_vectors(fit: Fit, draws: int) -> Float[np.ndarray, "draw free"]:
    chains, length = fit.sample_stats["lp"].shape
    chosen = np.unique(np.linspace(0, chains * length - 1, min(draws, chains * length)).astype(int))
    theta = theta_at(fit.posterior, fit.model, fit.dims, chosen // length, chosen % length)
    return np.asarray(jax.vmap(lambda one: pack_population(one, fit.model, fit.dims))(theta))


@partial(jax.jit, static_argnames=("model", "dims"))
def _without_effects(vectors: Array, design: Design, *, model: JointModel, dims: Dims) -> Array:
    def one(vector: Array) -> Array:
        theta, _ = unpack_population(vector, model, dims)
        values = Values(theta, jnp.zeros((dims.patients, 0)), jnp.zeros((0, 0)))
        return model.log_likelihood_by_patient(values, design, dims)

    return jax.lax.map(one, vectors)


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
