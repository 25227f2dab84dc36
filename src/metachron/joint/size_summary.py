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
from metachron.joint.dynamics_part import DynamicsPart
from metachron.joint.hazard_terms import beside
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters, row_parameters
from metachron.joint.sites import Theta

_LOG_SQRT_2PI = 0.9189385332046727


class SizeSummary(NamedTuple):
    """Summaries per patient of the measured sizes, and per row of the censored ones (in units of the scatter).

    ``log_unit`` does not depend on the population parameters at all.
    """

    squares: Float[Array, " patient"]
    log_unit: Float[Array, " patient"]
    below: Float[Array, " row"]


def can_summarise(model: ModelParts) -> bool:
    """Return whether sizes can be summarised: the scatter has one parameter that scales it."""
    return model.dynamics is None or model.dynamics.observation.scales


def summarise_sizes(model: ModelParts, parameters: PatientParameters, design: Design, dims: Dims) -> SizeSummary:
    """Return the summary of a patient's sizes under a trajectory."""
    part, rows, below = model.dynamics, design.measured, design.censored
    assert part is not None
    assert rows is not None
    assert below is not None
    mean, unit = _mean_and_unit(part, parameters, rows)
    below_mean, below_unit = _mean_and_unit(part, parameters, below)
    return SizeSummary(
        _total(rows, jnp.square((rows.value - mean) / unit), dims),
        _total(rows, jnp.log(unit) + _LOG_SQRT_2PI, dims),
        (below_mean - below.value) / below_unit,
    )


def count_readings(design: Design, dims: Dims) -> Float[Array, " patient"]:
    """Return the number of measured sizes of each patient."""
    assert design.measured is not None
    return _total(design.measured, jnp.ones(()), dims)


def scatter_sd(model: ModelParts, theta: Theta) -> Float[Array, ""]:
    """Return the standard deviation that scales the scatter."""
    assert model.dynamics is not None
    return theta[f"residual.{_scale_name(model.dynamics)}"]


def summary_terms(sigma: Float[Array, ""], summary: SizeSummary, censored: Rows, dims: Dims) -> Float[Array, "..."]:
    """Return the log likelihood of each patient's sizes, but for ``readings log sigma`` and ``log_unit``.

    The summary may have a further axis, of several trajectories of every patient; then so has what is returned.
    """
    below = -beside(censored.weight, summary.below) * normal_cumulative_hazard(summary.below / sigma)
    total = jax.ops.segment_sum(below, censored.patient, num_segments=dims.patients)
    return total - 0.5 * summary.squares / jnp.square(sigma)


def _total(rows: Rows, value: Array, dims: Dims) -> Float[Array, " patient"]:
    weighted = jnp.broadcast_to(rows.weight * value, rows.weight.shape)
    return jax.ops.segment_sum(weighted, rows.patient, num_segments=dims.patients)


def _scale_name(part: DynamicsPart) -> str:
    (name, _), *_ = part.residual_priors
    return name


def _mean_and_unit(part: DynamicsPart, parameters: PatientParameters, rows: Rows) -> tuple[Array, Array]:
    location = part.law.location(rows.time_year, row_parameters(part, parameters, rows.patient, rows.series))
    return part.observation.mean_and_sd(location, part.law, {_scale_name(part): jnp.ones(())})
