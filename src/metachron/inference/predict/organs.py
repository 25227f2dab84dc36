"""Where lesions do better and where worse: parameters of the tumour law by organ, and how much lesions of one patient
agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import quantiles
from metachron.inference.predict.clinical import typical_values
from metachron.inference.predict.draws import Draws, take_draws
from metachron.inference.predict.readings import effect_words, reading
from metachron.joint import ParameterModel

WORSE = {
    "growth_per_year": 1, "growth_mm_per_year": 1, "loss_of_effect_per_year": 1, "resistant_fraction": 1,
    "shrinkage_per_year": -1, "inhibition_per_year": -1, "kill_per_year": -1,
}  # fmt: skip
"""Whether lesions do worse where a parameter is larger (1) or smaller (-1); of others that cannot be said."""
LEVELS = ("patient", "organ", "lesion")

ORGAN_SCHEMA = {
    "parameter": pl.String, "quantity": pl.String, "unit": pl.String, "arm": pl.String, "organ": pl.String,
    "lesions": pl.Int64, "patients": pl.Int64,
    **{f"value_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    **{f"against_reference_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    "comparison": pl.String, "reference": pl.String, "probability_worse": pl.Float64,
}  # fmt: skip
SHARE_SCHEMA = {"parameter": pl.String, "level": pl.String, "q05": pl.Float64, "q50": pl.Float64, "q95": pl.Float64}


def has_organs(fit: Fit) -> bool:
    """Return whether the fit has effects of organs: one organ alone has none."""
    part = fit.model.dynamics
    return part is not None and bool(part.organ) and len(fit.labels.organs) > 1


def organ_parameters(fit: Fit, *, reference: str | None = None, draws: int = 2000) -> pl.DataFrame:
    """Return the parameters of the typical patient's lesions by organ, beside those in a reference organ.

    Columns: parameter; quantity and unit, as a clinician reads it; arm; organ; lesions and patients, of the fitted
    cohort (null where the fit has been taken out of it); value_q05 to value_q95; against_reference_q05 to _q95, the
    ratio, ratio of odds or difference that ``comparison`` names, to the organ ``reference``; probability_worse, that
    lesions do worse there (null where larger is neither better nor worse, and for the reference itself).

    Parameters
    ----------
    reference : organ to compare with; None: the one with the most lesions.

    Raises
    ------
    ModelError
        When the fit has no effects of organs, or none of the reference.
    """
    part, organs = fit.model.dynamics, fit.labels.organs
    if part is None or not has_organs(fit):
        raise ModelError(
            "this fit has no effects of organs: they need sizes lesion by lesion (size = 'lesion' under [dynamics]), "
            "lesions in two organs or more, and organ = 'all' or 'arm' for a parameter"
        )
    counts = lesions_by_organ(fit)
    if reference is None:
        reference = organs[0] if counts is None else str(counts.sort("lesions", descending=True)["organ"][0])
    if reference not in organs:
        raise ModelError(f"no lesion of the fit is in {reference!r}; its organs are {list_briefly(organs, 20)}")
    taken = take_draws(fit, draws)
    rows = [row for parameter in part.organ for row in _by_organ(fit, parameter, taken, organs.index(reference))]
    found = pl.DataFrame(rows, schema={k: v for k, v in ORGAN_SCHEMA.items() if k not in ("lesions", "patients")})
    if counts is None:
        none = pl.lit(None, dtype=pl.Int64)
        return found.with_columns(lesions=none, patients=none).select(list(ORGAN_SCHEMA))
    return found.join(counts, on="organ", how="left", maintain_order="left").select(list(ORGAN_SCHEMA))


def lesions_by_organ(fit: Fit) -> pl.DataFrame | None:
    """Return the number of lesions and of patients by organ; None where the fit has been taken out of its cohort."""
    cohort: Cohort | None = fit.cohort
    if cohort is None:
        return None
    used = pl.DataFrame(fit.labels.series, schema={"patient": pl.String, "lesion": pl.String}, orient="row")
    named = used.join(
        cohort.tables["lesions"].select("patient", "lesion", "organ"), on=["patient", "lesion"], how="left"
    )
    by_organ = named.with_columns(pl.col("organ").fill_null("unknown")).group_by("organ", maintain_order=True)
    return by_organ.agg(lesions=pl.len().cast(pl.Int64), patients=pl.col("patient").n_unique().cast(pl.Int64))


def variance_shares(fit: Fit, *, draws: int = 2000) -> pl.DataFrame:
    """Return the share of the variance of each parameter, on its transform scale, that lies between patients, organs
    and lesions of one patient and organ: level, q05, q50, q95. Arms and covariates are not counted.

    Raises
    ------
    ModelError
        When the fit has no lesion effects.
    """
    part = fit.model.dynamics
    if part is None or not part.lesion:
        raise ModelError("this fit has no lesion effects, so the variance has one level: patients")
    theta = take_draws(fit, draws).theta
    rows: list[dict[str, Any]] = []
    for parameter in part.parameters:
        names = {"patient": f"{parameter.label}.sd", "organ": f"{parameter.label}.organ_sd"}
        names["lesion"] = f"{parameter.label}.lesion_sd"
        known = {level: np.asarray(theta[names[level]]) for level in LEVELS if names[level] in theta}
        variance = {level: np.square(sd).reshape(len(sd), -1).mean(axis=1) for level, sd in known.items()}
        whole = sum(variance.values(), start=np.zeros(1))
        rows += [{"parameter": parameter.name, "level": level, **quantiles(v / whole)} for level, v in variance.items()]
    return pl.DataFrame(rows, schema=SHARE_SCHEMA)


def _by_organ(fit: Fit, parameter: ParameterModel, draws: Draws, reference: int) -> Iterator[dict[str, Any]]:
    part = fit.model.dynamics
    assert part is not None
    read = reading(part.law, parameter.spec)
    compared = effect_words(parameter.spec.transform, parameter.name)
    effect = np.asarray(draws.theta[f"{parameter.label}.organ"])
    arms, means = typical_values(fit, parameter, draws)
    by_arm = parameter.organ == "arm"
    for place, arm in enumerate(arms):
        own = effect[:, fit.labels.arms.index(arm)] if by_arm and arm in fit.labels.arms else effect
        for index, organ in enumerate(fit.labels.organs):
            apart = own[:, index] - own[:, reference]
            side = WORSE.get(parameter.name)
            worse = None if side is None or index == reference else float(np.mean(side * apart > 0))
            yield {
                "parameter": parameter.name, "quantity": read.quantity, "unit": read.unit, "arm": arm, "organ": organ,
                **{f"value_{k}": v for k, v in quantiles(read.convert(means[:, place] + own[:, index])).items()},
                **{f"against_reference_{k}": v for k, v in quantiles(compared.convert(apart)).items()},
                "comparison": compared.quantity, "reference": fit.labels.organs[reference],
                "probability_worse": worse,
            }  # fmt: skip
