"""Hierarchically centred coordinates of effects, for sizes lesion by lesion.

With many sizes per lesion and lesions per patient, data say where a lesion is, not how far from its patient and organ:
standardised effects all have to move when a mean, an organ or a patient moves, and a sampler takes small steps. Here a
lesion stands for itself: its coordinate is ``share * centre + sd^share * standardised``, the standardised effect at
share 0 and the parameter itself at share 1 (Papaspiliopoulos 2007, doi:10.1214/088342307000000014). The centre of a
lesion is its patient and organ, that of a patient the population. Organs, few and each well known, are centred
altogether.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from scipy.linalg import helmert

from metachron.joint.design import Design, Dims
from metachron.joint.dynamics_part import ParameterModel
from metachron.joint.parts import ModelParts
from metachron.joint.population import correlation_factor, fixed_part, organ_effect, patient_effects, patient_spread
from metachron.joint.sites import Site, Theta, list_sites
from metachron.joint.vector import Values, effect_shapes, population_at, population_size


class Shares(NamedTuple):
    """How far effects are centred, from 0 to 1: the share of their variance that data take away."""

    patient: Float[Array, "patient effect"]
    lesion: Float[Array, "series effect"]


def to_standard(
    vector: Float[Array, " free"], model: ModelParts, design: Design, dims: Dims, shares: Shares
) -> tuple[Float[Array, " free"], Float[Array, ""]]:
    """Return the vector with standardised effects (that of `metachron.joint.vector.pack`) at one in these coordinates,
    and the log of the absolute Jacobian determinant of the map.
    """
    vector, change = organs_to_standard(vector, model, dims)
    theta = population_at(vector, model, dims)
    population, patient, lesion = _split(vector, model, dims)
    if model.random:
        centre, log_sd = _of_patients(model, theta, design, shares)
        patient = (patient - centre) * jnp.exp(-log_sd)
        factor = correlation_factor(model, theta)
        patient = jax.scipy.linalg.solve_triangular(factor, patient.T, lower=True).T
        change = change - jnp.sum(log_sd) - dims.patients * jnp.sum(jnp.log(jnp.diagonal(factor)))
    if lesion.size:
        centre, log_sd = _of_lesions(model, Values(theta, patient, lesion), design, shares)
        lesion = (lesion - centre) * jnp.exp(-log_sd)
        change = change - jnp.sum(log_sd)
    return jnp.concatenate([population, jnp.ravel(patient), jnp.ravel(lesion)]), change


def from_standard(
    vector: Float[Array, " free"], model: ModelParts, design: Design, dims: Dims, shares: Shares
) -> Float[Array, " free"]:
    """Return the vector in these coordinates: the inverse of `to_standard`."""
    theta = population_at(vector, model, dims)
    population, standard, lesion = _split(vector, model, dims)
    patient = standard
    if model.random:
        centre, log_sd = _of_patients(model, theta, design, shares)
        patient = centre + jnp.exp(log_sd) * (standard @ correlation_factor(model, theta).T)
    if lesion.size:
        centre, log_sd = _of_lesions(model, Values(theta, standard, lesion), design, shares)
        lesion = centre + jnp.exp(log_sd) * lesion
    population = organs_from_standard(population, model, dims)
    return jnp.concatenate([population, jnp.ravel(patient), jnp.ravel(lesion)])


def organs_to_standard(
    vector: Float[Array, " free"], model: ModelParts, dims: Dims
) -> tuple[Float[Array, " free"], Float[Array, ""]]:
    """Return the vector with standardised effects of organs at one in which organs stand for themselves, and the log
    of the absolute Jacobian determinant of the map; patients and lesions stay as they are.
    """
    theta, change = population_at(vector, model, dims), jnp.zeros(())
    for block in _organ_blocks(model, dims):
        vector, more = block.to_standard(vector, theta[block.spread])
        change = change + more
    return vector, change


def organs_from_standard(vector: Float[Array, " free"], model: ModelParts, dims: Dims) -> Float[Array, " free"]:
    """Return the vector in which organs stand for themselves: the inverse of `organs_to_standard`."""
    theta = population_at(vector, model, dims)
    for block in _organ_blocks(model, dims):
        vector = block.from_standard(vector, theta[block.spread])
    return vector


def _split(vector: Float[Array, " free"], model: ModelParts, dims: Dims) -> tuple[Array, Array, Array]:
    """Return population values, and what stands for patient and lesion effects in their shapes."""
    start, (patient, lesion) = population_size(model, dims), effect_shapes(model, dims)
    middle = start + patient[0] * patient[1]
    return vector[:start], vector[start:middle].reshape(patient), vector[middle:].reshape(lesion)


@dataclass(frozen=True)
class _OrganBlock:
    """Where the means of a parameter and its effects of organs stand in the vector.

    A row of effects has one mean: that of its arm, or the mean of all groups. Data know the mean plus each effect, and
    the contrasts between groups; they leave how that divides between mean and effects. So coordinates are the sums, the
    contrasts, and the distance of the mean from the mean of the sums in standard deviations of the organs.
    """

    mean: slice
    organ: slice
    rows: int
    spread: str

    def to_standard(self, vector: Array, sd: Array) -> tuple[Array, Array]:
        """Return the vector with means and standardised effects, and the log Jacobian determinant."""
        own, sums = vector[self.mean], vector[self.organ].reshape(self.rows, -1)
        middle = jnp.mean(sums, axis=1) + sd * own[: self.rows]
        means = middle
        change = (self.rows - sums.size) * jnp.log(sd)
        if own.size > self.rows:
            length = math.sqrt(own.size)
            means = _rotation(own.size).T @ jnp.concatenate([length * middle, own[1:]])
            change = change + math.log(length)
        vector = vector.at[self.organ].set(jnp.ravel((sums - middle[:, None]) / sd))
        return vector.at[self.mean].set(means), change

    def from_standard(self, vector: Array, sd: Array) -> Array:
        """Return the vector in these coordinates."""
        means, effects = vector[self.mean], vector[self.organ].reshape(self.rows, -1)
        rotated = means.size > self.rows
        middle = jnp.mean(means, keepdims=True) if rotated else means
        sums = middle[:, None] + sd * effects
        own = (middle - jnp.mean(sums, axis=1)) / sd
        own = jnp.concatenate([own, (_rotation(means.size) @ means)[1:]]) if rotated else own
        return vector.at[self.organ].set(jnp.ravel(sums)).at[self.mean].set(own)


def _rotation(size: int) -> Float[Array, "group group"]:
    """Return the rotation to the sum of groups, over the root of their number, and to contrasts (Helmert)."""
    return jnp.asarray(helmert(size, full=True))


@lru_cache(maxsize=256)
def _organ_blocks(model: ModelParts, dims: Dims) -> tuple[_OrganBlock, ...]:
    places: dict[str, tuple[slice, Site]] = {}
    start = 0
    for site in list_sites(model, dims):
        places[site.name] = slice(start, start + site.free_size), site
        start += site.free_size
    blocks = []
    for parameter in model.dynamics.organ if model.dynamics else ():
        (mean, site), name = places[f"{parameter.label}.mean"], f"{parameter.label}.organ"
        if name in places and site.prior.family == "normal":
            each = parameter.organ == "arm" and parameter.group == "arm"
            blocks.append(_OrganBlock(mean, places[name][0], dims.arms if each else 1, places[name][1].times))
    return tuple(blocks)


def _of_patients(
    model: ModelParts, theta: Theta, design: Design, shares: Shares
) -> tuple[Float[Array, "patient effect"], Float[Array, "patient effect"]]:
    """Return what is added to each patient's effects, and the log of what multiplies them.

    The centre is the population in the mean of the organs: it stays when the mean and its effects of organs shift
    against each other.
    """
    centres, scales = [], []
    for column, parameter in enumerate(model.random):
        share = shares.patient[:, column]
        centres.append(share * (fixed_part(parameter, theta, design) + mean_organ(parameter, theta, design)))
        scales.append(share * jnp.log(patient_spread(parameter, theta, design)))
    return jnp.stack(centres, axis=1), jnp.stack(scales, axis=1)


def mean_organ(parameter: ParameterModel, theta: Theta, design: Design) -> Float[Array, "..."]:
    """Return the mean of the effects of organs on a parameter, one or one per patient; 0 without any."""
    effects = theta.get(f"{parameter.label}.organ")
    if effects is None:
        return jnp.zeros(())
    return jnp.mean(effects, axis=1)[design.arm] if parameter.organ == "arm" else jnp.mean(effects)


def _of_lesions(
    model: ModelParts, values: Values, design: Design, shares: Shares
) -> tuple[Float[Array, "series effect"], Float[Array, "series effect"]]:
    """Return the same of lesions, given the standardised effects of the patients."""
    assert model.dynamics is not None
    effects, theta = patient_effects(model, values, design), values.theta
    centres, scales = [], []
    for column, parameter in enumerate(model.dynamics.lesion):
        share = shares.lesion[:, column]
        centre = fixed_part(parameter, theta, design)
        centre = centre + effects[parameter.label] if parameter.random else centre
        centre = centre[design.series_patient]
        centre = centre + organ_effect(parameter, theta, design) if parameter.organ != "none" else centre
        centres.append(share * centre)
        scales.append(share * jnp.log(theta[f"{parameter.label}.lesion_sd"]))
    return jnp.stack(centres, axis=1), jnp.stack(scales, axis=1)
