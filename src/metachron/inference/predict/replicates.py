"""Replicated sizes: a new measurement error at every visit, of patients with given or newly drawn effects."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from metachron.inference.predict.hazard_grid import pick_patients
from metachron.joint import Design, DynamicsPart, JointModel
from metachron.joint.durable_class import drawn_columns, split_drawn
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.population import PatientParameters, patient_parameters, row_parameters
from metachron.joint.sites import Theta
from metachron.joint.vector import Values

ENDS_SIZES = ("death", "discontinuation")
"""Events after which no size is recorded."""


def replicate_values(
    part: DynamicsPart,
    theta: Theta,
    parameters: PatientParameters,
    patient: Int[Array, " row"],
    series: Int[Array, " row"],
    time_year: Float[Array, " row"],
    key: Array,
) -> Float[Array, " row"]:
    """Return recorded values drawn about the trajectories, on the scale of the observation law, none censored."""
    location = part.law.location(time_year, row_parameters(part, parameters, patient, series))
    residual = {name: theta[f"residual.{name}"] for name, _ in part.residual_priors}
    mean, sd = part.observation.mean_and_sd(location, part.law, residual)
    return mean + sd * jax.random.normal(key, mean.shape)


@partial(jax.jit, static_argnames=("model", "ends"))
def replicate_sizes(
    key: Array,
    theta: Theta,
    design: Design,
    rows: Design,
    patient: Int[Array, " row"],
    series: Int[Array, " row"],
    time_year: Float[Array, " row"],
    entry_year: Float[Array, " patient"],
    *,
    model: JointModel,
    ends: bool,
) -> tuple[Float[Array, " row"], Bool[Array, " row"]]:
    """Return sizes in mm of patients drawn anew, and whether each visit is made: no replicated event by then.

    Parameters
    ----------
    rows : the design of the patient of each row.
    ends : whether the event of the model's hazard ends the sizes.
    """
    part = model.dynamics
    assert part is not None
    keys = jax.random.split(key, 4)
    shapes = (design.arm.shape[0], drawn_columns(model)), (design.series_patient.shape[0], len(part.lesion))
    standard, lesion = (jax.random.normal(k, shape) for k, shape in zip(keys[:2], shapes, strict=True))
    effects, durable = split_drawn(model, theta, design, standard)
    parameters = patient_parameters(model, Values(dict(theta), effects, lesion), design, durable)
    assert parameters is not None
    value = replicate_values(part, theta, parameters, patient, series, time_year, keys[2])
    size = part.observation.value_scale(part.law).to_mm(value)
    if not ends:
        return size, jnp.ones_like(size, dtype=bool)
    state = patient_state(model, pick_patients(parameters, patient))
    entry = entry_year[patient]
    passed = cumulative_hazard(model, theta, state, rows, entry, jnp.maximum(time_year, entry))
    return size, passed < jax.random.exponential(keys[3], entry_year.shape)[patient]
