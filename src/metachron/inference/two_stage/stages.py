"""What the shortcut costs: dynamics first and survival after, as it stands, corrected, and beside the joint model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from metachron.base import ConvergenceError, ModelError
from metachron.cohort import Cohort
from metachron.inference.diagnostics import number_or_none
from metachron.inference.fit import Fit
from metachron.inference.kept import Keeper, Watch
from metachron.inference.predict.draws import Draws, take_draws
from metachron.inference.settings import FitSettings
from metachron.inference.two_stage.patient_links import links_of, mean_links, without_padding
from metachron.inference.two_stage.pooling import Pooled, pool
from metachron.inference.two_stage.survival_stage import SurvivalStage
from metachron.joint import JointModel
from metachron.joint.names import flat_names
from metachron.joint.sites import hazard_sites

PLUG_IN, IMPUTED, JOINT = "plug-in", "imputed", "joint"
STAGES = (PLUG_IN, IMPUTED, JOINT)
MEAN_DRAWS = 400
"""Draws over which link values are averaged: the Monte Carlo error is a twentieth of a patient's posterior sd."""
PLUG_IN_DRAWS, IMPUTED_DRAWS = 4096, 512
K_LIMIT = 0.7
FEWEST_IMPUTATIONS = 5


@dataclass(frozen=True, eq=False)
class TwoStage:
    """The parameters of the hazard by three ways.

    Parameters
    ----------
    table : parameter, stage (``plug-in``, ``imputed``, ``joint``), estimate, sd, low, high (90 % interval), and
        against the joint model: ratio (of estimates), sd_ratio, shift (difference in its sds).
    missing : share of the pooled variance that uncertain link values are the reason for, by parameter.
    model, dynamics, joint : the joint model, the fit of its dynamics alone, and its own fit.
    imputations : number of sets of link values.
    pareto_k : worst of the importance weights of the survival stages.
    """

    table: pl.DataFrame
    missing: dict[str, float]
    model: JointModel
    dynamics: Fit
    joint: Fit
    imputations: int
    pareto_k: float

    @property
    def links(self) -> tuple[str, ...]:
        """The names of the link coefficients."""
        names = self.table["parameter"].unique(maintain_order=True).to_list()
        return tuple(name for name in names if ".link[" in name)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What keeps the three from being compared as they stand."""
        fits = {"the dynamics alone": self.dynamics, "the joint model": self.joint}
        found = [f"{what}: {fit.verdict}" for what, fit in fits.items() if not fit.diagnostics.converged]
        if not self.pareto_k < K_LIMIT:
            found.append(f"the survival stages are inexact: Pareto k {self.pareto_k:.2f}, and {K_LIMIT} is the limit")
        return tuple(found)

    def side_by_side(self) -> pl.DataFrame:
        """Return one row per parameter: estimate and sd of each stage, and the ratio of each estimate to the joint."""
        wide = self.table.pivot("stage", index="parameter", values=["estimate", "sd", "ratio"], maintain_order=True)
        columns = [f"{value}_{stage}" for stage in STAGES for value in ("estimate", "sd")]
        return wide.select("parameter", *columns, *(f"ratio_{stage}" for stage in STAGES[:2]))

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON; NaN is None."""
        parameters: dict[str, dict[str, dict[str, float | None]]] = {}
        for row in self.table.iter_rows(named=True):
            parameter, stage = row.pop("parameter"), row.pop("stage")
            values = {name: number_or_none(value) for name, value in row.items()}
            parameters.setdefault(parameter, {})[stage] = values
        return {
            "model": self.model.describe(),
            "parameters": parameters,
            "missing": self.missing,
            "imputations": self.imputations,
            "pareto_k": number_or_none(self.pareto_k),
            "cautions": list(self.cautions),
            "fits": {PLUG_IN: self.dynamics.as_dict(), JOINT: self.joint.as_dict()},
        }

    def __repr__(self) -> str:
        return f"TwoStage({self.model.describe()}; {self.imputations} imputations)"

    def _repr_html_(self) -> str:
        return self.side_by_side()._repr_html_()


def two_stage(
    model: JointModel,
    cohort: Cohort,
    *,
    settings: FitSettings | None = None,
    imputations: int = 50,
    folder: str | Path | None = None,
    check: bool = True,
    watch: Watch = nullcontext,
    tell: Callable[[str], None] = lambda sentence: None,
) -> TwoStage:
    """Return the parameters of a hazard by two stages, by two stages corrected, and from the joint model.

    1. ``plug-in``: the dynamics are fitted alone, and survival on the posterior means of each patient's link values
       (at every time of the quadrature, where a link moves), as if they were known.
    2. ``imputed``: survival is fitted to ``imputations`` draws of the link values from the dynamics alone, and pooled
       by Rubin's rules. That counts their uncertainty, but the draws have not seen who died when: they are scattered
       as measurement error is, which draws the coefficient towards 0, and dropout by death is still ignored.
    3. ``joint``: both at once.

    All three have the same hazard, priors and data.

    Parameters
    ----------
    model : with dynamics, a hazard and at least one link.
    settings : of the two fits, of the dynamics alone and of the joint model.
    folder : keeps both fits (``dynamics.fit``, ``joint.fit``); a second call with the same settings takes them.
    check : raise when one of them has not converged; False returns the result all the same, with cautions.
    watch, tell : as in `metachron.inference.criticism.compare_models`.

    Raises
    ------
    ModelError
        When the model has no link, or there are too few imputations.
    FitFileError
        When the folder keeps other fits.
    InputError
        When the folder cannot be made.
    ConvergenceError
        When a fit has not converged; its ``fit`` holds the draws.
    """
    _refuse(model, imputations)
    keeper = Keeper(cohort, settings or FitSettings(), None if folder is None else Path(folder), watch, tell)
    models = {"dynamics": JointModel(model.dynamics, None, model.covariates, name=model.name), "joint": model}
    model.bind(cohort)
    keeper.prepare(models)
    tell("1 of 3: the dynamics alone")
    dynamics = _checked(keeper.fit(models["dynamics"], "dynamics"), "the dynamics alone", check)
    tell("2 of 3: survival on the link values of each patient")
    names, tables, pooled, worst = _stages(model, cohort, dynamics, imputations, keeper.settings.seed, tell)
    tell("3 of 3: the joint model")
    joint = _checked(keeper.fit(model, "joint"), "the joint model", check)
    table = _beside(pl.concat([*tables, _joint_rows(joint, names)]))
    missing = dict(zip(names, map(float, pooled.missing), strict=True))
    return TwoStage(table, missing, model, dynamics, joint, imputations, worst)


def _refuse(model: JointModel, imputations: int) -> None:
    if model.durable is not None:
        raise ModelError(
            "two stages take every patient to have one trajectory; this model has a class of durable responders, whom "
            "the first stage alone cannot tell: leave [durable] out of it"
        )
    if model.dynamics is None or model.hazard is None or not model.hazard.links:
        raise ModelError(
            "two stages need tumour dynamics, a hazard and a link between them; this model has "
            f"{model.describe()}; name a link (--link log-growth)"
        )
    if model.new_lesions is not None:
        raise ModelError(
            "two stages are sizes and one event; this model has new lesions besides: leave them out "
            "(--new-lesions none)"
        )
    if imputations < FEWEST_IMPUTATIONS:
        raise ModelError(f"imputations must be at least {FEWEST_IMPUTATIONS}; found {imputations}")


def _checked(found: Fit, what: str, check: bool) -> Fit:
    if check and not found.diagnostics.converged:
        raise ConvergenceError(f"{what}: {found.diagnostics.advice()}", found)
    return found


def _stages(
    model: JointModel, cohort: Cohort, dynamics: Fit, imputations: int, seed: int, tell: Callable[[str], None]
) -> tuple[list[str], list[pl.DataFrame], Pooled, float]:
    """Return names, the rows of the first two stages, the pooled estimates, and the worst Pareto k."""
    binding = model.bind(cohort)
    design, dims = without_padding(binding)
    sites = {site.name for site in hazard_sites(model, dims)}
    flat = tuple(name for name in flat_names(model, dims, binding.labels) if name.site in sites)
    names = [name.name for name in flat]
    stage = SurvivalStage(model, design, dims, flat)
    links = mean_links(take_draws(dynamics, MEAN_DRAWS), design, model=model, dims=dims)
    plug_in = stage.posterior(links, stage.start(), draws=PLUG_IN_DRAWS, seed=seed)
    low, high = np.quantile(plug_in.draws, [0.05, 0.95], axis=0)
    rows = [_rows(names, PLUG_IN, plug_in.draws.mean(axis=0), plug_in.draws.std(axis=0, ddof=1), low, high)]
    tell(f"{imputations} sets of link values")
    sets = []
    drawn: Draws = take_draws(dynamics, imputations)
    for index in range(imputations):
        links = links_of(drawn, jnp.asarray(index), design, model=model, dims=dims)
        sets.append(stage.posterior(links, plug_in.mode, draws=IMPUTED_DRAWS, seed=seed + index))
    pooled = pool(np.stack([one.draws.mean(axis=0) for one in sets]), np.stack([one.draws.var(axis=0) for one in sets]))
    rows.append(_rows(names, IMPUTED, pooled.estimate, pooled.sd, pooled.low, pooled.high))
    return names, rows, pooled, max(plug_in.pareto_k, *(one.pareto_k for one in sets))


def _rows(
    names: list[str], stage: str, estimate: np.ndarray, sd: np.ndarray, low: np.ndarray, high: np.ndarray
) -> pl.DataFrame:
    return pl.DataFrame({"parameter": names, "estimate": estimate, "sd": sd, "low": low, "high": high}).select(
        "parameter", pl.lit(stage).alias("stage"), "estimate", "sd", "low", "high"
    )


def _joint_rows(joint: Fit, names: list[str]) -> pl.DataFrame:
    found = pl.DataFrame({"parameter": names}).join(joint.summary(), on="parameter", maintain_order="left")
    columns = (found[column].to_numpy() for column in ("mean", "sd", "q05", "q95"))
    return _rows(names, JOINT, *columns)


def _beside(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by parameter, each set against the joint model."""
    order = table.filter(pl.col("stage") == JOINT).select(
        "parameter", joint_estimate="estimate", joint_sd="sd", place=pl.int_range(pl.len())
    )
    return (
        table.join(order, on="parameter", maintain_order="left")
        .sort("place", maintain_order=True)
        .with_columns(
            ratio=pl.col("estimate") / pl.col("joint_estimate"),
            sd_ratio=pl.col("sd") / pl.col("joint_sd"),
            shift=(pl.col("estimate") - pl.col("joint_estimate")) / pl.col("joint_sd"),
        )
        .drop("joint_estimate", "joint_sd", "place")
    )
