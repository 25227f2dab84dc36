"""The probability of being a durable responder, and who is one when patients are drawn."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from metachron.joint.design import Design
from metachron.joint.durable_part import DURABLE
from metachron.joint.parts import ModelParts
from metachron.joint.sites import Theta


def class_log_odds(theta: Theta, design: Design) -> Float[Array, " patient"]:
    """Return the log odds of each patient to be durable, before any of the patient's data: logit + z . beta."""
    odds = jnp.broadcast_to(theta[f"{DURABLE}.logit"], design.arm.shape)
    if DURABLE in design.columns:
        odds = odds + design.columns[DURABLE] @ theta[f"{DURABLE}.beta"]
    return odds


def log_class_shares(theta: Theta, design: Design) -> Float[Array, "class patient"]:
    """Return the log probability of each class before any data: with growth first, durable second."""
    odds = class_log_odds(theta, design)
    return jnp.stack([jax.nn.log_sigmoid(-odds), jax.nn.log_sigmoid(odds)])


def drawn_columns(model: ModelParts) -> int:
    """Return how many standard normal values a patient takes who is drawn anew: effects, and one for the class."""
    return len(model.random) + (model.durable is not None)


def split_drawn(
    model: ModelParts, theta: Theta, design: Design, standard: Float[Array, "patient column"]
) -> tuple[Float[Array, "patient effect"], Float[Array, " patient"] | None]:
    """Return the standardised effects of patients drawn anew, and who is durable where the model has the class."""
    if model.durable is None:
        return standard, None
    return standard[:, :-1], class_at(theta, design, ndtr(standard[:, -1]))


def class_at(theta: Theta, design: Design, uniform: Float[Array, " patient"]) -> Float[Array, " patient"]:
    """Return 1 for the patients who are durable and 0 for others, from a number between 0 and 1 for each of them."""
    return (uniform < jax.nn.sigmoid(class_log_odds(theta, design))).astype(float)
