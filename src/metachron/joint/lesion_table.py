"""Which series are the lesions of each patient: for links that look at all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort, CohortArrays
from metachron.cohort.schema import ORGANS

_STEP = 4


class LesionTable(NamedTuple):
    """The lesions of each patient, in as many columns as the patient with the most of them needs.

    ``series`` is the index of the series, ``site`` that of the organ in `metachron.cohort.schema.ORGANS`; ``weight`` is
    1, and 0 for padding.
    """

    series: Int[Array, "patient lesion"]
    site: Int[Array, "patient lesion"]
    weight: Float[Array, "patient lesion"]


class Lesions(NamedTuple):
    """The lesions of each patient with their parameters, on the transform scale and by name."""

    psi: dict[str, Float[Array, "patient lesion"]]
    site: Int[Array, "patient lesion"]
    weight: Float[Array, "patient lesion"]


def tabulate_lesions(patients: int, series_patient: Int[np.ndarray, " series"], organ: Sequence[str]) -> LesionTable:
    """Return the table of lesions.

    Parameters
    ----------
    patients : number of rows.
    series_patient : patient index of each series.
    organ : of each series; series beyond its length are padding.
    """
    owner = np.asarray(series_patient)[: len(organ)]
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=patients)
    column = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = -(-max(int(counts.max(initial=1)), 1) // _STEP) * _STEP
    series, site, weight = np.zeros((patients, most), int), np.zeros((patients, most), int), np.zeros((patients, most))
    place = owner[order], column
    series[place], weight[place] = order, 1.0
    site[place] = np.asarray([ORGANS.index(name) for name in organ], dtype=int)[order]
    return LesionTable(jnp.asarray(series), jnp.asarray(site), jnp.asarray(weight))


def check_lesions(cohort: Cohort, arrays: CohortArrays) -> None:
    """Raise `ModelError` for patients without any lesion: how large theirs are is unknown, not 0."""
    owners = set(arrays.series_patient[: len(arrays.series_ids)].tolist())
    if without := [name for place, name in enumerate(arrays.patient_ids) if place not in owners]:
        raise ModelError(
            f"a link of the model looks at all lesions of a patient, and {len(without)} patients of cohort "
            f"{cohort.name!r} have no usable size of a lesion in table measurements ({list_briefly(without)}); "
            "leave them out, add their lesions, or take a link to the patient's parameters (log-growth ...)"
        )
