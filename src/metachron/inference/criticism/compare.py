"""Models of the same patients ranked by leave-one-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.fit import Fit


@dataclass(frozen=True, eq=False)
class Comparison:
    """A table of models, best first, and the leave-one-out of each.

    ``table`` : model, elpd, se, difference (to the best), difference_se (of that difference, by patient), p_loo,
    weak (patients with Pareto k above 0.7). Densities of sizes are per mm, whatever the scale of the model.
    """

    table: pl.DataFrame
    each: Mapping[str, LeaveOneOut]

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def compare_fits(fits: Mapping[str, Fit], *, draws: int = 1000, seed: int = 1) -> Comparison:
    """Return fits of the same patients and outcomes ranked by leave-one-out.

    Raises
    ------
    ModelError
        When the fits are not of the same cohort, or do not describe the same outcomes: a model without a hazard is
        not comparable with one that also has to foretell death.
    """
    if not fits:
        raise ModelError("there is nothing to compare: no fit was given")
    cohorts = {fit.provenance["cohort_sha256"] for fit in fits.values()}
    if len(cohorts) > 1:
        raise ModelError("fits of different cohorts cannot be compared: leave-one-out is a sum over the same patients")
    outcomes = {(fit.model.dynamics is None, fit.model.hazard is None) for fit in fits.values()}
    sizes = {fit.model.dynamics.size for fit in fits.values() if fit.model.dynamics is not None}
    events = {fit.model.hazard.event for fit in fits.values() if fit.model.hazard is not None}
    limits = {fit.labels.limit_mm for fit in fits.values() if fit.model.dynamics is not None}
    if len(outcomes) > 1 or len(sizes) > 1 or len(events) > 1 or len(limits) > 1:
        raise ModelError(
            "models of different outcomes cannot be compared: all must describe sizes (of sums, or of lesions, "
            "with one limit), or the same event, or both"
        )
    each = {name: leave_one_out(fit, draws=draws, seed=seed) for name, fit in fits.items()}
    best = max(each, key=lambda name: each[name].elpd)
    rows = []
    for name, found in sorted(each.items(), key=lambda item: -item[1].elpd):
        difference = found.table["elpd"].to_numpy() - each[best].table["elpd"].to_numpy()
        error = float(np.sqrt(len(difference)) * difference.std(ddof=1))
        rows.append((name, found.elpd, found.se, float(difference.sum()), error, found.p_loo, len(found.weak_patients)))
    names = ["model", "elpd", "se", "difference", "difference_se", "p_loo", "weak"]
    return Comparison(pl.DataFrame(rows, schema=names, orient="row"), each)
