"""Who is a durable responder: the probability given a patient's data, and a class for every draw of the posterior."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.inference.fit import Fit
from metachron.inference.predict.draws import Draws, take_draws
from metachron.inference.predict.subjects import bind_fit
from metachron.joint import Design, Dims, JointModel
from metachron.joint.durable_class import class_log_odds
from metachron.joint.likelihood import of_both_classes
from metachron.joint.population import assemble

_SEED = 20
"""Of the classes drawn for the draws of a fit, so that every prediction from it has the same ones."""


def durable_probability(fit: Fit, *, draws: int = 1000) -> pl.DataFrame:
    """Return for each patient the probability of being a durable responder, before and after the patient's data.

    Columns: patient, arm; ``before``, that of the patient's covariates alone, and ``after``, given sizes, follow-up and
    new lesions too; both are averages over the posterior. After the data it is the posterior mean of
    p L1 / [(1 - p) L0 + p L1] with L0 and L1 the likelihoods of the patient's data with and without growth.

    Raises
    ------
    ModelError
        When the model has no durable class, or the fit holds no patients.
    """
    if fit.model.durable is None:
        raise ModelError("this model has no class of durable responders: add [durable] to the model file (--durable)")
    before, after = (jax.nn.sigmoid(odds) for odds in log_odds_of(fit, take_draws(fit, draws)))
    count = len(fit.labels.patients)
    arm = np.asarray(bind_fit(fit).design.arm)[:count]
    return pl.DataFrame(
        {
            "patient": list(fit.labels.patients),
            "arm": [fit.labels.arms[index] for index in arm],
            "before": np.asarray(before).mean(axis=0),
            "after": np.asarray(after).mean(axis=0),
        }
    )


LIKELY, UNLIKELY = 0.8, 0.2
"""Probabilities from which on, and up to which, a patient is counted as told apart."""


def durable_by_arm(table: pl.DataFrame) -> pl.DataFrame:
    """Return by arm what `durable_probability` says of the patients.

    Columns: arm, patients, expected (the sum of the probabilities after the data), likely (patients with at least 0.8),
    unlikely (with at most 0.2).
    """
    after = pl.col("after")
    return table.group_by("arm", maintain_order=True).agg(
        pl.len().alias("patients"), after.sum().alias("expected"),
        (after >= LIKELY).sum().alias("likely"), (after <= UNLIKELY).sum().alias("unlikely"),
    ).sort("arm")  # fmt: skip


def with_classes(fit: Fit, draws: Draws) -> Draws:
    """Return draws with a class for every patient, drawn given data, effects and population parameters of each draw.

    As they are, where the model has no durable class.
    """
    return draws if fit.model.durable is None else drawn_by(log_odds_of(fit, draws)[1], draws)


def drawn_by(odds: Float[Array, "draw patient"], draws: Draws) -> Draws:
    """Return draws with a class for every patient, drawn by these log odds."""
    uniform = jax.random.uniform(jax.random.key(_SEED), odds.shape)
    return draws._replace(durable=(uniform < jax.nn.sigmoid(odds)).astype(float))


def log_odds_of(fit: Fit, draws: Draws) -> tuple[Float[Array, "draw patient"], Float[Array, "draw patient"]]:
    """Return the log odds of the fitted patients to be durable in each draw: before their data, and given them."""
    binding, count = bind_fit(fit), len(fit.labels.patients)
    after = class_odds_given(draws, binding.design, model=fit.model, dims=binding.dims)
    before = jax.vmap(lambda theta: class_log_odds(theta, binding.design))(draws.theta)
    return before[:, :count], after[:, :count]


@partial(jax.jit, static_argnames=("model", "dims"))
def class_odds_given(draws: Draws, design: Design, *, model: JointModel, dims: Dims) -> Float[Array, "draw patient"]:
    """Return the log odds of patients to be durable given their data, effects and population parameters.

    Effects are those of the first patients and series of the design; the others are padding.
    """

    def padded(values: dict[str, Array], size: int) -> dict[str, Array]:
        return {name: jnp.pad(value, (0, size - value.shape[0])) for name, value in values.items()}

    def one(draw: Draws) -> Array:
        effects, lesions = padded(draw.effects, dims.patients), padded(draw.lesions, dims.series)
        grows, durable = of_both_classes(
            model, draw.theta, lambda own: assemble(model, draw.theta, effects, lesions, design, own), design, dims
        )
        return durable - grows

    return jax.lax.map(one, draws)
