"""In which organs new lesions appear: shares of their rate, and ratios to a reference organ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import softmax

from metachron.cohort.new_lesions import NEW_LESION
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import quantiles
from metachron.inference.predict.draws import Draws, take_draws

NEW_LESION_SCHEMA = {
    "arm": pl.String, "organ": pl.String, **{f"share_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    **{f"against_reference_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    "reference": pl.String, "probability_worse": pl.Float64,
}  # fmt: skip


def new_lesion_organs(fit: Fit, *, reference: str | None = None, draws: int = 2000) -> pl.DataFrame:
    """Return how new lesions are spread over organs: of all that appear, the share in each one, and the ratio of its
    rate to that of a reference organ.

    Columns: arm (empty: the same in all); organ; share_q05 to share_q95; against_reference_q05 to _q95; reference;
    probability_worse, that new lesions are more frequent there than in the reference (null for itself). Empty where
    the fit tells no organs of new lesions apart.

    Parameters
    ----------
    reference : organ to compare with; None, or one without new lesions: the one with the largest share.
    """
    taken = list(organ_share_draws(fit, take_draws(fit, draws)))
    means = {organ: float(values.mean()) for _, organ, values in taken}
    other = reference if reference in means else max(means, key=lambda organ: means[organ], default="")
    by_arm = {arm: values for arm, organ, values in taken if organ == other}
    rows = []
    for arm, organ, values in taken:
        ratio = values / by_arm[arm]
        rows.append({
            "arm": arm, "organ": organ, **{f"share_{k}": v for k, v in quantiles(values).items()},
            **{f"against_reference_{k}": v for k, v in quantiles(ratio).items()},
            "reference": other, "probability_worse": None if organ == other else float(np.mean(ratio > 1.0)),
        })  # fmt: skip
    return pl.DataFrame(rows, schema=NEW_LESION_SCHEMA)


def organ_share_draws(fit: Fit, draws: Draws) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield arm (empty: the same in all), organ and the draws of its share of new lesions; none without organs."""
    effects = draws.theta.get(f"{NEW_LESION}.organ")
    if effects is None:
        return
    shares = softmax(np.asarray(effects), axis=-1)
    arms = fit.labels.arms if shares.ndim == 3 else ("",)
    for place, arm in enumerate(arms):
        own = shares[:, place] if arm else shares
        for index, organ in enumerate(fit.labels.new_lesion_organs):
            yield arm, organ, own[:, index]
