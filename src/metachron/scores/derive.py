"""Input columns that a cohort lacks and that follow from other columns or from its lesions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from metachron.cohort import Cohort
from metachron.cohort.involvement import baseline_organs, with_involvement


@dataclass(frozen=True, eq=False)
class Ratio:
    """A column that is computed from others of the table patients."""

    needs: tuple[str, ...]
    value: pl.Expr


RATIOS = {
    "nlr": Ratio(
        ("neutrophils_per_nl", "lymphocytes_per_nl"), pl.col("neutrophils_per_nl") / pl.col("lymphocytes_per_nl")
    ),
    "dnlr": Ratio(
        ("neutrophils_per_nl", "leukocytes_per_nl"),
        pl.col("neutrophils_per_nl") / (pl.col("leukocytes_per_nl") - pl.col("neutrophils_per_nl")),
    ),
}
"""dNLR: Proctor 2012, doi:10.1038/bjc.2012.292."""
FROM_LESIONS = ("involved_liver", "met_sites")


def with_derived(cohort: Cohort, columns: Iterable[str]) -> Cohort:
    """Return the cohort with those of ``columns`` that it lacks and that can be derived.

    ``nlr`` and ``dnlr`` come from counts per nL; ``involved_liver`` and ``met_sites`` from the lesions at baseline:
    ``met_sites`` is the number of organs other than ``primary`` in which a lesion was recorded, null where one is in an
    ``unknown`` organ. Both are null for a patient of whose lesions nothing is known at baseline. A column that the
    table patients has is left as it is.
    """
    wanted = [name for name in dict.fromkeys(columns) if name not in cohort.patients.columns]
    ratios = [RATIOS[name].value.alias(name) for name in wanted if _possible(cohort, name)]
    if ratios:
        cohort = cohort.with_rows({"patients": cohort.patients.with_columns(ratios)})
    if cohort.lesions.is_empty():
        return cohort
    cohort = with_involvement(cohort, wanted)
    if "met_sites" in wanted:
        cohort = cohort.with_rows({"patients": cohort.patients.with_columns(_sites(cohort))})
    return cohort


def sources_of(column: str) -> str:
    """Return the name of a column, with what it can be derived from."""
    if column in RATIOS:
        return f"{column} (or {' and '.join(RATIOS[column].needs)})"
    return f"{column} (or lesions)" if column in FROM_LESIONS else column


def _possible(cohort: Cohort, column: str) -> bool:
    return column in RATIOS and all(name in cohort.patients.columns for name in RATIOS[column].needs)


def _sites(cohort: Cohort) -> pl.Series:
    organs = pl.col("organ").list.unique()
    others = organs.list.len() - organs.list.contains("primary").cast(pl.UInt32)
    number = pl.when(~organs.list.contains("unknown")).then(others.cast(pl.Float64))
    return baseline_organs(cohort).select(number.alias("met_sites"))["met_sites"]
