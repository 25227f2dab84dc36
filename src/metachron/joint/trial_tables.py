"""The tables of a simulated cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import AcceptedException, Cohort
from metachron.cohort.new_lesions import NEW_LESION
from metachron.cohort.schema import MAX_LESION_MM, MAX_SUM_MM
from metachron.joint.parts import ModelParts


class Observed(NamedTuple):
    """One entry per recorded size (or per visit, where there are no sizes)."""

    patient: np.ndarray
    day: np.ndarray
    series: np.ndarray | None
    size_mm: np.ndarray | None
    below: np.ndarray | None


def patients_in_arms(arms: Mapping[str, int], study: str = "simulated") -> pl.DataFrame:
    """Return a table ``patients`` with the given number of patients per arm, numbered from 1."""
    labels = [arm for arm, count in arms.items() for _ in range(count)]
    width = len(str(len(labels)))
    names = [f"P{index + 1:0{width}d}" for index in range(len(labels))]
    return pl.DataFrame({"patient": names, "study": [study] * len(labels), "arm": labels})


def simulated_cohort(
    model: ModelParts,
    name: str,
    patients: pl.DataFrame,
    lesions: pl.DataFrame | None,
    observed: Observed,
    event_year: np.ndarray,
    end_year: np.ndarray,
    limit_mm: float,
    new_lesions: pl.DataFrame | None = None,
) -> Cohort:
    """Return the cohort that was observed: sizes, visits, events, new lesions and follow-up."""
    identifiers = np.asarray(patients["patient"].to_list(), dtype=object)
    tables = {"patients": patients, "visits": visit_table(identifiers, observed)}
    if lesions is not None:
        tables["lesions"] = lesions
    if observed.size_mm is not None:
        tables["measurements"] = _measurements(identifiers, lesions, observed)
    if model.hazard is not None:
        tables |= _event_tables(model.hazard.event, identifiers, event_year, end_year)
    if new_lesions is not None:
        tables |= _with_new_lesions(tables, new_lesions, identifiers, np.minimum(event_year, end_year))
    return Cohort.create(
        name,
        tables,
        limit_mm=limit_mm,
        accept=_larger_than_life(tables.get("measurements"), lesions is not None),
        notes=("simulated by metachron: no patient stands behind any row",),
        provenance={"source": "simulation"},
    )


def _larger_than_life(measurements: pl.DataFrame | None, by_lesion: bool) -> list[AcceptedException]:
    """Return the sizes that the checks take for an error of units: a model may draw them all the same."""
    if measurements is None:
        return []
    largest = MAX_LESION_MM if by_lesion else MAX_SUM_MM
    beyond = measurements.filter(pl.col("size_mm") > largest)["patient"].unique(maintain_order=True)
    return [AcceptedException(patient, "implausible-size", "drawn from the model") for patient in beyond]


def visit_table(identifiers: np.ndarray, observed: Observed) -> pl.DataFrame:
    """Return the table ``visits``."""
    frame = pl.DataFrame({"patient": identifiers[observed.patient].tolist(), "day": observed.day})
    return frame.unique(maintain_order=True)


def _measurements(identifiers: np.ndarray, lesions: pl.DataFrame | None, observed: Observed) -> pl.DataFrame:
    assert observed.size_mm is not None
    assert observed.below is not None
    assert observed.series is not None
    lesion = [None] * len(observed.day) if lesions is None else lesions["lesion"].gather(observed.series).to_list()
    size = [None if below else float(value) for value, below in zip(observed.size_mm, observed.below, strict=True)]
    return pl.DataFrame(
        {
            "patient": identifiers[observed.patient].tolist(),
            "lesion": pl.Series(lesion, dtype=pl.String),
            "day": observed.day,
            "size_mm": pl.Series(size, dtype=pl.Float64),
            "state": ["below_limit" if below else "measured" for below in observed.below],
        }
    )


def _event_tables(
    kind: str, identifiers: np.ndarray, event_year: np.ndarray, end_year: np.ndarray
) -> dict[str, pl.DataFrame]:
    happened = event_year <= end_year
    day = event_year[happened] * DAYS_PER_YEAR
    return {
        "events": pl.DataFrame(
            {
                "patient": identifiers[happened].tolist(),
                "kind": [kind] * int(happened.sum()),
                "day_lower": day,
                "day_upper": day,
            }
        ),
        "followup": _followup(kind, identifiers, np.minimum(event_year, end_year)),
    }


def _with_new_lesions(
    tables: dict[str, pl.DataFrame], found: pl.DataFrame, identifiers: np.ndarray, last_year: np.ndarray
) -> dict[str, pl.DataFrame]:
    """Return events and follow-up with those of new lesions."""
    more = {"events": found, "followup": _followup(NEW_LESION, identifiers, last_year)}
    return {
        name: pl.concat([tables[name], rows], how="diagonal") if name in tables else rows for name, rows in more.items()
    }


def _followup(kind: str, identifiers: np.ndarray, last_year: np.ndarray) -> pl.DataFrame:
    """Return rows of the table ``followup``: everybody is watched for an outcome from day 0 on."""
    followed = pl.DataFrame({"patient": identifiers.tolist(), "last_day": last_year * DAYS_PER_YEAR})
    return followed.select("patient", pl.lit(kind).alias("kind"), pl.lit(0.0).alias("entry_day"), "last_day")
