"""Hazard ratio between arms over time: of the population as it survives, and of one and the same patient."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from metachron.base import ModelError, list_briefly
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.hazard_grid import Grid, cumulative_on_grid, grid_to
from metachron.inference.predict.population_survival import checked_times, drawn_parameters, drawn_patients
from metachron.inference.predict.subjects import need_hazard, with_arm
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import log_hazard, patient_state
from metachron.joint.sites import Theta

MARGINAL, CONDITIONAL = "marginal", "conditional"


def hazard_ratio_over_time(
    fit: Fit, time_year: Sequence[float] | np.ndarray, reference: str | None = None, *, draws: int = 200, seed: int = 1
) -> pl.DataFrame:
    """Return the hazard ratio of each arm against a reference arm at times above 0.

    - ``marginal``: the ratio of -S'(t)/S(t), S the survival standardised over all patients with the arm set. It moves
      with time even when nothing else does, because the frailer patients of the worse arm die first.
    - ``conditional``: the hazard of a patient under the arm over the hazard of the same patient (same covariates and
      standardised patient effects) under the reference; the median over patients.

    Columns: arm, reference, kind, time_year, hazard_ratio_q05, hazard_ratio_q50, hazard_ratio_q95.

    Parameters
    ----------
    reference : None: the first arm in alphabetical order.

    Raises
    ------
    ModelError
        When there is no hazard or a single arm, the reference is not an arm, or a time is not above 0.
    """
    need_hazard(fit)
    times = checked_times(time_year, above_0=True)
    arms = fit.labels.arms
    base = arms[0] if reference is None else reference
    if len(arms) < 2 or base not in arms:
        raise ModelError(
            f"a hazard ratio needs two arms and one of them as reference; the fit has {list_briefly(arms)}"
        )
    frames = [_compare(fit, arm, base, times, draws, seed) for arm in arms if arm != base]
    return pl.concat(frames)


def _compare(fit: Fit, arm: str, reference: str, times: np.ndarray, draws: int, seed: int) -> pl.DataFrame:
    rows, standard = drawn_patients(fit, with_arm(fit, arm), seed=seed)
    base, _ = drawn_patients(fit, with_arm(fit, reference), seed=seed)
    theta = take_draws(fit, draws).theta
    values = np.exp(np.asarray(_log_ratios(theta, standard, (rows, base), grid_to(times, rows), model=fit.model)))
    frame = band_frame(values, {"kind": [MARGINAL, CONDITIONAL], "time_year": times}, prefix="hazard_ratio_")
    return frame.select(pl.lit(arm).alias("arm"), pl.lit(reference).alias("reference"), pl.all())


@partial(jax.jit, static_argnames=("model",))
def _log_ratios(
    theta: Theta,
    standard: Float[Array, "row effect"],
    designs: tuple[Design, Design],
    grid: Grid,
    *,
    model: JointModel,
) -> Float[Array, "draw kind time"]:
    """Return the log of the marginal and of the conditional hazard ratio of the first design to the second."""
    times = jnp.broadcast_to(grid.time_year, (standard.shape[0], grid.time_year.shape[0]))

    def hazards(draw: Theta, design: Design) -> tuple[Float[Array, "row time"], Float[Array, " time"]]:
        state = patient_state(model, drawn_parameters(model, draw, standard, design))
        survived = -cumulative_on_grid(model, draw, state, design, grid)
        own = log_hazard(model, draw, state, design, times)
        return own, logsumexp(own + survived, axis=0) - logsumexp(survived, axis=0)

    def one(draw: Theta) -> Float[Array, "kind time"]:
        (own, marginal), (base_own, base_marginal) = (hazards(draw, design) for design in designs)
        return jnp.stack([marginal - base_marginal, jnp.median(own - base_own, axis=0)])

    return jax.lax.map(one, theta)
