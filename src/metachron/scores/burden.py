"""Tumour mutational burden from variants: a count in blood, a count per megabase in tissue.

The rule and the size of the panel are always stated: burdens of different panels and rules are not exchangeable.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from metachron.base import InputError, ModelError, Problem
from metachron.cohort import Cohort
from metachron.scores.sequencing import sequenced_patients
from metachron.scores.variants import VariantFilter, select_variants


@dataclass(frozen=True)
class BurdenRule:
    """How a burden is computed.

    Parameters
    ----------
    column : name of the result.
    variants : which variants count.
    panel_mb : size of the coding region in which variants were looked for, in megabases; None: the burden is a count.
    source : publication or assay.
    """

    column: str
    variants: VariantFilter
    panel_mb: float | None
    source: str = ""

    def __post_init__(self) -> None:
        if self.panel_mb is not None and not self.panel_mb > 0:
            raise ModelError(f"the size of a panel must be above 0 megabases; found {self.panel_mb}")


BLOOD_TMB = BurdenRule(
    column="btmb",
    variants=VariantFilter(excluded=(("omitted_driver_mutation", "yes"),)),
    panel_mb=None,
    source="Gandara and others 2018, Nat Med 24:1441, doi:10.1038/s41591-018-0134-3",
)
"""Blood TMB of OAK and POPLAR: the number of plasma substitutions, synonymous ones too, known drivers left out."""


def mutational_burden(cohort: Cohort, rule: BurdenRule, *, sequenced: str) -> pl.DataFrame:
    """Return patient and the burden: counted variants, divided by the size of the panel where it has one.

    0 for a patient who was sequenced and has no variant that counts, null for one who was not sequenced. With blood,
    ``rule=BLOOD_TMB, sequenced="biomarker_evaluable"`` gives the published burden of all patients of OAK and POPLAR.

    Parameters
    ----------
    sequenced : column that says who was sequenced, see `sequenced_patients`.

    Raises
    ------
    ModelError, InputError
        As `sequenced_patients` and `select_variants` do; InputError too when a patient has variants of several samples
        (column ``sample``), which would be counted together.
    """
    patients = sequenced_patients(cohort, sequenced)
    _refuse_several_samples(cohort)
    counted = select_variants(cohort, rule.variants).group_by("patient").agg(pl.len().cast(pl.Float64).alias("count"))
    table = patients.join(counted, on="patient", how="left", maintain_order="left")
    burden = pl.col("count").fill_null(0.0) / (rule.panel_mb or 1.0)
    return table.select("patient", pl.when("sequenced").then(burden).alias(rule.column))


def _refuse_several_samples(cohort: Cohort) -> None:
    if "sample" not in cohort.alterations.columns:
        return
    several = cohort.alterations.group_by("patient").agg(pl.col("sample").n_unique()).filter(pl.col("sample") > 1)
    if several.height:
        problem = Problem(
            "several-samples",
            found="variants of more than one sample",
            expected="one sample per patient",
            remedy="keep the rows of one sample of each patient",
            why="the variants of all samples would be counted together",
            table="alterations",
            column="sample",
            patients=tuple(several["patient"].sort()),
        )
        raise InputError([problem], cohort.name)
