"""What was recorded by organ: how lesions responded, where progression came from, where new lesions appeared, and how
far lesions of one patient agree. No model is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort
from metachron.cohort.new_lesions import NEW_LESION, new_lesions_found
from metachron.cohort.size_rows import size_rows
from metachron.inference.fit import Fit
from metachron.inference.predict.progression_stop import Visits
from metachron.inference.predict.recorded import baseline_sizes

SHRUNK, GROWN = -0.3, 0.2
"""Change of a lesion from its baseline from which on it is said to have shrunk or grown: the steps of RECIST 1.1."""
BY_GROWTH, BY_NEW_LESION = "growth", "new lesion"
_KEYS = ["arm", "organ"]


class Agreement(NamedTuple):
    """How far lesions of one patient respond alike.

    ``patients`` have two lesions or more with a size after day 0; ``between`` is the share of the variance of the log
    of the deepest relative size that lies between patients (one-way analysis of variance, at least 0; NaN where it
    cannot be told); ``mixed`` the share of patients in whom at one visit a lesion was 30 % below its baseline and
    another 20 % above its own.
    """

    patients: int
    between: float
    mixed: float


def recorded_by_organ(fit: Fit) -> pl.DataFrame:
    """Return `response_by_organ` of the fitted patients.

    No row without them, or where neither single lesions nor new lesions are recorded.
    """
    cohort = fit.cohort
    if cohort is None or (cohort.lesions.is_empty() and NEW_LESION not in cohort.events["kind"]):
        return pl.DataFrame()
    return response_by_organ(cohort, limit_mm=fit.labels.limit_mm)


def response_by_organ(cohort: Cohort, *, limit_mm: float) -> pl.DataFrame:
    """Return what was recorded of lesions in each arm and organ.

    Columns: arm; organ; lesions with a size at baseline and after it; best_change, the median over lesions of the
    deepest change from baseline (a censored size stands at the limit); shrunk, the share of them 30 % or more below
    baseline at some visit; vanished, the share at some visit absent or too small to measure; progression_by_growth and
    progression_by_new_lesion, the patients whose first progression was in the organ (`progressions`); new_lesions, the
    number found; new_lesions_per_year, their rate over all patients of the arm under observation for them (null where
    nobody was).
    """
    changes = lesion_changes(cohort, limit_mm=limit_mm)
    best = (
        changes.group_by("patient", "lesion", "arm", "organ")
        .agg(pl.col("change").min(), pl.col("censored").any())
        .group_by(_KEYS)
        .agg(
            pl.len().cast(pl.Int64).alias("lesions"),
            pl.col("change").median().alias("best_change"),
            (pl.col("change") <= SHRUNK).mean().alias("shrunk"),
            pl.col("censored").mean().alias("vanished"),
        )
    )
    first = progressions(cohort, limit_mm=limit_mm)
    by = [
        first.filter(pl.col("by") == kind).group_by(_KEYS).agg(pl.len().cast(pl.Int64).alias(name))
        for kind, name in ((BY_GROWTH, "progression_by_growth"), (BY_NEW_LESION, "progression_by_new_lesion"))
    ]
    new = _new_lesions(cohort).group_by(_KEYS).agg(pl.len().cast(pl.Int64).alias("new_lesions"))
    places = pl.concat([table.select(_KEYS) for table in (best, *by, new)]).unique().sort(_KEYS)
    found = places.join(best, on=_KEYS, how="left")
    for table in (*by, new):
        found = found.join(table, on=_KEYS, how="left")
    counts = ["lesions", "progression_by_growth", "progression_by_new_lesion", "new_lesions"]
    found = found.with_columns(pl.col(counts).fill_null(0)).join(_years(cohort), on="arm", how="left")
    rate = pl.when(pl.col("years") > 0).then(pl.col("new_lesions") / pl.col("years")).alias("new_lesions_per_year")
    return found.with_columns(rate).drop("years").sort(_KEYS)


def lesion_changes(cohort: Cohort, *, limit_mm: float) -> pl.DataFrame:
    """Return patient, arm, lesion, organ, day, change (from baseline, a fraction) and censored, of sizes after day 0.

    Baseline is the last measured size at or before day 0; lesions without one are left out.
    """
    sizes = _lesion_sizes(cohort, limit_mm)
    own = ["patient", "lesion"]
    known = sizes.filter(pl.col("day") > 0).join(baseline_sizes(sizes, own), on=own)
    known = known.join(cohort.lesions.select(*own, "organ"), on=own).join(
        cohort.patients.select("patient", "arm"), on="patient"
    )
    change = (pl.col("size_mm") / pl.col("baseline_mm") - 1.0).alias("change")
    return known.select("patient", "arm", "lesion", "organ", "day", change, "censored").sort(*own, "day")


def progressions(cohort: Cohort, *, limit_mm: float) -> pl.DataFrame:
    """Return patient, arm, day, by and organ of each first progression: the sum of targets, or a new lesion.

    The sum has progressed where it is 20 % and 5 mm above its smallest value so far; the organ is then the one whose
    targets have grown most, in mm, since that value. A new lesion found on that day or before counts as what it was
    found by, with a row for each organ in which one was found.
    """
    new = _new_lesions(cohort)
    first = new.group_by("patient").agg(pl.col("day").min().alias("first"))
    grown = pl.DataFrame(
        list(_growths(cohort, limit_mm)),
        schema={"patient": pl.String, "day": pl.Float64, "organ": pl.String},
        orient="row",
    )
    grown = grown.join(first, on="patient", how="left")
    grown = grown.filter(pl.col("first").is_null() | (pl.col("day") < pl.col("first"))).drop("first")
    others = (
        new.join(grown, on="patient", how="anti").join(first, on="patient").filter(pl.col("day") == pl.col("first"))
    )
    arms = cohort.patients.select("patient", "arm")
    found = pl.concat(
        [
            grown.join(arms, on="patient").with_columns(by=pl.lit(BY_GROWTH)),
            others.select("patient", "day", "organ", "arm").unique().with_columns(by=pl.lit(BY_NEW_LESION)),
        ]
    )
    return found.select("patient", "arm", "day", "by", "organ").sort("patient", "organ")


def agreement(cohort: Cohort, *, limit_mm: float) -> Agreement:
    """Return how far lesions of one patient agree."""
    changes = lesion_changes(cohort, limit_mm=limit_mm)
    best = changes.group_by("patient", "lesion").agg((1.0 + pl.col("change").min()).alias("ratio"))
    several = best.filter(pl.len().over("patient") >= 2)
    if several.is_empty():
        return Agreement(0, float("nan"), float("nan"))
    spans = changes.group_by("patient", "day").agg(
        pl.col("change").min().alias("low"), pl.col("change").max().alias("high")
    )
    mixed = spans.filter((pl.col("low") <= SHRUNK) & (pl.col("high") >= GROWN))["patient"].n_unique()
    patients = several["patient"].n_unique()
    log = several.with_columns(pl.col("ratio").clip(lower_bound=1e-3).log())
    groups = log.group_by("patient").agg(
        pl.len().alias("n"), pl.col("ratio").mean().alias("mean"), pl.col("ratio").var()
    )
    count = groups["n"].to_numpy().astype(float)
    spare = count.sum() - patients
    within = float(np.sum((count - 1.0) * groups["ratio"].to_numpy()) / spare)
    if patients < 2:
        return Agreement(patients, float("nan"), mixed / patients)
    overall = float(np.sum(count * groups["mean"].to_numpy()) / count.sum())
    among = float(np.sum(count * np.square(groups["mean"].to_numpy() - overall)) / (patients - 1))
    size = (count.sum() - np.sum(np.square(count)) / count.sum()) / (patients - 1)
    between = max(0.0, (among - within) / size)
    total = between + within
    return Agreement(patients, float(between / total) if total > 0 else float("nan"), mixed / patients)


def _growths(cohort: Cohort, limit_mm: float) -> Iterator[tuple[str, float, str]]:
    """Yield patient and day of the first progression of each sum of targets, and the organ that grew most."""
    sums = size_rows(cohort.measurements, cohort.lesions, "sum", limit_mm=limit_mm).used.sort("patient", "day")
    if sums.is_empty():
        return
    names = sums["patient"].unique(maintain_order=True).to_list()
    order = {name: place for place, name in enumerate(names)}
    patient, day = np.asarray([order[name] for name in sums["patient"]]), sums["day"].to_numpy()
    size = sums["size_mm"].clip(lower_bound=limit_mm).to_numpy()
    visits = Visits.of(patient, day)
    progressed = visits.progressions(size)
    targets = cohort.lesions.filter(pl.col("role") == "target").select("patient", "lesion", "organ")
    each = _lesion_sizes(cohort, limit_mm)
    each = each.join(targets, on=["patient", "lesion"])
    by_patient = each.partition_by("patient", as_dict=True)
    for place in np.flatnonzero(progressed.any(axis=1)):
        at = int(progressed[place].argmax())
        rows = visits.rows[place, : at + 1]
        nadir = rows[int(np.argmin(size[rows[:-1]]))]
        own = by_patient.get((names[place],))
        if own is None:
            yield names[place], float(day[rows[-1]]), "unknown"
            continue
        then, now = (
            own.filter(pl.col("day") == day[row]).select("organ", "lesion", "size_mm") for row in (nadir, rows[-1])
        )
        gained = now.join(then, on=["organ", "lesion"], suffix="_then").group_by("organ").agg(
            (pl.col("size_mm") - pl.col("size_mm_then")).sum().alias("gain")
        )  # fmt: skip
        yield names[place], float(day[rows[-1]]), str(gained.sort("gain", "organ")["organ"][-1])


def _lesion_sizes(cohort: Cohort, limit_mm: float) -> pl.DataFrame:
    """Return the sizes of single lesions; no row where only sums are known."""
    single = cohort.measurements.filter(pl.col("lesion").is_not_null())
    return size_rows(single, cohort.lesions, "lesion", limit_mm=limit_mm).used


def _new_lesions(cohort: Cohort) -> pl.DataFrame:
    """Return patient, arm, day and organ of each new lesion found."""
    found = new_lesions_found(cohort.events).join(cohort.patients.select("patient", "arm"), on="patient")
    return found.select("patient", "arm", "day", pl.col("organ").fill_null("unknown"))


def _years(cohort: Cohort) -> pl.DataFrame:
    """Return the years under observation for new lesions by arm."""
    rows = cohort.followup.filter(pl.col("kind") == NEW_LESION).join(
        cohort.patients.select("patient", "arm"), on="patient"
    )
    days = (pl.col("last_day") - pl.col("entry_day")).sum()
    return rows.group_by("arm").agg((days / DAYS_PER_YEAR).alias("years"))
