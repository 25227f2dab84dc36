"""Allele fractions of a patient in three numbers: how much of the sample comes from the tumour, roughly."""

from __future__ import annotations

import polars as pl

from metachron.cohort import Cohort
from metachron.scores.sequencing import sequenced_patients
from metachron.scores.variants import VariantFilter, select_variants

EVERY = VariantFilter(lowest_allele_fraction=0.0)
"""Every variant; an empty allele fraction is refused."""


def allele_fraction_summaries(cohort: Cohort, *, sequenced: str, variants: VariantFilter = EVERY) -> pl.DataFrame:
    """Return patient, variants (their number) and the largest, mean and median allele fraction of those that count.

    Columns: variant_count, max_allele_fraction, mean_allele_fraction, median_allele_fraction. The number is 0 and the
    fractions are null for a patient who was sequenced and has no variant that counts; all are null for one who was not
    sequenced. Variants that are inherited have fractions near one half or one, and raise all three: leave them out by
    ``highest_allele_fraction`` where the table holds them.

    Parameters
    ----------
    sequenced : column that says who was sequenced, see `sequenced_patients`.
    variants : which variants count; allele fractions that are empty are left out, unless the rule has a bound of them.

    Raises
    ------
    ModelError, InputError
        As `sequenced_patients` and `select_variants` do.
    """
    patients = sequenced_patients(cohort, sequenced)
    counted = select_variants(cohort, variants)
    fraction = pl.col("allele_fraction")
    summaries = counted.group_by("patient").agg(
        variant_count=pl.len().cast(pl.Float64),
        max_allele_fraction=fraction.max(),
        mean_allele_fraction=fraction.mean(),
        median_allele_fraction=fraction.median(),
    )
    table = patients.join(summaries, on="patient", how="left", maintain_order="left")
    number = pl.when("sequenced").then(pl.col("variant_count").fill_null(0.0))
    return table.with_columns(variant_count=number).drop("sequenced")
