"""Models of the same patients ranked by leave-one-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.optimize import minimize

from metachron.base import ModelError, list_briefly
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.diagnostics import number_or_none
from metachron.inference.fit import Fit
from metachron.joint import JointModel

SMALL_DIFFERENCE = 4.0
"""Of elpd: below it models foretell alike, and the standard error of the difference cannot be relied on; Sivula 2020,
arXiv:2008.10296."""
FEW_PATIENTS = 100
"""Below it the standard error of a difference is estimated too small; Sivula 2020, arXiv:2008.10296."""
NO_WEIGHT = 1e-6
"""Weight below which the optimiser's 0 is written as 0."""
APART = 2.0
"""Standard errors of a difference beyond which a model is called worse."""

BEST, CLOSE, WORSE = "best", "not told apart from the best", "worse than the best"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models ranked, best first, and the leave-one-out of each.

    Parameters
    ----------
    table : model, elpd, se, difference (to the best), difference_se (of that difference, by patient), p_loo, weak
        (patients with Pareto k above 0.7), weight (by stacking), verdict. Densities of sizes are per mm, whatever the
        scale of the model.
    each : leave-one-out by name.
    """

    table: pl.DataFrame
    each: Mapping[str, LeaveOneOut]

    @property
    def names(self) -> list[str]:
        """The models, best first."""
        return self.table["model"].to_list()

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to bear in mind when reading the ranking."""
        patients = self.each[self.names[0]].table.height
        weak = [name for name in self.names if self.each[name].weak_patients]
        found = []
        if patients < FEW_PATIENTS:
            found.append(f"with {patients} patients the standard errors of differences are likely too small")
        if weak:
            found.append(
                f"Pareto k above 0.7 for some patients under {list_briefly(weak)}: there elpd is not to be trusted"
            )
        return tuple(found)

    def pointwise(self, model: str | None = None) -> pl.DataFrame:
        """Return per patient the elpd of the best model and of another one (the second unless named).

        Columns: patient, best, other, difference (other minus best).

        Raises
        ------
        ModelError
            When the model is not in the ranking, or only one is ranked.
        """
        others = self.names[1:]
        if not others or (model is not None and model not in self.each):
            raise ModelError(f"no difference to show for {model or 'a second model'}; ranked: {', '.join(self.names)}")
        best = self.each[self.names[0]].table
        other = self.each[model or others[0]].table
        return pl.DataFrame(
            {"patient": best["patient"], "best": best["elpd"], "other": other["elpd"]},
        ).with_columns(difference=pl.col("other") - pl.col("best"))

    def as_dict(self) -> dict[str, Any]:
        """Return the ranking for JSON: a list of models, best first, and cautions; NaN is None."""
        rows = [
            {key: number_or_none(value) if isinstance(value, float) else value for key, value in row.items()}
            for row in self.table.iter_rows(named=True)
        ]
        return {"ranking": rows, "cautions": list(self.cautions)}

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.names)}; best first)"

    def _repr_html_(self) -> str:
        return self.table._repr_html_() + "".join(f"<p>{caution}</p>" for caution in self.cautions)


def compare_fits(fits: Mapping[str, Fit], *, draws: int = 1000, seed: int = 1) -> Comparison:
    """Return fits of the same patients and outcomes ranked by leave-one-out.

    Raises
    ------
    ModelError
        When the fits are not of the same cohort, or do not describe the same outcomes: a model without a hazard is
        not comparable with one that also has to foretell death.
    """
    cohorts = {fit.provenance["cohort_sha256"] for fit in fits.values()}
    if len(cohorts) > 1:
        raise ModelError("fits of different cohorts cannot be compared: leave-one-out is a sum over the same patients")
    refuse_incomparable({name: (fit.model, fit.labels.limit_mm) for name, fit in fits.items()})
    return rank({name: leave_one_out(fit, draws=draws, seed=seed) for name, fit in fits.items()})


def refuse_incomparable(models: Mapping[str, tuple[JointModel, float]]) -> None:
    """Raise `ModelError` unless all models, each with the limit of its cohort in mm, describe the same outcomes."""
    outcomes: dict[str, list[str]] = {}
    for name, (model, limit_mm) in models.items():
        outcomes.setdefault(_outcome(model, limit_mm), []).append(name)
    if len(outcomes) > 1:
        found = "; ".join(f"{what}: {list_briefly(names, 3)}" for what, names in outcomes.items())
        raise ModelError(
            f"models of different outcomes cannot be ranked together, and these describe {found}; leave-one-out needs "
            "the same sizes, with one limit, the same event, or both: compare them in groups"
        )


def _outcome(model: JointModel, limit_mm: float) -> str:
    """Return what a model describes, in words that are the same for comparable models."""
    said = []
    if (part := model.dynamics) is not None:
        limit = part.limit_mm if part.limit_mm is not None else limit_mm
        if part.limit_working is not None:
            limit = float(part.law.scale.to_mm(jnp.asarray(part.limit_working)))
        said.append(f"{'sums of sizes' if part.size == 'sum' else 'sizes by lesion'} above {limit:.4g} mm")
    if model.hazard is not None:
        said.append(model.hazard.event)
    return " and ".join(said)


def rank(each: Mapping[str, LeaveOneOut]) -> Comparison:
    """Return models ranked by their expected log predictive density.

    The standard error of a difference is that of a sum over patients of paired differences. Weights are those of
    stacking: of the mixture of predictive distributions that foretells left-out patients best (Yao 2018,
    doi:10.1214/17-BA1091). A model is called worse when its difference is beyond 2 standard errors and beyond 4.

    Raises
    ------
    ModelError
        When there is nothing to rank.
    """
    if not each:
        raise ModelError("there is nothing to compare: no fit was given")
    order = sorted(each, key=lambda name: -each[name].elpd)
    elpd = np.stack([each[name].table["elpd"].to_numpy() for name in order], axis=1)
    patients, models = elpd.shape
    difference = elpd - elpd[:, :1]
    total = difference.sum(axis=0)
    error = np.sqrt(patients) * difference.std(axis=0, ddof=1) if patients > 1 else np.full(models, np.nan)
    table = pl.DataFrame(
        {
            "model": order,
            "elpd": [each[name].elpd for name in order],
            "se": [each[name].se for name in order],
            "difference": total,
            "difference_se": error,
            "p_loo": [each[name].p_loo for name in order],
            "weak": [len(each[name].weak_patients) for name in order],
            "weight": stacking_weights(elpd),
            "verdict": [BEST, *(_verdict(*pair) for pair in zip(total[1:], error[1:], strict=True))],
        }
    )
    return Comparison(table, each)


def _verdict(difference: float, error: float) -> str:
    return WORSE if -difference > max(SMALL_DIFFERENCE, APART * error) else CLOSE


def stacking_weights(elpd: Float[np.ndarray, "patient model"]) -> Float[np.ndarray, " model"]:
    """Return the weights, at least 0 and summing to 1, that maximise the log score of the mixture over patients.

    sum over patients of log(sum over models of weight x exp(elpd)); concave, so that any start will do.
    """
    density = np.exp(elpd - elpd.max(axis=1, keepdims=True))
    count = density.shape[1]

    def loss(weight: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = density @ weight
        return -float(np.log(mixed).mean()), -(density / mixed[:, None]).mean(axis=0)

    found = minimize(
        loss,
        np.full(count, 1.0 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda weight: weight.sum() - 1.0, "jac": lambda weight: np.ones(count)},
        options={"ftol": 1e-10, "maxiter": 500},
    )
    weight = np.where(found.x > NO_WEIGHT, found.x, 0.0)
    return weight / weight.sum()
