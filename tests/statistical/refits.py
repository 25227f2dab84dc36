"""Exact leave-one-out: every patient left out in turn, the model fitted to the others, and the patient foretold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from metachron.cohort import Cohort
from metachron.inference import fit
from metachron.inference.criticism.patient_likelihood import patient_log_likelihood
from metachron.inference.diagnostics import summarise_draws
from metachron.joint import JointModel
from statistical.resumable import resume


@dataclass(frozen=True)
class Refits:
    """How each refit is made: chains, warm-up, draws of each chain."""

    chains: int = 2
    warmup: int = 200
    draws: int = 1000


def exact_leave_one_out(name: str, model: JointModel, cohort: Cohort, *, patients: int, refits: Refits) -> pl.DataFrame:
    """Return patient, elpd, error (Monte Carlo, with the draws' autocorrelation), integral_error and word, by patient.

    elpd is the log of the mean over a refit's draws of the likelihood of the patient left out, effects integrated out.
    Done refits are read from disk.
    """
    settings = [model.to_toml(), cohort.fingerprint(), str(refits)]

    def refit(index: int) -> dict[str, Any]:
        return foretell(model, cohort, index, refits=refits, seed=1000 + index)

    return pl.DataFrame(resume(name, settings, patients, refit, marginal=True, tests=__file__))


def foretell(model: JointModel, cohort: Cohort, index: int, *, refits: Refits, seed: int) -> dict[str, Any]:
    """Return what a fit to all patients but one says of that one."""
    out = cohort.patient_ids[index]
    others = cohort.select([patient for patient in cohort.patient_ids if patient != out])
    size = {"chains": refits.chains, "warmup": refits.warmup, "draws": refits.draws}
    result = fit(model, others, engine="marginal", seed=seed, check=False, **size)  # type: ignore[arg-type]
    values, integral = patient_log_likelihood(result, cohort=cohort, draws=refits.chains * refits.draws, seed=seed)
    own = values[:, index]
    ratio = np.exp(own - own.max()).reshape(refits.chains, refits.draws, 1)
    mean, error = summarise_draws(["ratio"], ratio).select("mean", "mcse_mean").row(0)
    return {
        "patient": out,
        "elpd": float(own.max() + np.log(mean)),
        "error": error / mean,
        "integral_error": float(integral[index]),
        "word": result.provenance["integrals"]["word"],
    }
