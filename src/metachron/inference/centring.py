"""How far effects of patients and lesions are centred for sampling: the share of their variance that data take away.

One maximum of the posterior, the Fisher information of each lesion's sizes there, and a few steps of the EM algorithm
for the spreads, which a maximum overstates. It need not be exact: any shares give the same posterior, good ones give it
in fewer steps.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize

from metachron.joint import Design, Dims, JointModel
from metachron.joint.design import Binding
from metachron.joint.hierarchical import Shares, from_standard
from metachron.joint.population import lesion_effects, patient_effects, patient_parameters
from metachron.joint.vector import Values, effect_shapes, median_values, pack, population_size, unpack

STEPS, EM_STEPS = 400, 30
VARIANCES = 1e-4, 100.0
"""Between which variances are kept: data that say little would let them vanish or grow without end."""
LEAST = 1e-4
"""Of the share of variance that is left where data take nearly all of it away."""
POPULATION = 0.1
"""Scale of the population parameters at the start."""


class _Known(NamedTuple):
    """At a maximum: information of each series on the parameters of the law, effects on the transform scale, and their
    standard deviations (over groups, their mean).
    """

    information: Float[Any, "series parameter parameter"]
    patient: Float[Any, "patient effect"]
    lesion: Float[Any, "series effect"]
    patient_sd: Float[Any, " effect"]
    lesion_sd: Float[Any, " effect"]


class Centring(NamedTuple):
    """Shares, where chains may start, and how far each coordinate may vary there; both in centred coordinates."""

    shares: Shares
    start: Float[Array, " free"]
    scale: Float[Array, " free"]


def centre(model: JointModel, binding: Binding) -> Centring:
    """Return the centring of a model of sizes lesion by lesion.

    Shares are 0 for a frailty, padding, and who has no sizes.
    """
    part, dims, design = model.dynamics, binding.dims, binding.design
    assert part is not None
    first = np.asarray(pack(median_values(model, dims), model, dims))
    best = minimize(
        lambda x: [np.asarray(value, float) for value in _falling(x, design, model=model, dims=dims)],
        first, jac=True, method="L-BFGS-B", options={"maxiter": STEPS},
    )  # fmt: skip
    vector = jnp.asarray(best.x)
    known = _Known(*(np.asarray(value) for value in _at(vector, design, model=model, dims=dims)))
    names = [parameter.name for parameter in part.parameters]
    series, patients = len(binding.labels.series), len(binding.labels.patients)
    information, variance = np.nan_to_num(known.information[:series], posinf=0.0, neginf=0.0), np.zeros(len(names))
    shares = [np.zeros(shape) for shape in effect_shapes(model, dims)]
    spread = [np.ones(shape[1]) for shape in effect_shapes(model, dims)]
    if part.lesion:
        own = np.array([names.index(parameter.name) for parameter in part.lesion])
        shares[1][:series], found = shares_of(information[:, own[:, None], own], known.lesion[:series], known.lesion_sd)
        variance[own], spread[1] = found, np.sqrt(found)
    if part.random:
        own = np.array([names.index(parameter.name) for parameter in part.random])
        passed = information @ np.linalg.inv(np.eye(len(names)) + variance[:, None] * information)
        total, few = np.zeros((patients, len(names), len(names))), len(own)
        np.add.at(total, np.asarray(design.series_patient)[:series], passed)
        shares[0][:patients, :few], found = shares_of(
            total[:, own[:, None], own], known.patient[:patients, :few], known.patient_sd[:few]
        )
        spread[0][:few] = np.sqrt(found)
    scale = [POPULATION * np.ones(population_size(model, dims))]
    left = [np.sqrt(np.maximum(1.0 - share, LEAST)) for share in shares]
    scale += [np.ravel(sd**share * own) for share, sd, own in zip(shares, spread, left, strict=True)]
    both = Shares(*map(jnp.asarray, shares))
    start = _with_spreads(vector, model, dims, *spread)
    return Centring(both, from_standard(start, model, design, dims, both), jnp.asarray(np.concatenate(scale)))


def _with_spreads(
    vector: Array, model: JointModel, dims: Dims, patient: np.ndarray, lesion: np.ndarray
) -> Float[Array, " free"]:
    """Return the vector with other standard deviations of the effects, the effects themselves unchanged."""
    part = model.dynamics
    assert part is not None
    values, _ = unpack(vector, model, dims)
    theta, each = dict(values.theta), [values.patient, values.lesion]
    sites = [f"{p.label}.sd" for p in part.random], [f"{p.label}.lesion_sd" for p in part.lesion]
    for level, (names, spreads) in enumerate(zip(sites, (patient, lesion), strict=True)):
        for column, name in enumerate(names):
            old, new = jnp.mean(theta[name]), spreads[column]
            each[level] = each[level].at[:, column].multiply(old / new)
            theta[name] = jnp.full_like(theta[name], new)
    return pack(Values(theta, *each), model, dims)


def shares_of(
    information: Float[np.ndarray, "item effect effect"],
    effects: Float[np.ndarray, "item effect"],
    sd: Float[np.ndarray, " effect"],
) -> tuple[Float[np.ndarray, "item effect"], Float[np.ndarray, " effect"]]:
    """Return the share of the variance of each effect that the information takes away, and the variances.

    Parameters
    ----------
    effects, sd : at the maximum. With the information they tell what data alone say of the effects; EM goes from there.
    """
    variance = np.clip(np.square(sd), *VARIANCES)
    pulled = np.einsum("sjk,sk->sj", information + np.diag(1.0 / variance), effects)
    for _ in range(EM_STEPS):
        covariance = np.linalg.inv(information + np.diag(1.0 / variance))
        left = np.einsum("sjj->sj", covariance)
        effects = np.einsum("sjk,sk->sj", covariance, pulled)
        variance = np.clip(np.mean(np.square(effects) + left, axis=0), *VARIANCES)
    left = np.einsum("sjj->sj", np.linalg.inv(information + np.diag(1.0 / variance)))
    return np.clip(1.0 - left / variance, 0.0, 1.0), variance


@partial(jax.jit, static_argnames=("model", "dims"))
def _falling(
    vector: Float[Array, " free"], design: Design, *, model: JointModel, dims: Dims
) -> tuple[Float[Array, ""], Float[Array, " free"]]:
    return jax.value_and_grad(lambda x: -model.log_density(x, design, dims))(vector)


@partial(jax.jit, static_argnames=("model", "dims"))
def _at(vector: Float[Array, " free"], design: Design, *, model: JointModel, dims: Dims) -> _Known:
    """Return what is known at a vector; censored sizes are taken to say nothing, and nobody to be durable."""
    part, rows = model.dynamics, design.measured
    assert part is not None
    assert rows is not None
    values, _ = unpack(vector, model, dims)
    growing = None if model.durable is None else jnp.zeros_like(design.patient_weight)
    parameters = patient_parameters(model, values, design, growing)
    assert parameters is not None
    assert parameters.series is not None
    residual = {name: values.theta[f"residual.{name}"] for name, _ in part.residual_priors}
    psi = {name: value[rows.series] for name, value in parameters.series.items()}

    def mean(own: dict[str, Array]) -> tuple[Array, Array]:
        return part.observation.mean_and_sd(part.law.location(rows.time_year, own), part.law, residual)

    sd = jnp.broadcast_to(mean(psi)[1], rows.weight.shape)
    none = {name: jnp.zeros_like(value) for name, value in psi.items()}
    slopes = [
        jax.jvp(lambda own: mean(own)[0], (psi,), ({**none, p.name: jnp.ones_like(sd)},))[1] for p in part.parameters
    ]
    scaled = jnp.stack(slopes, axis=1) * (jnp.sqrt(rows.weight) / sd)[:, None]
    information = jax.ops.segment_sum(scaled[:, :, None] * scaled[:, None, :], rows.series, num_segments=dims.series)
    patient, lesion = patient_effects(model, values, design), lesion_effects(part, values)
    columns = [patient[p.label] for p in model.random], [lesion[p.label] for p in part.lesion]
    shapes = effect_shapes(model, dims)
    each = [jnp.stack(c, axis=1) if c else jnp.zeros(shape) for c, shape in zip(columns, shapes, strict=True)]
    theta = values.theta
    spreads = (
        [jnp.mean(theta[f"{p.label}.sd"]) for p in model.random],
        [theta[f"{p.label}.lesion_sd"] for p in part.lesion],
    )
    return _Known(information, *each, *(jnp.stack(own) if own else jnp.zeros(0) for own in spreads))
