"""What the data of patients up to a landmark say of them: draws of population parameters and effects, jointly weighed.

A draw of the posterior counts for a patient by how probable it makes the patient's sizes, and being alive, up to the
landmark, with the patient's effects integrated out; effects are drawn from their conditional given the same draw. So
population parameters and effects are weighed together, and a patient unlike the others moves both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.special import expit, logsumexp, softmax

from metachron.cohort import Cohort
from metachron.forecast.classes import drawn_classes
from metachron.forecast.copies import Copies
from metachron.forecast.single_lesions import bind_copies
from metachron.inference import Fit
from metachron.inference.marginal.by_patient import LEAST_ROWS, integrate_patients
from metachron.inference.marginal.correction import systematic
from metachron.inference.marginal.suitable import why_not_integrate
from metachron.inference.pareto import pareto_smooth
from metachron.joint import Design, Dims, JointModel
from metachron.joint.design import Binding
from metachron.joint.population import correlation_factor, patient_spread
from metachron.joint.sites import CORRELATION, Theta
from metachron.joint.vector import population_at

if TYPE_CHECKING:
    from metachron.forecast.unlike import Sampled

K_LIMIT = 0.7
LEAST_EFFECTIVE = 100.0
"""Pareto k above which, and effective draws below which, weights will not do for a patient."""
MANY_PATIENTS, ROWS_OF_MANY, ROWS_OF_DOUBTFUL = 128, 4, 16
"""Copies of patients from which on each has 4 rows of nodes only: the log of a weight then errs by 0.07 in the median
patient with four effects and by 0.2 in the worst of 128, and by two thirds of it with twice the nodes. Where that makes
a tail, which looks like a patient unlike all others, 16 rows tell whether the patient is one."""


@dataclass(frozen=True, eq=False)
class Conditioned:
    """Draws for patients given what is known of them.

    Parameters
    ----------
    theta : population parameters of the posterior draws, stacked.
    draw, imputation : of each patient's weighed draws, the posterior draw and the imputation they belong to.
    effects : their standardised patient effects. ``lesions`` : those of each lesion, in the order of the binding's
        table of lesions; without columns where sizes are not lesion by lesion.
    pareto_k, effective : of the weights, per patient.
    durable : whether each of them is one of a durable responder under each option; nobody where the model has no such
        class.
    sampled : whether a patient's draws are those of a short run of NUTS, because weights would not do.
    reliable : whether a patient's draws can be relied on.
    """

    binding: Binding
    copies: Copies
    theta: dict[str, np.ndarray]
    draw: Int[np.ndarray, "patient draw"]
    imputation: Int[np.ndarray, "patient draw"]
    effects: Float[np.ndarray, "patient draw effect"]
    lesions: Float[np.ndarray, "patient draw lesion effect"]
    pareto_k: Float[np.ndarray, " patient"]
    effective: Float[np.ndarray, " patient"]
    durable: Bool[np.ndarray, "patient option draw"]
    sampled: Bool[np.ndarray, " patient"]
    reliable: Bool[np.ndarray, " patient"]


def weigh(
    fit: Fit,
    copies: Copies,
    vectors: Float[np.ndarray, "draw free"],
    *,
    seed: int,
    without: Float[np.ndarray, "draw patient"] | None = None,
) -> Conditioned:
    """Return as many weighed draws for every patient as there are draws of the posterior.

    Those of patients for whom weights will not do are not ``reliable``; `sample_unreliable` draws them anew.

    Data seen under several options count under each with equal probability: before day 0 no option has been taken.
    Where effects cannot be integrated out, as under a link to the sum over single lesions, nobody is weighed, and all
    patients are left to `sample_unreliable`.

    Parameters
    ----------
    vectors : unconstrained population vectors of the posterior draws.
    without : log likelihood of data that the fit has seen of each patient and that must be taken out of it again.
    """
    binding = bind_copies(fit.model, copies.cohort, fit.labels)
    if fit.model.random and why_not_integrate(fit.model):
        return _unweighed(fit.model, binding, copies, vectors)
    few = len(binding.labels.patients) < MANY_PATIENTS
    mean_rows = LEAST_ROWS if few else ROWS_OF_MANY
    found = _weigh(fit, copies, binding, vectors, seed=seed, mean_rows=mean_rows, without=without)
    doubtful = np.flatnonzero(~found.reliable)
    if few or not doubtful.size:
        return found
    rows = np.unique(copies.rows[doubtful])
    own = _select(copies, rows)
    fewer = Copies(own, np.searchsorted(rows, copies.rows[doubtful]), copies.imputed)
    again = _weigh(
        fit, fewer, bind_copies(fit.model, own, fit.labels), vectors, seed=seed, mean_rows=ROWS_OF_DOUBTFUL,
        without=None if without is None else without[:, doubtful],
    )  # fmt: skip
    for name in ("draw", "imputation", "effects", "pareto_k", "effective", "durable", "reliable"):
        getattr(found, name)[doubtful] = getattr(again, name)
    found.lesions[doubtful, :, : again.lesions.shape[2]] = again.lesions
    return found


def _select(copies: Copies, rows: Int[np.ndarray, " copy"]) -> Cohort:
    return copies.cohort.select([copies.cohort.patient_ids[row] for row in rows])


def _weigh(
    fit: Fit,
    copies: Copies,
    binding: Binding,
    vectors: Float[np.ndarray, "draw free"],
    *,
    seed: int,
    mean_rows: int,
    without: Float[np.ndarray, "draw patient"] | None,
) -> Conditioned:
    """Return weighed draws by so many rows of nodes for each copy on average."""
    integrals = integrate_patients(fit.model, binding, vectors, seed=seed, mean_rows=mean_rows)
    log_likelihood, effects, of_lesions = integrals(vectors, nodes=1, effects=True)
    assert effects is not None
    patients, _, imputations = copies.rows.shape
    each = log_likelihood[:, copies.rows.reshape(patients, -1)]
    log_weight = logsumexp(each, axis=2) - (0.0 if without is None else without)
    rng = np.random.default_rng(seed)
    shape = patients, len(vectors)
    draw, row, imputation = (np.zeros(shape, dtype=int) for _ in range(3))
    k, effective = np.zeros(patients), np.zeros(patients)
    for patient in range(patients):
        k[patient], weight = pareto_smooth(log_weight[:, patient])
        effective[patient] = 1.0 / np.sum(np.square(weight))
        draw[patient] = rng.permutation(systematic(weight, rng))
        share = np.cumsum(softmax(each[draw[patient], patient], axis=1), axis=1)
        copy = np.sum(share[:, :-1] < rng.random((len(vectors), 1)), axis=1)
        row[patient] = copies.rows[patient].ravel()[copy]
        imputation[patient] = copy % imputations
    theta = _unpacked(jnp.asarray(vectors), model=fit.model, dims=binding.dims)
    chosen = map(jnp.asarray, (draw, row, effects[draw, row]))
    standard = np.array(_standardised(theta, binding.design, *chosen, model=fit.model))
    reliable = ~((k > K_LIMIT) | (effective < LEAST_EFFECTIVE))
    known = {name: np.asarray(value) for name, value in theta.items()}
    sampled = np.zeros(patients, dtype=bool)
    lesions = _standard_lesions(fit.model, binding, known, draw, row, of_lesions)
    durable = drawn_classes(fit.model, binding, copies, theta, draw, row, imputation, standard, seed=seed)
    return Conditioned(
        binding, copies, known, draw, imputation, standard, lesions, k, effective, durable, sampled, reliable
    )


def _standard_lesions(
    model: JointModel,
    binding: Binding,
    theta: Mapping[str, np.ndarray],
    draw: Int[np.ndarray, "patient draw"],
    row: Int[np.ndarray, "patient draw"],
    effects: Float[np.ndarray, "draw series own"] | None,
) -> Float[np.ndarray, "patient draw lesion own"]:
    """Return effects of single lesions as multiples of their spread, in the order of the binding's table of lesions."""
    table = binding.design.lesions
    if effects is None or table is None or model.dynamics is None:
        return np.zeros((*draw.shape, 0, 0))
    spread = np.stack([np.asarray(theta[f"{p.label}.lesion_sd"]) for p in model.dynamics.lesion], axis=-1)
    each = effects[draw[..., None], np.asarray(table.series)[row]]
    return np.asarray(each / spread[draw][:, :, None] * np.asarray(table.weight)[row][..., None])


def _unweighed(
    model: JointModel, binding: Binding, copies: Copies, vectors: Float[np.ndarray, "draw free"]
) -> Conditioned:
    """Return draws of the population with effects of 0, nobody reliable."""
    table, part = binding.design.lesions, model.dynamics
    patients, count = len(copies.rows), len(vectors)
    nothing = np.zeros((patients, count), dtype=int)
    nobody = np.zeros(patients, dtype=bool)
    of_lesions = (0, 0) if table is None or part is None else (table.series.shape[1], len(part.lesion))
    unknown = np.full(patients, np.nan)
    theta = _unpacked(jnp.asarray(vectors), model=model, dims=binding.dims)
    return Conditioned(
        binding, copies, {name: np.asarray(value) for name, value in theta.items()}, nothing, nothing,
        np.zeros((patients, count, len(model.random))),
        np.zeros((patients, count, *of_lesions)), unknown, unknown,
        np.zeros((patients, copies.rows.shape[1], count), dtype=bool), nobody, nobody,
    )  # fmt: skip


def sample_unreliable(
    fit: Fit, weighed: Sequence[Conditioned], vectors: Float[np.ndarray, "draw free"], *, seed: int
) -> list[Conditioned]:
    """Return what was weighed, patients for whom weights would not do sampled by NUTS, those of all pieces together."""
    strange = {
        (number, int(patient)): np.unique(piece.copies.rows[patient])
        for number, piece in enumerate(weighed)
        for patient in np.flatnonzero(~piece.reliable)
    }
    if not strange:
        return list(weighed)
    from metachron.forecast.unlike import sample_unlike  # here, since it imports a sampler that is seldom needed

    bound = {
        (number, patient): bind_copies(fit.model, _select(weighed[number].copies, rows), fit.labels)
        for (number, patient), rows in strange.items()
    }
    drawn = sample_unlike(fit.model, bound, vectors, seed=seed)
    return [
        _replaced(fit.model, piece, {key[1]: (strange[key], found) for key, found in drawn.items() if key[0] == number})
        for number, piece in enumerate(weighed)
    ]


def _replaced(
    model: JointModel, weighed: Conditioned, drawn: Mapping[int, tuple[Int[np.ndarray, " copy"], Sampled]]
) -> Conditioned:
    """Return what was weighed, with the draws of some patients replaced: patient -> rows of its copies, draws."""
    draw, imputation, effects = weighed.draw.copy(), weighed.imputation.copy(), weighed.effects.copy()
    lesions, sampled, reliable = weighed.lesions.copy(), weighed.sampled.copy(), weighed.reliable.copy()
    durable = weighed.durable.copy()
    every = [weighed.theta]
    for patient, (rows, found) in drawn.items():
        draw[patient] = np.arange(draw.shape[1]) + len(every) * draw.shape[1]
        imputation[patient] = _imputation(weighed.copies.rows[patient], rows[found.copy])
        effects[patient], reliable[patient], sampled[patient] = found.effects, found.converged, True
        if model.durable is not None:
            copies = weighed.copies.rows[patient][:, imputation[patient]]
            odds = np.take_along_axis(found.class_odds.T, np.searchsorted(rows, copies), axis=0)
            durable[patient] = found.uniform < expit(odds)
        width = min(lesions.shape[2], found.lesions.shape[1])  # columns beyond it have no lesion of this patient
        lesions[patient, :, :width] = found.lesions[:, :width]
        every.append(_unpacked(jnp.asarray(found.vectors), model=model, dims=weighed.binding.dims))
    theta = {name: np.concatenate([np.asarray(piece[name]) for piece in every]) for name in weighed.theta}
    return replace(
        weighed, theta=theta, draw=draw, imputation=imputation, effects=effects, lesions=lesions, durable=durable,
        sampled=sampled, reliable=reliable,
    )  # fmt: skip


def _imputation(rows: Int[np.ndarray, "option imputation"], chosen: Int[np.ndarray, " draw"]) -> np.ndarray:
    """Return the imputation to which each chosen row belongs; the first where a row stands for all."""
    return np.argmax((rows[:, :, None] == chosen).any(axis=0), axis=0)


@partial(jax.jit, static_argnames=("model", "dims"))
def _unpacked(vectors: Float[Array, "draw free"], *, model: JointModel, dims: Dims) -> Theta:
    return jax.vmap(lambda vector: population_at(vector, model, dims))(vectors)


@partial(jax.jit, static_argnames=("model",))
def _standardised(
    theta: Theta,
    design: Design,
    draw: Int[Array, "patient draw"],
    row: Int[Array, "patient draw"],
    effects: Float[Array, "patient draw effect"],
    *,
    model: JointModel,
) -> Float[Array, "patient draw effect"]:
    """Return effects as multiples of the spread of the population, their correlation taken out."""
    if not model.random:
        return effects

    def one(draw: Array, row: Array, effects: Array) -> Array:
        own = {name: value[draw] for name, value in theta.items()}
        spread = jnp.stack(
            [jnp.broadcast_to(patient_spread(p, own, design), design.arm.shape)[row] for p in model.random]
        )
        scaled = effects / spread
        if CORRELATION not in own:
            return scaled
        return jax.scipy.linalg.solve_triangular(correlation_factor(model, own), scaled, lower=True)

    return jax.vmap(jax.vmap(one))(draw, row, effects)
