"""What a trajectory says of a patient's sizes, in few numbers: so that its law is evaluated once, not at every step.

Where the scatter is one standard deviation sigma times something the trajectory gives (its ``unit``), the log density
of all measured sizes of a patient is ``-squares / (2 sigma^2) - readings log sigma - log_unit``, and a censored size
needs only its distance from the limit in units.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.hazards.normal_tail import normal_cumulative_hazard
from metachron.joint.design import Design, Dims, Rows
from metachron.joint.parts import DynamicsPart, ModelParts
from metachron.joint.population import PatientParameters, row_parameters
from metachron.joint.sites import Theta

_LOG_SQRT_2PI = 0.9189385332046727


class SizeSummary(NamedTuple):
    """Summaries per patient of the measured sizes, and per row of the censored ones (in units of the scatter)."""

    readings: Float[Array, " patient"]
    squares: Float[Array, " patient"]
    log_unit: Float[Array, " patient"]
    below: Float[Array, " row"]


def can_summarise(model: ModelParts) -> bool:
    """Return whether sizes can be summarised: the scatter has one parameter that scales it."""
    return model.dynamics is None or model.dynamics.observation.scales


def summarise_sizes(model: ModelParts, parameters: PatientParameters, design: Design, dims: Dims) -> SizeSummary:
    """Return the summary of a patient's sizes under a trajectory."""
    part = model.dynamics
    assert part is not None
    assert design.measured is not None
    assert design.censored is not None
    mean, unit = _mean_and_unit(part, parameters, design.measured)
    rows = design.measured

    def total(value: Array) -> Array:
        weighted = jnp.broadcast_to(rows.weight * value, rows.weight.shape)
        return jax.ops.segment_sum(weighted, rows.patient, num_segments=dims.patients)

    below_mean, below_unit = _mean_and_unit(part, parameters, design.censored)
    return SizeSummary(
        total(jnp.ones(())),
        total(jnp.square((rows.value - mean) / unit)),
        total(jnp.log(unit) + _LOG_SQRT_2PI),
        (below_mean - design.censored.value) / below_unit,
    )


def summary_terms(
    model: ModelParts, theta: Theta, summary: SizeSummary, design: Design, dims: Dims
) -> Float[Array, " patient"]:
    """Return the log likelihood of each patient's sizes from their summary."""
    part = model.dynamics
    assert part is not None
    rows = design.censored
    assert rows is not None
    sigma = theta[f"residual.{_scale_name(part)}"]
    measured = -0.5 * summary.squares / jnp.square(sigma) - summary.readings * jnp.log(sigma) - summary.log_unit
    censored = -rows.weight * normal_cumulative_hazard(summary.below / sigma)
    return measured + jax.ops.segment_sum(censored, rows.patient, num_segments=dims.patients)


def _scale_name(part: DynamicsPart) -> str:
    (name, _), *_ = part.residual_priors
    return name


def _mean_and_unit(part: DynamicsPart, parameters: PatientParameters, rows: Rows) -> tuple[Array, Array]:
    location = part.law.location(rows.time_year, row_parameters(part, parameters, rows.patient, rows.series))
    return part.observation.mean_and_sd(location, part.law, {_scale_name(part): jnp.ones(())})
