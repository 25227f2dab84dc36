"""Features of patients as covariates of a cohort."""

from __future__ import annotations

import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort


def with_features(cohort: Cohort, *tables: pl.DataFrame) -> Cohort:
    """Return the cohort with the columns of ``tables`` as covariates of its patients, and a note that names them.

    Parameters
    ----------
    tables : column patient, one row per patient at most, and features: numbers, labels, or true and false, which become
        1 and 0 as in every cohort. A patient without a row has empty cells.

    Raises
    ------
    ModelError
        When a table has no column patient, names a patient twice or one that the cohort does not have, or brings a
        column that the cohort has.
    InputError
        When a value breaks a rule of the cohort.
    """
    patients, added = cohort.patients, []
    for table in tables:
        _refuse_misfit(cohort.name, table, patients)
        patients = patients.join(table, on="patient", how="left", maintain_order="left")
        added += [name for name in table.columns if name != "patient"]
    if not added:
        return cohort
    return Cohort.create(
        cohort.name,
        {**cohort.tables, "patients": patients},
        limit_mm=cohort.limit_mm,
        accept=cohort.accepted,
        notes=(*cohort.notes, f"covariates were computed from other tables: {list_briefly(added, 30)}"),
        provenance=cohort.provenance,
        unused=cohort.unused,
    )


def _refuse_misfit(name: str, table: pl.DataFrame, patients: pl.DataFrame) -> None:
    if "patient" not in table.columns:
        raise ModelError("a table of features needs a column patient")
    if table["patient"].is_duplicated().any():
        raise ModelError("a table of features must have one row per patient at most")
    unknown = table.filter(~pl.col("patient").is_in(patients["patient"].implode()))["patient"].to_list()
    if unknown:
        raise ModelError(f"{name} has no patient {list_briefly(unknown)}")
    twice = sorted((set(table.columns) & set(patients.columns)) - {"patient"})
    if twice:
        raise ModelError(f"{name} has a column {list_briefly(twice)} already; give the feature another name")
