"""What the competitor of LORIS may use: candidate terms from the inputs that a cohort has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.cohort import Cohort
from metachron.scores.loris import CANCER_TERM

SIX = ("tmb_per_mb", "prior_systemic_therapy", "albumin_g_per_dl", "nlr", "age_year", "cancer_type")
EIGHT = (*SIX, "sex", "drug_class")
ALL = (
    *EIGHT, "stage_iv", "platelets_per_nl", "haemoglobin_g_per_dl", "bmi_kg_per_m2", "msi_unstable",
    "fraction_copy_number_altered", "hla_loh", "hla_evolutionary_divergence",
)  # fmt: skip
INPUTS = {"the six inputs of LORIS": SIX, "six, sex, drug class": EIGHT, "all sixteen": ALL}
"""Sets of inputs: what every cohort has, what most have, what the training cohort and its sister have."""
UPPER = {"tmb_per_mb": 50.0, "nlr": 25.0, "age_year": 85.0}
"""As LORIS truncates them, so that the functional form and the weights alone differ."""
FLAGS = ("prior_systemic_therapy", "stage_iv", "msi_unstable", "hla_loh")
SKEWED = ("tmb_per_mb", "nlr", "platelets_per_nl")
LABELS = {"sex": ("male",), "drug_class": ("combination", "CTLA-4"), "cancer_type": tuple(CANCER_TERM)}


@dataclass(frozen=True, eq=False)
class Design:
    """Terms of the patients who have every input: names, columns, and who they are."""

    terms: tuple[str, ...]
    columns: np.ndarray
    patients: tuple[str, ...]


def has(cohort: Cohort, inputs: tuple[str, ...]) -> bool:
    """Return whether the table patients has all of the inputs."""
    return set(inputs) <= set(cohort.patients.columns)


def design_of(cohort: Cohort, inputs: tuple[str, ...]) -> Design:
    """Return the candidate terms.

    Each number as it is (truncated), its square, and its logarithm where it is skewed; each label and yes or no as 0
    and 1; the logarithm of TMB within each cancer type and after earlier therapy. A label that the training does not
    know has 0 in all its columns, as in LORIS.
    """
    table = cohort.patients.drop_nulls(list(inputs))
    terms: dict[str, np.ndarray] = {}
    for name in inputs:
        if name in LABELS:
            words = table[name].cast(pl.String).str.to_lowercase()
            terms |= {f"{name}={label}": (words == label.lower()).to_numpy().astype(float) for label in LABELS[name]}
            continue
        values = np.minimum(table[name].cast(pl.Float64).to_numpy(), UPPER.get(name, np.inf))
        terms[name] = values
        if name not in FLAGS:
            terms[f"{name}^2"] = values**2
        if name in SKEWED:
            terms[f"log {name}"] = np.log1p(values)
    burden = terms["log tmb_per_mb"]
    within = [name for name in terms if name.startswith("cancer_type=") or name == "prior_systemic_therapy"]
    terms |= {f"log tmb_per_mb x {name}": burden * terms[name] for name in within}
    return Design(tuple(terms), np.column_stack(list(terms.values())), tuple(table["patient"]))
