"""Cumulative and instantaneous hazard of many patients on one grid of times."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import cumulative_hazard
from metachron.joint.links import PatientState
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta


def pick_patients(parameters: PatientParameters | None, index: Int[Array, " chosen"]) -> PatientParameters | None:
    """Return the patient-level parameters of chosen patients, which is all that a hazard looks at."""
    if parameters is None:
        return None
    psi, effects = ({k: v[index] for k, v in values.items()} for values in (parameters.psi, parameters.effects))
    return PatientParameters(psi, effects, None)


def cumulative_on_grid(
    model: JointModel, theta: Theta, state: PatientState | None, design: Design, times_year: Float[Array, " time"]
) -> Float[Array, "patient time"]:
    """Return the integral of each patient's hazard from day 0 to each time."""
    zero = jnp.zeros(design.arm.shape[0])

    def at(time_year: Float[Array, ""]) -> Float[Array, " patient"]:
        return cumulative_hazard(model, theta, state, design, zero, zero + time_year)

    return jax.lax.map(at, times_year).T
