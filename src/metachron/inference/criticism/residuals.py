"""Individual weighted residuals: recorded sizes about the patient's own fitted trajectory."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.inference.fit import Fit
from metachron.inference.predict.curves import recorded_draws
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.recorded import recorded_sizes
from metachron.inference.predict.subjects import need_cohort, need_dynamics


def individual_residuals(fit: Fit, *, draws: int = 400) -> pl.DataFrame:
    """Return the recorded sizes with their individual weighted residuals.

    residual = (y - m) / s on the scale of the observation law: m the posterior mean of the patient's own prediction, s
    that of the standard deviation of a measurement there. Since m was fitted to the same size, residuals scatter less
    than a standard normal variable, the less the fewer sizes a patient has.

    Columns: patient, lesion (null: the sum), arm, day, time_year, size_mm, censored (below ``size_mm``), predicted_mm
    (m in mm), residual (null where censored).

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics, or holds no patients.
    """
    need_dynamics(fit)
    rows, taken = recorded_sizes(fit), take_draws(fit, draws)
    part = fit.model.dynamics
    assert part is not None
    scale = part.observation.value_scale(part.law)
    spread = {name: jnp.asarray(taken.theta[f"residual.{name}"])[:, None] for name, _ in part.residual_priors}
    means, sds = [], []
    for values in recorded_draws(fit, taken, rows):
        location = part.law.scale.from_mm(jnp.asarray(values))
        mean, sd = part.observation.mean_and_sd(location, part.law, spread)
        means.append(np.asarray(mean).mean(axis=0))
        sds.append(np.broadcast_to(np.asarray(sd), values.shape).mean(axis=0))
    middle = np.concatenate(means)
    value = np.asarray(scale.from_mm(jnp.asarray(rows["size_mm"].to_numpy())))
    arms = need_cohort(fit).patients.select("patient", "arm")
    residual = pl.Series("residual", (value - middle) / np.concatenate(sds))
    return (
        rows.with_columns(pl.Series("predicted_mm", np.asarray(scale.to_mm(jnp.asarray(middle)))), residual)
        .with_columns(pl.when(~pl.col("censored")).then(pl.col("residual")).alias("residual"))
        .join(arms, on="patient", how="left", maintain_order="left")
        .select("patient", "lesion", "arm", "day", "time_year", "size_mm", "censored", "predicted_mm", "residual")
    )
