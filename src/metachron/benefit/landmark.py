"""Patients at a landmark: who is alive and under observation, what is known of them by then, and how they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.benefit.endpoint import read_endpoint
from metachron.benefit.on_treatment import LOG_BASELINE_SIZE, baseline_size, on_treatment_markers
from metachron.cohort import Cohort

TIMED = ("os", "pfs")
NOT_FOLLOWED, HAD_EVENT, LAST_SEEN = (
    "not followed for the endpoint",
    "event by the landmark",
    "last seen by the landmark",
)
_OUTCOME = ("patient", "arm", "time_year", "event")


@dataclass(frozen=True, eq=False)
class LandmarkTable:
    """Patients at risk at a landmark.

    Attributes
    ----------
    table : patient, arm, time_year (from the landmark to the event or the end of observation), event, and the
        covariates; a row for each patient at risk of whom every covariate is known.
    left_out : patient and reason, for all others of the cohort; a patient who is at risk and lacks covariates is there
        with their names.
    landmark_day : from day 0.
    baseline, on_treatment : names of the covariates.
    """

    table: pl.DataFrame
    left_out: pl.DataFrame
    landmark_day: float
    baseline: tuple[str, ...]
    on_treatment: tuple[str, ...]

    def reasons(self) -> pl.DataFrame:
        """Return reason and patients (their number), the most frequent first."""
        counts = self.left_out.group_by("reason").agg(pl.len().alias("patients"))
        return counts.sort("patients", "reason", descending=[True, False])


def landmark_table(
    cohort: Cohort,
    *,
    landmark_day: float,
    baseline: Sequence[str],
    on_treatment: Sequence[str],
    endpoint: str = "os",
) -> LandmarkTable:
    """Return the patients who are free of the event and under observation after the landmark day, the clock restarted
    there, with covariates known by then.

    A marker measured on treatment is known only of those who lived to be measured. Compared from day 0 they seem to
    live longer because of it; among those at risk at a landmark, all had that time. Source: Anderson 1983,
    doi:10.1200/JCO.1983.1.11.710.

    Parameters
    ----------
    landmark_day : day from day 0; a patient whose event or last day is that day is not at risk after it.
    baseline : columns of the table patients; and ``"log_baseline_size"``, the log of the last sum of lesions at or
        before day 0, in mm.
    on_treatment : see `metachron.benefit.on_treatment.on_treatment_markers`.
    endpoint : ``"os"`` or ``"pfs"``; see `metachron.benefit.read_endpoint`.

    Raises
    ------
    ModelError
        When the endpoint has no time, a covariate is not known, a name is asked for twice, or nobody is left.
    """
    if endpoint not in TIMED:
        raise ModelError(f"a landmark is for an endpoint with a time ({', '.join(TIMED)}), not {endpoint!r}")
    names = [*baseline, *on_treatment]
    if len(set(names)) < len(names) or set(names) & set(_OUTCOME):
        raise ModelError(f"each covariate is named once, and none of {', '.join(_OUTCOME)}: found {', '.join(names)}")
    followed = read_endpoint(cohort, endpoint)
    landmark_year = landmark_day / DAYS_PER_YEAR
    known = _known(cohort, baseline, on_treatment, landmark_day)
    people = known.join(followed, on="patient", how="left", maintain_order="left")
    missing = pl.concat_list(pl.when(_missing(known[name])).then(pl.lit(name)) for name in names).list.drop_nulls()
    reason = (
        pl.when(pl.col("time_year").is_null()).then(pl.lit(NOT_FOLLOWED))
        .when(pl.col("event") & (pl.col("time_year") <= landmark_year)).then(pl.lit(HAD_EVENT))
        .when(pl.col("time_year") <= landmark_year).then(pl.lit(LAST_SEEN))
        .when(missing.list.len() > 0).then(pl.lit("no ") + missing.list.join(", "))
    )  # fmt: skip
    judged = people.with_columns(reason.alias("reason"), pl.col("time_year") - landmark_year)
    table = judged.filter(pl.col("reason").is_null()).select(*_OUTCOME, *names)
    left_out = judged.filter(pl.col("reason").is_not_null()).select("patient", "reason")
    found = LandmarkTable(table, left_out, float(landmark_day), tuple(baseline), tuple(on_treatment))
    if table.is_empty():
        reasons = list_briefly((f"{reason} ({count})" for reason, count in found.reasons().iter_rows()), 20)
        raise ModelError(f"nobody of {cohort.name!r} can be looked at on day {landmark_day:g}: {reasons}")
    return found


def _known(cohort: Cohort, baseline: Sequence[str], on_treatment: Sequence[str], landmark_day: float) -> pl.DataFrame:
    """Return patient and all covariates, null where they are not known."""
    columns = [name for name in baseline if name != LOG_BASELINE_SIZE]
    unknown = sorted(set(columns) - set(cohort.covariates))
    if unknown:
        listed = list_briefly([*cohort.covariates, LOG_BASELINE_SIZE], 40)
        raise ModelError(f"the cohort has no baseline covariate {list_briefly(unknown)}; it has {listed}")
    table = cohort.patients.select("patient", *columns)
    if LOG_BASELINE_SIZE in baseline:
        table = table.join(baseline_size(cohort), on="patient", how="left", maintain_order="left")
    later = on_treatment_markers(cohort, on_treatment, landmark_day=landmark_day)
    return table.join(later, on="patient", how="left", maintain_order="left")


def _missing(series: pl.Series) -> pl.Series:
    return series.is_null() | series.is_nan() if series.dtype.is_float() else series.is_null()
