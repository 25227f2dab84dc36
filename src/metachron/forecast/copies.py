"""Patients as a forecast looks at them: once per option, and once per value that an unknown covariate may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Int

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.joint import JointModel, Labels

IMPUTATIONS = 16
"""Values that an unknown covariate takes in turn, each from a patient of the trial that was fitted."""


@dataclass(frozen=True, eq=False)
class Copies:
    """A cohort in which every patient stands once per option and imputation.

    ``rows`` : for each patient, option and imputation the row of the cohort's patients; a patient whose covariates are
    all known has the same row for every imputation. ``imputed`` : by patient, the covariates that were not known.
    """

    cohort: Cohort
    rows: Int[np.ndarray, "patient option imputation"]
    imputed: dict[str, tuple[str, ...]]


def baseline_covariates(model: JointModel) -> list[str]:
    """Return the columns of the table patients that a model needs, beside arm and study."""
    return [column for column in model.covariate_columns if column not in ("arm", "study")]


def copy_patients(
    cohort: Cohort, model: JointModel, labels: Labels, options: Sequence[str], pool: pl.DataFrame | None, *, seed: int
) -> Copies:
    """Return the copies of a cohort's patients.

    Unknown covariates of a patient are taken together from one patient of ``pool`` (the table patients of the trial
    that was fitted), so that their relations are kept; the same ones for every option.

    Raises
    ------
    ModelError
        When a covariate is unknown and there is no pool to take it from.
    """
    used = baseline_covariates(model)
    absent = [column for column in used if column not in cohort.patients.columns]
    types = {column: pool.schema[column] if pool is not None else pl.String() for column in absent}
    patients = cohort.patients.with_columns(pl.lit(None, kind).alias(c) for c, kind in types.items())
    lacking = {str(row["patient"]): tuple(c for c in used if row[c] is None) for row in patients.iter_rows(named=True)}
    imputed = {patient: columns for patient, columns in lacking.items() if columns}
    count = IMPUTATIONS if imputed else 1
    order = pl.DataFrame({"imputation": range(count)})
    table = patients.with_row_index("number").join(order, how="cross", maintain_order="left_right")
    table = table.filter((pl.col("imputation") == 0) | pl.col("patient").is_in(list(imputed)))
    if imputed:
        table = _filled(table, used, imputed, pool, seed)
    table = table.join(pl.DataFrame({"arm_copied": list(options)}).with_row_index("option"), how="cross")
    table = table.sort("number", "option", "imputation").with_row_index("row")
    rows = np.zeros((patients.height, len(options), count), dtype=int)
    rows[:] = table.filter(pl.col("imputation") == 0)["row"].to_numpy().reshape(patients.height, len(options), 1)
    rows[tuple(table[name].to_numpy() for name in ("number", "option", "imputation"))] = table["row"].to_numpy()
    return Copies(_copied(cohort, table, model, labels), rows, imputed)


def _filled(
    table: pl.DataFrame, used: list[str], imputed: dict[str, tuple[str, ...]], pool: pl.DataFrame | None, seed: int
) -> pl.DataFrame:
    """Return the table with its empty covariates filled from patients of the pool who have them all."""
    names = sorted({column for columns in imputed.values() for column in columns})
    if pool is None:
        raise ModelError(
            f"covariate {list_briefly(map(repr, names))} of the model is empty for {len(imputed)} patients "
            f"({list_briefly(imputed)}), and the fit holds no patients to take values from; fill the cells"
        )
    donors = pool.drop_nulls(used)
    drawn = np.random.default_rng(seed).integers(0, donors.height, table.height)
    given = donors[drawn].select(pl.col(column).alias(f"{column}\x1f") for column in names)
    filled = pl.concat([table, given], how="horizontal")
    return filled.with_columns(pl.coalesce(column, f"{column}\x1f").alias(column) for column in names).drop(
        given.columns
    )


def _copied(cohort: Cohort, table: pl.DataFrame, model: JointModel, labels: Labels) -> Cohort:
    """Return the cohort of the copies, each under its option and with the sizes and events of its patient."""
    copy = pl.col("row").cast(pl.String)
    names = table.select("patient", copy.alias("copy"))
    studies = [_study_with(model, labels, *own) for own in table.select("study", "arm_copied").iter_rows()]
    patients = table.select(
        copy.alias("patient"),
        pl.Series("study", studies, pl.String),
        pl.col("arm_copied").alias("arm"),
        pl.exclude("row", "patient", "study", "arm", "arm_copied", "number", "option", "imputation"),
    )
    frames = {
        name: names.join(frame, on="patient", maintain_order="left")
        .with_columns(pl.col("copy").alias("patient"))
        .select(frame.columns)
        for name, frame in cohort.tables.items()
        if name != "patients"
    }
    return replace(cohort.with_rows({"patients": patients, **frames}), accepted=())


def _study_with(model: JointModel, labels: Labels, study: str, arm: str) -> str:
    """Return the patient's study, or any that had the arm where no parameter depends on the study.

    Raises
    ------
    ModelError
        When parameters differ by study and arm, and the study did not have the arm.
    """
    if f"{study}:{arm}" in labels.study_arms:
        return study
    parameters = model.dynamics.parameters if model.dynamics else ()
    if any("study-arm" in (parameter.group, parameter.spread) for parameter in parameters):
        raise ModelError(
            f"parameters of the fit differ by study and arm, and it has no {study}:{arm}; it has "
            f"{list_briefly(labels.study_arms)}"
        )
    return next(name for name in labels.study_arms if name.endswith(f":{arm}")).removesuffix(f":{arm}")
