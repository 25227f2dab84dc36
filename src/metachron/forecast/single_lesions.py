"""The lesions of patients in a forecast, where sizes are modelled lesion by lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.joint import Binding, JointModel, Labels
from metachron.joint.lesion_table import tabulate_lesions

_NAMES = {"patient": pl.String, "column": pl.Int64, "lesion": pl.String, "organ": pl.String, "in_sum": pl.Boolean}


@dataclass(frozen=True, eq=False)
class LesionNames:
    """Which lesions the columns of a binding's table of lesions are.

    ``names`` : patient, column, lesion, organ, in_sum; ``target`` : 1 where a lesion counts in the sum of diameters.
    Empty, and without columns, where sizes are sums.
    """

    names: pl.DataFrame
    target: Float[np.ndarray, "patient lesion"]


def bind_copies(model: JointModel, cohort: Cohort, labels: Labels) -> Binding:
    """Return the binding of a cohort under a fit; of single lesions with the table of each patient's lesions."""
    binding = model.bind(cohort, labels)
    if not model.single_lesions or binding.design.lesions is not None:
        return binding
    owner = np.asarray(binding.design.series_patient)
    table = tabulate_lesions(binding.dims.patients, owner, ["unknown"] * len(binding.labels.series))
    return Binding(binding.design._replace(lesions=table), binding.dims, binding.labels)


def check_targets(cohort: Cohort, used: pl.DataFrame) -> None:
    """Raise `ModelError` for patients without a target lesion that has a size: their sum would mean nothing.

    Parameters
    ----------
    used : the sizes of single lesions (patient, lesion).
    """
    targets = cohort.lesions.filter(pl.col("role") == "target")
    known = used.join(targets, on=["patient", "lesion"], how="semi")
    without = cohort.patients.join(known, on="patient", how="anti")["patient"].to_list()
    if without:
        raise ModelError(
            f"patients {list_briefly(without)} have no target lesion with a size (table lesions, column role): "
            "progression by size is that of the sum over target lesions; name the role of their lesions"
        )


def lesion_names(cohort: Cohort, binding: Binding, rows: Int[np.ndarray, " patient"]) -> LesionNames:
    """Return the lesions of each patient of a cohort.

    Parameters
    ----------
    binding : of copies of the cohort's patients.
    rows : of each patient, one of its copies.
    """
    table = binding.design.lesions
    if table is None:
        return LesionNames(pl.DataFrame(schema=_NAMES), np.zeros((len(rows), 0)))
    known = {(p, n): (o, r) for p, n, o, r in cohort.lesions.select("patient", "lesion", "organ", "role").iter_rows()}
    series, weight = np.asarray(table.series), np.asarray(table.weight)
    found, target = [], np.zeros((len(rows), series.shape[1]))
    for place, (patient, row) in enumerate(zip(cohort.patient_ids, rows, strict=True)):
        for column in np.flatnonzero(weight[row]):
            name = str(binding.labels.series[series[row, column]][1])
            organ, role = known[patient, name]
            found.append((patient, int(column), name, organ, role == "target"))
            target[place, column] = role == "target"
    return LesionNames(pl.DataFrame(found, _NAMES, orient="row"), target)
