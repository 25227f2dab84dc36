"""Hazard ratio between arms over time: of the population as it survives, and of one and the same patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.population_survival import Curves, checked_times, population_curves
from metachron.inference.predict.subjects import need_hazard, with_arm

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
        raise ModelError(f"a hazard ratio needs two arms and one of them as reference; the fit has {list_briefly(arms)}")
    curves = {arm: population_curves(fit, with_arm(fit, arm), times, draws=draws, seed=seed) for arm in arms}
    frames = [_compare(curves[arm], curves[base], arm, base, times) for arm in arms if arm != base]
    return pl.concat(frames)


def _compare(curves: Curves, base: Curves, arm: str, reference: str, times: np.ndarray) -> pl.DataFrame:
    own = np.asarray(curves.log_own_hazard) - np.asarray(base.log_own_hazard)
    marginal = np.asarray(curves.log_hazard) - np.asarray(base.log_hazard)
    ratios = np.exp(np.stack([marginal, np.median(own, axis=1)], axis=1))
    frame = band_frame(ratios, {"kind": [MARGINAL, CONDITIONAL], "time_year": times}, prefix="hazard_ratio_")
    return frame.select(pl.lit(arm).alias("arm"), pl.lit(reference).alias("reference"), pl.all())
