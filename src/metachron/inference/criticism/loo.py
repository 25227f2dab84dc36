"""Leave-one-out by patient: how well a model foretells a patient it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from metachron.inference.criticism.patient_likelihood import patient_log_likelihood
from metachron.inference.diagnostics import number_or_none
from metachron.inference.fit import Fit
from metachron.inference.pareto import pareto_smooth

K_LIMIT = 0.7


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Expected log predictive density of a new patient's data: sizes and event together, effects integrated out.

    Parameters
    ----------
    table : per patient: patient, elpd, p_loo, pareto_k, mcse (Monte Carlo error of elpd), integral_error.
    elpd, se : sum over patients, and its standard error from the variation between patients.
    p_loo : effective number of parameters. ``mcse`` : Monte Carlo error of ``elpd``, integrals counted.
    weak_patients : whose k is above 0.7: their elpd is not to be trusted.
    """

    table: pl.DataFrame
    elpd: float
    se: float
    p_loo: float
    mcse: float
    weak_patients: tuple[str, ...]

    @property
    def max_pareto_k(self) -> float:
        """The largest k of a patient; NaN from fewer than 30 draws."""
        return float(self.table["pareto_k"].max())  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Return the totals for JSON."""
        return {
            "elpd": self.elpd,
            "se": number_or_none(self.se),
            "p_loo": self.p_loo,
            "mcse": self.mcse,
            "max_pareto_k": number_or_none(self.max_pareto_k),
            "weak_patients": list(self.weak_patients),
        }

    def __repr__(self) -> str:
        weak = f", {len(self.weak_patients)} patients with k above {K_LIMIT}" if self.weak_patients else ""
        return f"LeaveOneOut(elpd {self.elpd:.1f}, se {self.se:.1f}, p_loo {self.p_loo:.1f}{weak})"


def leave_one_out(fit: Fit, *, draws: int = 1000, seed: int = 1) -> LeaveOneOut:
    """Return PSIS-LOO by patient (Vehtari 2017, doi:10.1007/s11222-016-9696-4) of the joint likelihood.

    Because patient effects are integrated out, the number is what the model says of a patient it has never seen, and
    Pareto k stays small; LOO of the conditional likelihood would judge effects that were fitted to the same data.
    Works for a fit of either engine. ``draws`` : posterior draws used, evenly thinned.

    Raises
    ------
    ModelError
        When the fit holds no cohort, or its effects cannot be integrated out.
    """
    values, error = patient_log_likelihood(fit, draws=draws, seed=seed)
    rows = []
    for patient, own, integral in zip(fit.labels.patients, values.T, error, strict=True):
        k, weight = pareto_smooth(-own)
        largest = own.max()
        ratio = np.exp(own - largest)
        mean = float(np.sum(weight * ratio))
        elpd = float(largest + np.log(mean))
        mcse = float(np.sqrt(np.sum(np.square(weight * (ratio - mean)))) / mean)
        whole = float(largest + np.log(np.mean(ratio)))
        rows.append((patient, elpd, whole - elpd, k, mcse, float(integral)))
    names = ["patient", "elpd", "p_loo", "pareto_k", "mcse", "integral_error"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    by_patient = table["elpd"].to_numpy()
    errors = np.hypot(table["mcse"].to_numpy(), table["integral_error"].to_numpy())
    return LeaveOneOut(
        table,
        float(by_patient.sum()),
        float(np.sqrt(len(by_patient)) * by_patient.std(ddof=1)) if len(by_patient) > 1 else float("nan"),
        float(table["p_loo"].sum()),
        float(np.sqrt(np.sum(np.square(errors)))),
        tuple(table.filter(pl.col("pareto_k") > K_LIMIT)["patient"].to_list()),
    )
