"""Models fitted to imputed cohorts, and their answers as one: by Rubin's rules, or as one set of draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.marker_test import half_width, two_sided
from metachron.benefit.rubin import Pooled, pool
from metachron.cohort import Cohort

if TYPE_CHECKING:
    from metachron.inference import Estimate, Fit
    from metachron.joint import JointModel

POOLED = "draws of fits to imputed cohorts, one of each in turn"


@dataclass(frozen=True, eq=False)
class PooledEstimate:
    """Maxima of the likelihood of imputed cohorts, pooled.

    Attributes
    ----------
    table : parameter, estimate, se, low, high (90 % interval, t distribution), degrees_of_freedom,
        missing_information, wald_p (two-sided, of being 0; for coefficients only, else null).
    pooled : all estimates with their covariance, in the order of the table.
    each : the estimates pooled. There is no pooled likelihood: compare models by Wald tests.
    """

    table: pl.DataFrame
    pooled: Pooled
    each: tuple[Estimate, ...]


def estimate_imputed(model: JointModel, cohorts: Sequence[Cohort], *, seed: int = 1) -> PooledEstimate:
    """Return the maximum of the marginal likelihood of a model in imputed cohorts, pooled.

    Numbers are centred alike in all cohorts, at the mean of the first, so that coefficients mean the same.

    Raises
    ------
    ModelError, ConvergenceError
        See `metachron.inference.estimate`; when there are fewer than two cohorts, or patients differ.
    """
    from metachron.inference import estimate

    model = keep_codings(model, cohorts)
    return pool_estimates([estimate(model, cohort, "ml", seed=seed) for cohort in cohorts])


def pool_estimates(each: Sequence[Estimate]) -> PooledEstimate:
    """Return estimates of one model in several imputed cohorts pooled by Rubin's rules.

    The degrees of freedom of complete data are patients less parameters. Standard deviations and correlations are
    pooled as they stand, which Rubin's rules, made for normal estimates, bear less well than coefficients.
    """
    names = each[0].table["parameter"]
    if any(one.table["parameter"].to_list() != names.to_list() for one in each):
        raise ModelError("estimates of different models cannot be pooled: their parameters differ")
    values = np.stack([one.table["estimate"].to_numpy() for one in each])
    freedom = max(each[0].patients - each[0].parameters, 1)
    found = pool(values, np.stack([one.covariance for one in each]), complete_freedom=float(freedom))
    half = half_width(found, 0.9)
    coefficient = names.str.contains(r"\.(beta|link)\[")
    table = pl.DataFrame(
        {
            "parameter": names,
            "estimate": found.estimate,
            "se": np.sqrt(np.diag(found.covariance)),
            "low": found.estimate - half,
            "high": found.estimate + half,
            "degrees_of_freedom": found.degrees_of_freedom,
            "missing_information": found.missing_information,
            "wald_p": two_sided(found),
        }
    ).with_columns(pl.when(coefficient).then("wald_p").alias("wald_p"))
    return PooledEstimate(table, found, tuple(each))


def fit_imputed(model: JointModel, cohorts: Sequence[Cohort], **options: Any) -> Fit:
    """Return the posterior of a model given cohorts in which missing markers were imputed: their draws together.

    Every fit has to converge by itself. The mixture of their draws is the posterior with the missing values integrated
    out (Gelman 2013, Bayesian Data Analysis, section 18.2; Zhou and Reiter 2010, Am Stat 64:159), as far
    as the imputation model fits. Chains of the result take one draw of each fit in turn, so that they are comparable
    with each other; its effective sample sizes count the imputations as further dependence. ``provenance["imputed"]``
    says so, with the verdict of each fit. It holds no patients, since there is no one cohort that it rests on: what
    needs them (leave-one-out, criticism) has to be asked of single fits.

    Parameters
    ----------
    options : of `metachron.inference.fit`; every fit has a seed of its own, counted on from ``seed``.

    Raises
    ------
    ModelError, ConvergenceError
        See `metachron.inference.fit`; when there are fewer than two cohorts, or patients differ.
    """
    from metachron.inference import fit

    model = keep_codings(model, cohorts)
    seed = int(options.pop("seed", 1))
    return pool_fits_of([fit(model, cohort, seed=seed + k, **options) for k, cohort in enumerate(cohorts)])


def pool_fits_of(fits: Sequence[Fit]) -> Fit:
    """Return the draws of fits to imputed cohorts as one fit; see `fit_imputed`."""
    shared = [one.without_cohort() for one in fits]
    first = shared[0]
    notes = [one.cohort.notes[-1] if one.cohort is not None and one.cohort.notes else "" for one in fits]
    provenance: Mapping[str, Any] = {
        **first.provenance,
        "draws": first.shape[1] * len(fits),
        "imputed": {
            "cohorts": len(fits),
            "pooled": POOLED,
            "notes": notes,
            "verdicts": [one.verdict for one in fits],
            "sha256": [one.provenance["cohort_sha256"] for one in fits],
            "seeds": [one.provenance["seed"] for one in fits],
        },
    }
    return replace(
        first,
        posterior=_in_turn([one.posterior for one in shared]),
        sample_stats=_in_turn([one.sample_stats for one in shared]),
        provenance=provenance,
    )


def keep_codings(model: JointModel, cohorts: Sequence[Cohort]) -> JointModel:
    """Return the model with numbers centred at the means of the first cohort, and its first levels as references."""
    from metachron.joint import Covariate

    if len(cohorts) < 2:
        raise ModelError(f"pooling needs at least 2 imputed cohorts; found {len(cohorts)}")
    if any(cohort.patient_ids != cohorts[0].patient_ids for cohort in cohorts):
        raise ModelError("imputed cohorts must be of the same patients, in the same order")
    codings = model.bind(cohorts[0]).labels.codings
    own = {covariate.column: covariate for covariate in model.covariates}
    for column, coding in codings.items():
        covariate = own.get(column, Covariate(column))
        own[column] = (
            replace(covariate, kind="categorical", reference=coding.levels[0])
            if coding.levels
            else replace(covariate, kind="continuous", centre=coding.centre)
        )
    return replace(model, covariates=tuple(own.values()))


def _in_turn(parts: Sequence[Any]) -> Any:
    """Return data sets as one whose chains take a draw of each in turn."""
    import xarray as xr

    count = len(parts)
    moved = [part.assign_coords(draw=np.arange(part.sizes["draw"]) * count + k) for k, part in enumerate(parts)]
    return xr.concat(moved, dim="draw").sortby("draw")
