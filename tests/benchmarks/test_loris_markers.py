"""Candidate terms of the competitor of LORIS: the same in every cohort, and truncated as LORIS truncates."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.loris_markers import EIGHT, INPUTS, SIX, design_of, has

from metachron.cohort.read import load


@pytest.mark.usefixtures("data_dir")
def test_every_cohort_has_the_terms_of_the_training() -> None:
    """Also where a value is the same in all patients, or a cancer type does not occur."""
    terms = design_of(load("loris-chowell-train"), SIX).terms
    for name in ("loris-kato-pancancer", "loris-msk2", "loris-shim-nsclc"):
        assert design_of(load(name), SIX).terms == terms
    assert not has(load("loris-kato-pancancer"), EIGHT)
    assert has(load("loris-chowell-test"), INPUTS["all sixteen"])


@pytest.mark.usefixtures("data_dir")
def test_terms_are_what_their_names_say() -> None:
    cohort = load("loris-msk2")
    design = design_of(cohort, SIX)
    column = dict(zip(design.terms, design.columns.T, strict=True))
    assert len(design.patients) == 100  # four have no history of therapy
    assert column["tmb_per_mb"].max() == 50.0
    assert column["nlr^2"] == pytest.approx(column["nlr"] ** 2)
    assert column["log tmb_per_mb"] == pytest.approx(np.log1p(column["tmb_per_mb"]))
    assert not any(values.any() for name, values in column.items() if "cancer_type=" in name)
    inside = column["log tmb_per_mb x prior_systemic_therapy"]
    assert inside == pytest.approx(column["log tmb_per_mb"] * column["prior_systemic_therapy"])
