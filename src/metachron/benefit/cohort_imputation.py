"""Cohorts in which missing markers are filled in several times, for models of sizes, events or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.imputation import Incomplete, impute_within, nelson_aalen
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.cohort import Cohort
from metachron.cohort.event_times import times_to_event
from metachron.cohort.seen_sizes import sizes_of
from metachron.survival.labels import as_text
from metachron.survival.observed import observe

_INVERSE: dict[str, Any] = {"none": np.asarray, "log1p": np.expm1, "sqrt": np.square}


def imputed_cohorts(
    cohort: Cohort,
    markers: Sequence[Marker | str],
    *,
    imputations: int,
    seed: int,
    auxiliary: Sequence[Marker | str] = (),
    event: str | None = "death",
) -> tuple[Cohort, ...]:
    """Return the cohort several times, missing values of markers filled in; a note of each says whose.

    By chained equations within each arm, as `metachron.benefit.impute_marker`. What was observed of a patient later is
    among the predictors, since without it the effect of a marker is imputed away: log size at day 0, the log ratios of
    the smallest size to it and of the last to the smallest, the time of the last size; whether the event was seen, and
    its cumulative hazard (Nelson-Aalen, White and Royston 2009, doi:10.1002/sim.3618). This is a summary of the course:
    effects on curvature that it does not hold are weakened by imputing. Valid where missingness depends on what is
    among the predictors alone.

    Parameters
    ----------
    markers : those to fill; a number is imputed on the scale of its transform, one with a cut-off as the number.
    auxiliary : markers that help to impute; missing values of theirs are imputed too and not kept.
    event : whose times are among the predictors; None: no event's.

    Raises
    ------
    ModelError
        See `metachron.benefit.impute_marker`; when no marker is missing for anybody.
    """
    wanted = [_underlying(marker) for marker in as_markers(markers)]
    codings = [code_marker(marker, cohort.patients) for marker in (*wanted, *map(_underlying, as_markers(auxiliary)))]
    variables = [Incomplete.of(coding, cohort.patients) for coding in codings]
    absent = {c.marker.column: int(v.missing.sum()) for c, v in zip(codings[: len(wanted)], variables, strict=False)}
    if not any(absent.values()):
        raise ModelError(f"no value of {', '.join(absent)} is missing: there is nothing to impute")
    complete = _course(cohort) if event is None else np.column_stack([_course(cohort), _events(cohort, event)])
    group = cohort.patients["arm"].to_numpy()
    made = impute_within(variables, complete, group, imputations=imputations, seed=seed)
    note = ", ".join(f"{column} of {count}" for column, count in absent.items() if count)
    return tuple(
        _filled(cohort, codings[: len(wanted)], variables, columns, f"imputed, data set {number}: {note} patients")
        for number, columns in enumerate(made, start=1)
    )


def _underlying(marker: Marker) -> Marker:
    """Return the marker as it was measured: a number rather than the side of its cut-off."""
    if marker.above is None:
        return marker
    return Marker(marker.column, "continuous", transform=marker.transform)


def _filled(
    cohort: Cohort,
    codings: Sequence[MarkerCoding],
    variables: Sequence[Incomplete],
    columns: Sequence[np.ndarray],
    note: str,
) -> Cohort:
    patients = cohort.patients
    for coding, variable, made in zip(codings, variables, columns, strict=False):
        if variable.missing.any():
            patients = patients.with_columns(_decoded(coding, patients[coding.marker.column], made, variable.missing))
    return replace(cohort.with_rows({"patients": patients}), notes=(*cohort.notes, note))


def _decoded(coding: MarkerCoding, known: pl.Series, made: np.ndarray, missing: np.ndarray) -> pl.Series:
    """Return a column with its missing cells taken from completed design columns."""
    if coding.continuous:
        scaled = (made[:, 0] + coding.coding.centre) * coding.step
        return _where(missing, pl.Series(_INVERSE[coding.marker.transform](scaled)), known.cast(pl.Float64))
    values = {as_text(value): value for value in known.drop_nulls().unique()}
    level = np.where(made.any(axis=1), made.argmax(axis=1) + 1, 0)
    drawn = pl.Series([values[coding.levels[index]] for index in level], dtype=known.dtype)
    return _where(missing, drawn, known)


def _where(missing: np.ndarray, drawn: pl.Series, known: pl.Series) -> pl.Series:
    chosen = pl.select(pl.when(pl.Series(missing)).then(drawn).otherwise(known)).to_series()
    return chosen.alias(known.name)


def _course(cohort: Cohort) -> np.ndarray:
    """Return what sizes say of each patient, and a column for those without: log size at day 0, log ratios, years."""
    if cohort.measurements.is_empty():
        return np.zeros((cohort.patients.height, 0))
    log_size = pl.col("size_mm").clip(lower_bound=cohort.limit_mm).log()
    rows = sizes_of(cohort, cohort.limit_mm).with_columns(log_size=log_size)
    first = pl.col("log_size").filter(pl.col("day") <= 0).last().fill_null(pl.col("log_size").first())
    summary = rows.group_by("patient").agg(
        first=first, down=pl.col("log_size").min() - first, up=pl.col("log_size").last() - pl.col("log_size").min(),
        last_day=pl.col("day").last(), seen=pl.lit(1.0),
    )  # fmt: skip
    each = cohort.patients.select("patient").join(summary, on="patient", how="left", maintain_order="left")
    return each.drop("patient").cast(pl.Float64).fill_null(0.0).to_numpy()


def _events(cohort: Cohort, event: str) -> np.ndarray:
    """Return event, cumulative hazard and being followed of each patient; no columns where nobody was followed."""
    if cohort.followup.filter(pl.col("kind") == event).is_empty():
        return np.zeros((cohort.patients.height, 0))
    times = times_to_event(cohort, event)
    observed = observe(times["time_year"], times["event"], entry=times["entry_year"])
    hazard = nelson_aalen(observed, times["arm"].to_numpy())
    told = times.select("patient", pl.col("event").cast(pl.Float64), hazard=pl.Series(hazard), followed=pl.lit(1.0))
    each = cohort.patients.select("patient").join(told, on="patient", how="left", maintain_order="left")
    return each.drop("patient").fill_null(0.0).to_numpy()
