"""Models fitted to one cohort and ranked: what failed is told as failed, what is done is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from metachron.base import FitFileError, MetachronError, ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.inference.criticism.compare import Comparison, rank, refuse_incomparable
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.fit import Fit
from metachron.inference.kept import Keeper, Watch
from metachron.inference.settings import FitSettings
from metachron.joint import Candidate, JointModel
from metachron.joint.grid import as_candidates

RANKED, NOT_CONVERGED, FAILED, NOT_POSSIBLE = "ranked", "not converged", "failed", "not possible"
FITS_FOLDER = "fits"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one candidate.

    Parameters
    ----------
    candidate : its name and model.
    status : ``ranked``; ``not converged`` (fitted, and not to be used); ``failed`` (the fit, or leave-one-out, ended
        in an error); ``not possible`` (there is no such model).
    reason : why it is not ranked; for a ranked model what its fit says of itself.
    provenance : of the fit; empty where there is none.
    loo : leave-one-out of a ranked model.
    """

    candidate: Candidate
    status: str
    reason: str
    provenance: Mapping[str, Any]
    loo: LeaveOneOut | None = None

    @property
    def name(self) -> str:
        return self.candidate.name


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Models of one cohort: those that could be ranked, and what became of the others.

    Parameters
    ----------
    outcomes : of every candidate, in the order given.
    comparison : the ranking; None where no fit could be ranked.
    cohort, cohort_sha256, patients : what the models were fitted to.
    settings : how they were fitted.
    """

    outcomes: tuple[Outcome, ...]
    comparison: Comparison | None
    cohort: str
    cohort_sha256: str
    patients: int
    settings: FitSettings

    @property
    def table(self) -> pl.DataFrame:
        """All candidates: those ranked, best first, then the others; columns of `Comparison`, status and reason.

        ``verdict`` of a candidate that is not ranked is its status.
        """
        status = pl.DataFrame(
            [(outcome.name, outcome.status, outcome.reason) for outcome in self.outcomes],
            schema=["model", "status", "reason"],
            orient="row",
        )
        if self.comparison is None:
            return status.with_columns(verdict=pl.col("status"))
        ranked = self.comparison.table.join(status, on="model", how="left", maintain_order="left")
        others = status.filter(pl.col("status") != RANKED).with_columns(verdict=pl.col("status"))
        return pl.concat([ranked, others], how="diagonal")

    @property
    def not_ranked(self) -> tuple[Outcome, ...]:
        """The candidates that are not ranked."""
        return tuple(outcome for outcome in self.outcomes if outcome.status != RANKED)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON; NaN is None."""
        found = self.comparison.as_dict() if self.comparison is not None else {"ranking": [], "cautions": []}
        return {
            "cohort": {"name": self.cohort, "sha256": self.cohort_sha256, "patients": self.patients},
            "settings": vars(self.settings),
            **found,
            "models": {
                outcome.name: {
                    "status": outcome.status,
                    "reason": outcome.reason,
                    "model": None if outcome.candidate.model is None else outcome.candidate.model.describe(),
                    "leave_one_out": None if outcome.loo is None else outcome.loo.as_dict(),
                    "provenance": dict(outcome.provenance),
                }
                for outcome in self.outcomes
            },
        }

    def __repr__(self) -> str:
        ranked = len(self.outcomes) - len(self.not_ranked)
        return f"ModelComparison({self.cohort}, {ranked} of {len(self.outcomes)} models ranked)"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def compare_models(
    models: Mapping[str, JointModel] | Sequence[Candidate],
    cohort: Cohort,
    *,
    settings: FitSettings | None = None,
    folder: str | Path | None = None,
    loo_draws: int = 1000,
    watch: Watch = nullcontext,
    tell: Callable[[str], None] = lambda sentence: None,
) -> ModelComparison:
    """Return models fitted to one cohort and ranked by leave-one-out by patient.

    A fit that has not converged, or that ends in an error, is told as such and not ranked. One fit is held in memory
    at a time.

    Parameters
    ----------
    models : by name, or candidates (see `metachron.joint.model_grid`), of which those without a model are listed.
    settings : of every fit.
    folder : keeps every fit as it ends, in ``fits/<name>.fit``; a second call with the same models, cohort and
        settings takes them from there, and goes on with the one that was interrupted.
    loo_draws : posterior draws that leave-one-out rests on.
    watch : gives, for each fit, a context with the function that is called as chains go on.
    tell : called with a sentence when another part of the work begins.

    Raises
    ------
    ModelError
        When there are fewer than two candidates, none is possible, the cohort does not hold what a model describes,
        or they describe different outcomes.
    FitFileError
        When the folder keeps another fit under the name of one of these.
    InputError
        When the folder cannot be made.
    KeyboardInterrupt
        When interrupted; the fits that have ended are kept.
    """
    candidates = as_candidates(models)
    possible = _possible(candidates, cohort)
    place = None if folder is None else Path(folder) / FITS_FOLDER
    keeper = Keeper(cohort, settings or FitSettings(), place, watch, tell)
    files = _file_names(candidates)
    keeper.prepare({files[name]: model for name, model in possible.items()})
    outcomes = []
    for number, candidate in enumerate(candidates, start=1):
        tell(f"{number} of {len(candidates)}: {candidate.name}")
        outcomes.append(_outcome(candidate, keeper, files[candidate.name], loo_draws))
    ranked = {outcome.name: outcome.loo for outcome in outcomes if outcome.loo is not None}
    return ModelComparison(
        tuple(outcomes),
        rank(ranked) if ranked else None,
        cohort.name,
        cohort.fingerprint(),
        cohort.patients.height,
        keeper.settings,
    )


def _possible(candidates: Sequence[Candidate], cohort: Cohort) -> dict[str, JointModel]:
    """Return the models by name; `ModelError` before any work where there is no ranking to be had."""
    if len(candidates) < 2:
        raise ModelError("a comparison needs at least two models; name more laws, hazards, links or model files")
    models = {candidate.name: candidate.model for candidate in candidates if candidate.model is not None}
    if not models:
        reasons = list(dict.fromkeys(candidate.reason for candidate in candidates))
        raise ModelError(f"none of these models is possible: {list_briefly(reasons, 3)}")
    for model in models.values():
        model.bind(cohort)
    refuse_incomparable({name: (model, cohort.limit_mm) for name, model in models.items()})
    return models


def _file_names(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return a file name, without ending, for every candidate: letters, digits, hyphens; distinct."""
    names: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for candidate in candidates:
        plain = re.sub(r"[^\w.+-]+", "_", candidate.name).strip("_.") or "model"
        seen[plain.lower()] += 1
        names[candidate.name] = plain if seen[plain.lower()] == 1 else f"{plain}~{seen[plain.lower()]}"
    return names


def _outcome(candidate: Candidate, keeper: Keeper, file: str, loo_draws: int) -> Outcome:
    """Return what comes of a candidate: fitted, checked, and left out patient by patient."""
    if candidate.model is None:
        keeper.tell(f"not possible: {candidate.reason}")
        return Outcome(candidate, NOT_POSSIBLE, candidate.reason, {})
    provenance: Mapping[str, Any] = {}
    try:
        found = keeper.fit(candidate.model, file)
        provenance = found.provenance
        outcome = _judged(candidate, found, keeper, loo_draws)
    except FitFileError:
        raise
    except (MetachronError, ArithmeticError, np.linalg.LinAlgError) as error:
        outcome = Outcome(candidate, FAILED, str(error) or type(error).__name__, provenance)
    if outcome.status != RANKED:
        keeper.tell(f"{outcome.status}: {outcome.reason}")
    return outcome


def _judged(candidate: Candidate, found: Fit, keeper: Keeper, loo_draws: int) -> Outcome:
    if not found.diagnostics.converged:
        return Outcome(candidate, NOT_CONVERGED, "; ".join(found.diagnostics.failures), found.provenance)
    keeper.tell("leaving out patient by patient")
    loo = leave_one_out(found, draws=loo_draws, seed=keeper.settings.seed)
    if not np.isfinite(loo.elpd):
        reason = f"leave-one-out is not finite (elpd {loo.elpd})"
        return Outcome(candidate, FAILED, reason, found.provenance)
    return Outcome(candidate, RANKED, found.verdict, found.provenance, loo)
