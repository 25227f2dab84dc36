"""Maxima of the likelihood of models with some terms and without, each fitted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from metachron.base import ModelError
from metachron.benefit.fitting import TermsFit
from metachron.cohort import Cohort

if TYPE_CHECKING:
    from metachron.inference import Estimate
    from metachron.joint import JointModel

ERROR_TOLD = 0.2
"""Numerical error (one sd) of a likelihood ratio from which on it is told: at a p value of 0.05, where the ratio is
3.84, an error of 0.2 is one of 0.006 in p (density of chi-squared with one degree of freedom: 0.030)."""

ERROR_REFUSED = 1.0
"""The same from which on there is no answer: a ratio of 3.84 might be 2.84 or 4.84, a p value of 0.05 be 0.09 or 0.03,
and where integrals are as bad as that standard errors are not to be had either."""


@dataclass(frozen=True, eq=False)
class Maxima:
    """Maxima by model and cohort; ``tell`` is called with a sentence before every fit, ``seed`` is of the nodes."""

    seed: int
    tell: Callable[[str], None]
    kept: dict[tuple[JointModel, str], Estimate] = field(default_factory=dict)

    def find(self, model: JointModel, cohort: Cohort, what: str) -> Estimate:
        """Return the maximum of the likelihood; the cohort keeps no covariate but those of the model."""
        from metachron.inference import estimate

        own = [column for column in model.covariate_columns if column in cohort.covariates]
        cohort = cohort.with_rows({"patients": cohort.patients.select("patient", "study", "arm", *own)})
        key = model, cohort.fingerprint()
        if key not in self.kept:
            self.tell(what)
            self.kept[key] = estimate(model, cohort, "ml", seed=self.seed)
        return self.kept[key]

    def compare(
        self,
        full: Estimate,
        null: Estimate | None,
        weights: Mapping[str, Mapping[str, float]],
        tested: tuple[str, ...],
    ) -> TermsFit:
        """Return the terms of a model and the likelihood ratio against the one without those tested.

        Parameters
        ----------
        null : the model without; None: there is no likelihood ratio, it is NaN.
        weights : each term as a sum of parameters of the model, by name and weight.

        Raises
        ------
        ModelError
            When the integrals over patient effects are too inexact to tell.
        """
        value, covariance = combine(full, list(weights.values()))
        ratio, notes = float("nan"), list(full.warnings)
        error = 2.0 * float(np.hypot(full.log_likelihood_error, null.log_likelihood_error if null else 0.0))
        if error > ERROR_REFUSED:
            raise ModelError(
                f"the integrals over patient effects are too inexact: a likelihood ratio has a numerical error of "
                f"{error:.1f}. What usually helps: a law with fewer parameters (--law stein-fojo or random-slope-log), "
                "or fewer terms"
            )
        if null is not None:
            ratio = max(2.0 * (full.log_likelihood - null.log_likelihood), 0.0)
            if error > ERROR_TOLD:
                notes.append(f"the likelihood ratio has a numerical error of {error:.1f}")
        return TermsFit(tuple(weights), value, covariance, tested, ratio, "; ".join(notes))


def combine(found: Estimate, rows: Sequence[Mapping[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return linear combinations of estimates, each given by weights of names, and their covariance."""
    order = {name: index for index, name in enumerate(found.table["parameter"])}
    contrast = np.zeros((len(rows), len(order)))
    for row, weights in zip(contrast, rows, strict=True):
        for name, weight in weights.items():
            row[order[name]] = weight
    return contrast @ found.table["estimate"].to_numpy(), contrast @ found.covariance @ contrast.T
