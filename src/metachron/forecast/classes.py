"""Who is a durable responder in each draw of a forecast, under each option."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.special import expit

from metachron.cohort.arrays import bucket
from metachron.forecast.copies import Copies
from metachron.joint import Binding, Design, Dims, JointModel, Values
from metachron.joint.sites import Theta


def drawn_classes(
    model: JointModel,
    binding: Binding,
    copies: Copies,
    theta: Theta,
    draw: Int[np.ndarray, "patient draw"],
    row: Int[np.ndarray, "patient draw"],
    imputation: Int[np.ndarray, "patient draw"],
    standard: Float[np.ndarray, "patient draw effect"],
    *,
    seed: int,
) -> Bool[np.ndarray, "patient option draw"]:
    """Return who is a durable responder under each option, given data, population and effects of each draw.

    One uniform number decides under all options, so that they differ by the odds alone. Effects were drawn once for
    each posterior draw and copy, so these pairs are looked at, patients beside each other.

    Parameters
    ----------
    row : the copy of the patient that each draw was weighed by.
    """
    patients, options, _ = copies.rows.shape
    if model.durable is None:
        return np.zeros((patients, options, draw.shape[1]), dtype=bool)
    known = len(next(iter(theta.values())))
    flat = copies.rows.reshape(patients, -1)
    own = np.argmax(flat[:, :, None] == row[:, None, :], axis=1)
    pairs, place = np.unique(own * known + draw, return_inverse=True)
    place = place.reshape(draw.shape)
    rows = np.take_along_axis(copies.rows, imputation[:, None, :], axis=2)
    length = bucket(len(pairs))
    effects = np.zeros((length, binding.dims.patients, standard.shape[2]))
    for option in range(options):
        effects[place, rows[:, option]] = standard
    chosen = jnp.asarray(np.resize(pairs % known, length))
    odds = np.asarray(_class_odds(theta, chosen, effects, binding.design, model=model, dims=binding.dims))
    uniform = np.random.default_rng((seed, 2)).random(draw.shape)
    return np.asarray(uniform[:, None] < expit(odds[place[:, None], rows]))


@partial(jax.jit, static_argnames=("model", "dims"))
def _class_odds(
    theta: Theta,
    draw: Int[Array, " pair"],
    effects: Float[Array, "pair copy effect"],
    design: Design,
    *,
    model: JointModel,
    dims: Dims,
) -> Float[Array, "pair copy"]:
    """Return the log odds of every copy to be durable given its data, at draws of the population and effects."""

    def one(pair: tuple[Array, Array]) -> Array:
        own = {name: value[pair[0]] for name, value in theta.items()}
        grows, durable = model.log_likelihood_by_class(Values(own, pair[1], jnp.zeros((0, 0))), design, dims)
        return durable - grows

    return jax.lax.map(one, (draw, effects))
