"""Which organs have lesions at baseline, as covariates: ``involved_liver`` is yes or no for every patient."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from metachron.cohort.cohort import Cohort
from metachron.cohort.schema import ORGANS

PREFIX = "involved_"
COLUMNS = tuple(f"{PREFIX}{organ}" for organ in ORGANS)


def baseline_organs(cohort: Cohort) -> pl.DataFrame:
    """Return patient and organ, the list of organs with a lesion at day 0 or before, one row per patient in order.

    An organ stands there once per lesion row; lesions recorded as absent do not count. Null: of the patient's lesions
    nothing is known at baseline.
    """
    seen = cohort.measurements.filter((pl.col("day") <= 0) & (pl.col("state") != "absent"))
    sites = seen.join(cohort.lesions, on=["patient", "lesion"], how="inner").group_by("patient").agg("organ")
    return cohort.patients.select("patient").join(sites, on="patient", how="left", maintain_order="left")


def with_involvement(cohort: Cohort, columns: Iterable[str]) -> Cohort:
    """Return the cohort with those of ``columns`` that name the involvement of an organ, where patients lack them.

    ``yes`` where a lesion in the organ, of whatever role, was recorded at day 0 or before and not as absent; ``no``
    where lesions were recorded then and none of them in the organ; empty for a patient of whose lesions nothing is
    known at baseline. A column that the table patients has already is left as it is.
    """
    wanted = [name for name in columns if name in COLUMNS and name not in cohort.patients.columns]
    if not wanted:
        return cohort
    known = baseline_organs(cohort)
    found = [
        pl.when(pl.col("organ").list.contains(name.removeprefix(PREFIX))).then(pl.lit("yes"))
        .when(pl.col("organ").is_not_null()).then(pl.lit("no")).alias(name)
        for name in wanted
    ]  # fmt: skip
    return cohort.with_rows({"patients": cohort.patients.with_columns(known.select(found))})
