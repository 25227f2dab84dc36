"""What a treatment has done to a patient by a day: change of tumour size, regrowth, markers sampled since its start."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.cohort.seen_sizes import sizes_of

LOG_BASELINE_SIZE = "log_baseline_size"
SIZE_CHANGE = "log_change_in_size"
BEST_SIZE_CHANGE = "log_best_change_in_size"
REGROWTH = "regrowth_per_year"
SIZES = (SIZE_CHANGE, BEST_SIZE_CHANGE, REGROWTH)
LAST, CHANGE, LOG_RATIO = "last", "change", "log_ratio"
_OF_MARKER = (LAST, CHANGE, LOG_RATIO)


def baseline_size(cohort: Cohort) -> pl.DataFrame:
    """Return patient and the log of the last sum of lesions (mm) at or before day 0; those without one are left out."""
    before = _sizes(cohort).filter(pl.col("day") <= 0)
    last = before.group_by("patient", maintain_order=True).agg(pl.col("size_mm").last())
    return last.select("patient", pl.col("size_mm").log().alias(LOG_BASELINE_SIZE))


def on_treatment_markers(cohort: Cohort, names: Sequence[str], *, landmark_day: float) -> pl.DataFrame:
    """Return one row per patient with what was known of each marker on the landmark day; null where it was not known.

    Parameters
    ----------
    names : of sizes, summed over lesions, sizes below the limit counting as the limit:

        ``"log_change_in_size"``: log of the last size after day 0 and up to the landmark over the baseline size,
        which is the last one at or before day 0;
        ``"log_best_change_in_size"``: the same of the smallest size after day 0;
        ``"regrowth_per_year"``: log of the last size over the smallest one, baseline included, per year between the
        two; 0 when the last is the smallest.

        Of the table markers: ``"last:NAME"``, the last value after day 0 and up to the landmark; ``"change:NAME"``,
        that minus the last value at or before day 0; ``"log_ratio:NAME"``, the log of their ratio, null unless both
        are positive.
    landmark_day : after day 0; nothing later is looked at.

    Raises
    ------
    ModelError
        When the landmark is not after day 0, or a name is none of these.
    """
    if not landmark_day > 0.0:
        raise ModelError(f"markers on treatment are known after day 0, not on day {landmark_day:g}")
    unknown = [name for name in names if not _is_known(cohort, name)]
    if unknown:
        recorded = list_briefly(cohort.markers["marker"].unique().sort().to_list(), 20) or "none"
        raise ModelError(
            f"no marker on treatment is called {list_briefly(unknown)}: sizes are {', '.join(SIZES)}; of a recorded "
            f"marker NAME give last:NAME, change:NAME or log_ratio:NAME; recorded are {recorded}"
        )
    table = cohort.patients.select("patient")
    for name in names:
        values = _of_sizes(cohort, landmark_day) if name in SIZES else _of_marker(cohort, name, landmark_day)
        table = table.join(values.select("patient", name), on="patient", how="left", maintain_order="left")
    return table


def _is_known(cohort: Cohort, name: str) -> bool:
    kind, _, marker = name.partition(":")
    return name in SIZES or (kind in _OF_MARKER and marker in cohort.markers["marker"])


def _sizes(cohort: Cohort) -> pl.DataFrame:
    limit = cohort.limit_mm
    return sizes_of(cohort, limit).with_columns(pl.col("size_mm").clip(lower_bound=limit))


def _of_sizes(cohort: Cohort, landmark_day: float) -> pl.DataFrame:
    """Return patient and the three markers of size, of those with a size at or before day 0 and one after it."""
    known = _sizes(cohort).filter(pl.col("day") <= landmark_day)
    later = known.filter(pl.col("day") > 0)
    since = pl.concat([known.filter(pl.col("day") <= 0).group_by("patient", maintain_order=True).last(), later])
    log, day = pl.col("size_mm").log(), pl.col("day")
    found = (
        since.sort("patient", "day")
        .group_by("patient", maintain_order=True)
        .agg(
            log.first().alias("first"), log.last().alias("last"), log.min().alias("smallest"),
            log.filter(day > 0).min().alias("best"), day.last().alias("last_day"), day.first().alias("first_day"),
            day.filter(log == log.min()).last().alias("smallest_day"),
        )
        .filter((pl.col("first_day") <= 0) & (pl.col("last_day") > 0))
    )  # fmt: skip
    years = (pl.col("last_day") - pl.col("smallest_day")) / DAYS_PER_YEAR
    grown = pl.when(years > 0).then((pl.col("last") - pl.col("smallest")) / years).otherwise(0.0)
    return found.select(
        "patient",
        (pl.col("last") - pl.col("first")).alias(SIZE_CHANGE),
        (pl.col("best") - pl.col("first")).alias(BEST_SIZE_CHANGE),
        grown.alias(REGROWTH),
    )


def _of_marker(cohort: Cohort, name: str, landmark_day: float) -> pl.DataFrame:
    kind, _, marker = name.partition(":")
    own = cohort.markers.filter(pl.col("marker") == marker).sort("patient", "day")
    day = pl.col("day")
    last = own.filter((day > 0) & (day <= landmark_day)).group_by("patient", maintain_order=True).agg(
        pl.col("value").last().alias("later")
    )  # fmt: skip
    first = own.filter(day <= 0).group_by("patient", maintain_order=True).agg(pl.col("value").last().alias("before"))
    later, before = pl.col("later"), pl.col("before")
    ratio = pl.when((later > 0) & (before > 0)).then(later.log() - before.log())
    value = {LAST: later, CHANGE: later - before, LOG_RATIO: ratio}[kind]
    return last.join(first, on="patient", how="left", maintain_order="left").select("patient", value.alias(name))
