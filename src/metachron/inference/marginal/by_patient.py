"""Each patient's likelihood under given population parameters, and effects drawn from it: patients apart."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.inference.marginal.correction import evaluate_draws
from metachron.inference.marginal.prepare import prepare_at
from metachron.inference.marginal.suitable import why_not_integrate
from metachron.joint import Dims, JointModel
from metachron.joint.design import Binding, Design
from metachron.joint.vector import Values, population_at

ADAPTING_VECTORS = 9
LEAST_ROWS, MOST_ROWS, ROWS_IN_ALL = 8, 32, 1024
"""Rows of 64 nodes per patient on average: more in a small cohort, where they cost little."""


class OfPatients(NamedTuple):
    """Log likelihoods of patients, and one draw of their effects and of those of their single lesions."""

    log_likelihood: Float[np.ndarray, "draw patient"]
    effects: Float[np.ndarray, "draw patient effect"] | None
    lesions: Float[np.ndarray, "draw series own"] | None = None


class ByPatient(Protocol):
    """The integrals of patients, at population vectors that may be asked for again and again."""

    def __call__(self, vectors: Float[np.ndarray, "draw free"], *, nodes: int, effects: bool = False) -> OfPatients:
        """Return log p(data of a patient | vector), and one draw of the effects of patients and lesions given both.

        Other numbers of ``nodes`` give independent nodes. With effects, nodes are in single precision, which changes no
        weight (as in the engine's own draws). Effects are about the population's fixed part, on the
        transform scale, in the order of the model's random parameters.
        """
        ...


def integrate_patients(
    model: JointModel,
    binding: Binding,
    vectors: Float[np.ndarray, "draw free"],
    *,
    seed: int,
    mean_rows: int | None = None,
) -> ByPatient:
    """Return the integrals of the patients of a binding, their nodes spread over ``vectors``.

    Parameters
    ----------
    mean_rows : rows of 64 nodes per patient on average; None: by the number of patients.

    Raises
    ------
    ModelError
        When patient effects of this model cannot be integrated out.
    """
    patients = len(binding.labels.patients)
    if not model.random:

        def direct(vectors: np.ndarray, *, nodes: int, effects: bool = False) -> OfPatients:
            found = _without_effects(jnp.asarray(vectors), binding.design, model=model, dims=binding.dims)
            return OfPatients(
                np.asarray(found)[:, :patients], np.zeros((len(vectors), patients, 0)) if effects else None
            )

        return direct
    if (reason := why_not_integrate(model)) is not None:
        raise ModelError(f"patient effects of this model cannot be integrated out: {reason}")
    adapting = np.concatenate([vectors.mean(axis=0)[None], vectors[:: max(1, len(vectors) // ADAPTING_VECTORS)]])
    mean_rows = mean_rows or min(MOST_ROWS, max(LEAST_ROWS, ROWS_IN_ALL // patients))
    prepared = prepare_at(model, binding, adapting, seed=seed, mean_rows=mean_rows)

    def on_nodes(vectors: np.ndarray, *, nodes: int, effects: bool = False) -> OfPatients:
        found = evaluate_draws(
            vectors,
            prepared.slabs(seed=seed + nodes, single=effects),
            view=prepared.view,
            patients=patients,
            seed=seed,
            series=len(binding.labels.series),
            by_patient=True,
            effects=effects,
        )
        assert found.by_patient is not None
        return OfPatients(found.by_patient, found.effects, found.lesions)

    return on_nodes


@partial(jax.jit, static_argnames=("model", "dims"))
def _without_effects(vectors: Array, design: Design, *, model: JointModel, dims: Dims) -> Array:
    def one(vector: Array) -> Array:
        theta = population_at(vector, model, dims)
        values = Values(theta, jnp.zeros((dims.patients, 0)), jnp.zeros((0, 0)))
        return model.log_likelihood_by_patient(values, design, dims)

    return jax.lax.map(one, vectors)
