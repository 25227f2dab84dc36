"""Draws to predict from: an evenly thinned subset of a posterior, as the arrays that the model computes with."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.inference.fit import Fit
from metachron.inference.posterior import EFFECT, LESION_EFFECT, theta_at
from metachron.joint import Design, JointModel
from metachron.joint.population import PatientParameters, assemble
from metachron.joint.sites import Theta
from metachron.joint.vector import pack_population


class Draws(NamedTuple):
    """Draws stacked along a first axis: population parameters, and effects on the transform scale by label.

    ``durable`` is who belongs to the durable class in each draw (1, else 0), where a model has it: see `with_classes`.
    """

    theta: Theta
    effects: dict[str, Float[Array, "draw patient"]]
    lesions: dict[str, Float[Array, "draw series"]]
    durable: Float[Array, "draw patient"] | None = None


def take_draws(fit: Fit, draws: int) -> Draws:
    """Return ``draws`` draws spread evenly over all chains (all of them, where there are fewer).

    Raises
    ------
    ModelError
        When fewer than one draw is asked for.
    """
    if draws < 1:
        raise ModelError(f"predictions need at least 1 draw; found draws = {draws}")
    chains, length = fit.shape
    total = chains * length
    pick = np.linspace(0, total - 1, min(draws, total)).round().astype(int)
    chain, draw = np.divmod(pick, length)
    theta = theta_at(fit.arrays, fit.model, fit.dims, chain, draw)
    return Draws(theta, _named(fit, EFFECT, chain, draw), _named(fit, LESION_EFFECT, chain, draw))


def cycled_draws(fit: Fit, count: int) -> Theta:
    """Return population parameters of ``count`` posterior draws, evenly spread, taken in turn where there are fewer."""
    theta = take_draws(fit, count).theta
    known = len(next(iter(theta.values())))
    return {name: jnp.asarray(value)[jnp.arange(count) % known] for name, value in theta.items()}


def population_vectors(fit: Fit, draws: int) -> Float[np.ndarray, "draw free"]:
    """Return unconstrained population vectors of draws spread evenly over all chains (all, where there are fewer)."""
    theta = take_draws(fit, draws).theta
    return np.asarray(jax.vmap(lambda one: pack_population(one, fit.model, fit.dims))(theta))


def _named(fit: Fit, suffix: str, chain: np.ndarray, draw: np.ndarray) -> dict[str, Array]:
    own = {name: values for name, values in fit.arrays.items() if name.endswith(suffix)}
    return {name.removesuffix(suffix): jnp.asarray(values[chain, draw]) for name, values in own.items()}


def fitted_parameters(model: JointModel, draw: Draws, design: Design) -> PatientParameters | None:
    """Return the parameters of the fitted patients and series in one draw; None without dynamics and effects."""
    return assemble(model, draw.theta, draw.effects, draw.lesions, design, draw.durable)
