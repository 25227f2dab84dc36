"""Draws with names: from unconstrained vectors to labelled arrays, and back to what the model computes with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.sampled import CHUNK, Sampled
from metachron.joint import Dims, JointModel
from metachron.joint.design import Binding, Design
from metachron.joint.names import FlatName, site_axes
from metachron.joint.population import lesion_effects, patient_effects
from metachron.joint.sites import CORRELATION, Theta, list_sites
from metachron.joint.vector import population_at, unpack

if TYPE_CHECKING:
    import xarray as xr

EFFECT = ".effect"
LESION_EFFECT = ".lesion_effect"
_STATISTICS = ("lp", "energy", "diverging", "n_steps", "tree_depth", "acceptance_rate", "step_size")


@partial(jax.jit, static_argnames=("model", "dims"))
def _constrain(
    vectors: Float[Array, "step free"], design: Design, *, model: JointModel, dims: Dims
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Return population parameters, patient effects and lesion effects of a chunk of vectors."""

    def one(vector: Array) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
        values, _ = unpack(vector, model, dims)
        lesions = lesion_effects(model.dynamics, values) if model.dynamics else {}
        return values.theta, patient_effects(model, values, design), lesions

    return jax.lax.map(one, vectors)


@partial(jax.jit, static_argnames=("model", "dims"))
def _constrain_population(vectors: Float[Array, "step free"], *, model: JointModel, dims: Dims) -> dict[str, Array]:
    """Return population parameters of a chunk of population vectors."""
    return jax.lax.map(lambda vector: population_at(vector, model, dims), vectors)


def name_draws(
    model: JointModel,
    binding: Binding,
    sampled: Sampled,
    effects: Float[np.ndarray, "chain draw patient effect"] | None = None,
    of_lesions: Float[np.ndarray, "chain draw series own"] | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the posterior and the sampler statistics as labelled data sets; padding is left out.

    Population parameters keep their site names; ``<label>.effect`` has dimension ``patient``, and
    ``<label>.lesion_effect`` dimension ``series``. ``effects.correlation`` is the correlation matrix.

    Parameters
    ----------
    effects, of_lesions : patient effects, and those of single lesions, on the transform scale, in the order of the
        model, where the sampled vectors hold the population parameters alone.
    """
    import xarray as xr

    chains, draws, free = sampled.positions.shape
    rows = sampled.positions.reshape(-1, free)
    short = -len(rows) % CHUNK
    padded = np.concatenate([rows, np.repeat(rows[-1:], short, axis=0)]).reshape(-1, CHUNK, free)
    pieces: list[Any]
    if effects is None:
        pieces = [_constrain(jnp.asarray(c), binding.design, model=model, dims=binding.dims) for c in padded]
    else:
        pieces = [(_constrain_population(jnp.asarray(c), model=model, dims=binding.dims), {}, {}) for c in padded]
    theta, by_label, lesions = jax.tree.map(
        lambda *parts: np.concatenate([np.asarray(p) for p in parts])[: len(rows)], *pieces
    )

    def shaped(value: np.ndarray, count: int | None = None) -> np.ndarray:
        value = value if count is None else value[:, :count]
        return value.reshape(chains, draws, *value.shape[1:])

    labels = binding.labels
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    coordinates: dict[str, np.ndarray] = {"chain": np.arange(chains), "draw": np.arange(draws)}
    for site in list_sites(model, binding.dims):
        value = theta[site.name]
        if site.name == CORRELATION:
            value = value @ np.swapaxes(value, -1, -2)
        axes = site_axes(model, site, labels)
        coordinates |= {name: np.asarray(names) for name, names in axes.items()}
        variables[site.name] = (("chain", "draw", *axes), shaped(value))
    patients, series = len(labels.patients), len(labels.series)
    each = {label: shaped(value, patients) for label, value in by_label.items()}
    by_lesion = {label: shaped(value, series) for label, value in lesions.items()}
    if effects is not None:
        each = {parameter.label: effects[..., k] for k, parameter in enumerate(model.random)}
    if of_lesions is not None and model.dynamics is not None:
        by_lesion = {parameter.label: of_lesions[..., k] for k, parameter in enumerate(model.dynamics.lesion)}
    for label, value in each.items():
        variables[label + EFFECT] = (("chain", "draw", "patient"), value)
        coordinates["patient"] = np.asarray(labels.patients)
    for label, value in by_lesion.items():
        variables[label + LESION_EFFECT] = (("chain", "draw", "series"), value)
        coordinates["series"] = np.asarray([f"{patient}:{lesion}" for patient, lesion in labels.series])
    stats = {name: (("chain", "draw"), value) for name, value in zip(_STATISTICS, sampled.statistics, strict=True)}
    chain_draw = {name: coordinates[name] for name in ("chain", "draw")}
    return xr.Dataset(variables, coordinates), xr.Dataset(stats, chain_draw)


def population_draws(posterior: xr.Dataset, names: list[FlatName]) -> Float[np.ndarray, "chain draw parameter"]:
    """Return the population parameters as one array in the order of `flat_names`."""
    return np.stack([_at(posterior[site].to_numpy(), index) for _, site, index in names], axis=-1)


def _at(values: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    every: tuple[slice | int, ...] = (slice(None), slice(None), *index)
    return values[every]


def theta_at(
    arrays: Mapping[str, np.ndarray], model: JointModel, dims: Dims, chain: np.ndarray, draw: np.ndarray
) -> Theta:
    """Return the population parameters of chosen draws, stacked along a first axis; correlation as Cholesky factor.

    Parameters
    ----------
    arrays : values by name (`Fit.arrays`), chains and draws first.
    """
    theta = {}
    for site in list_sites(model, dims):
        value = arrays[site.name][chain, draw]
        theta[site.name] = jnp.asarray(np.linalg.cholesky(value) if site.name == CORRELATION else value)
    return theta
