"""What was recorded: sizes as the model saw them, change from baseline, and outcomes by arm."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import CohortArrays
from metachron.cohort.event_times import times_to_event
from metachron.inference.fit import Fit
from metachron.inference.predict.subjects import need_cohort
from metachron.survival import KaplanMeier, kaplan_meier

_OFTEN = 3


def recorded_sizes(fit: Fit) -> pl.DataFrame:
    """Return the sizes that were fitted: patient, lesion (null: the sum), day, time_year, size_mm, censored.

    A censored size is known to be below ``size_mm``, the limit.
    """
    size = fit.model.dynamics.size if fit.model.dynamics else "sum"
    return size_table(need_cohort(fit).to_arrays(size, limit_mm=fit.labels.limit_mm, event=None))


def size_table(arrays: CohortArrays) -> pl.DataFrame:
    """Return the rows of flat arrays as a table, by series and time."""
    parts = []
    for rows, censored in ((arrays.measured, False), (arrays.censored, True)):
        real = rows.weight > 0
        names = [arrays.series_ids[index] for index in rows.series[real]]
        parts.append(
            pl.DataFrame(
                {
                    "patient": [patient for patient, _ in names],
                    "lesion": [lesion for _, lesion in names],
                    "day": rows.time_year[real] * DAYS_PER_YEAR,
                    "time_year": rows.time_year[real],
                    "size_mm": rows.size_mm[real],
                    "censored": np.full(int(real.sum()), censored),
                },
                schema_overrides={"patient": pl.String, "lesion": pl.String},
            )
        )
    return pl.concat(parts).sort("patient", "lesion", "day")


def size_changes(fit: Fit) -> pl.DataFrame:
    """Return the change of each patient's sum of sizes from baseline, as a fraction of it.

    Columns: patient, arm, time_year, size_mm, censored, baseline_mm, change (-0.3: a shrinkage by 30 %). Baseline is
    the last measured sum at or before day 0; patients without one are left out. A censored sum stands at the limit.
    """
    cohort = need_cohort(fit)
    sizes = size_table(cohort.to_arrays("sum", limit_mm=fit.labels.limit_mm, event=None)).drop("lesion")
    known = sizes.join(baseline_sizes(sizes, ["patient"]), on="patient").join(
        cohort.patients.select("patient", "arm"), on="patient"
    )
    change = known.with_columns((pl.col("size_mm") / pl.col("baseline_mm") - 1.0).alias("change"))
    return change.sort("patient", "time_year").select(
        "patient", "arm", "time_year", "size_mm", "censored", "baseline_mm", "change"
    )


def baseline_sizes(sizes: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return baseline_mm of each series of ``by``: its last measured size at or before day 0, above 0 mm."""
    before = sizes.filter((pl.col("day") <= 0) & ~pl.col("censored") & (pl.col("size_mm") > 0))
    return before.group_by(by).agg(pl.col("size_mm").sort_by("day").last().alias("baseline_mm"))


def best_changes(fit: Fit) -> pl.DataFrame:
    """Return each patient's deepest change after day 0: patient, arm, change, censored, sizes (their number)."""
    after = size_changes(fit).filter(pl.col("time_year") > 0)
    best = after.sort("change").group_by("patient", "arm", maintain_order=True).agg(
        pl.col("change").first(), pl.col("censored").first(), pl.len().alias("sizes")
    )  # fmt: skip
    return best.sort("change", "patient", descending=[True, False])


def span_of_response(fit: Fit, count: int = 9) -> list[str]:
    """Return ``count`` patients at even steps from the deepest response to the fastest growth, both ends included.

    Only patients with at least three sizes after day 0 are taken, where there are that many of them. Without sizes
    they are the first patients of the cohort.
    """
    best = best_changes(fit).reverse() if fit.model.dynamics else pl.DataFrame()
    if best.is_empty():
        return list(fit.labels.patients[:count])
    often = best.filter(pl.col("sizes") >= _OFTEN)
    ordered = (often if often.height >= count else best)["patient"]
    steps = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
    return [ordered[int(step)] for step in steps]


def event_times(fit: Fit) -> pl.DataFrame | None:
    """Return the observed outcome: patient, arm, entry_year, time_year, event (False: censored); None without hazard.

    An event that is known to lie between two days stands at the later one, when it was found. Patients without
    follow-up for the event are left out.
    """
    if fit.model.hazard is None:
        return None
    return times_to_event(need_cohort(fit), fit.model.hazard.event)


def kaplan_meier_of(rows: pl.DataFrame, *, of: Literal["event", "censoring"] = "event") -> KaplanMeier:
    """Return the Kaplan-Meier estimate of the event (or of the time to censoring) in rows of `event_times`; years."""
    happened = rows["event"] if of == "event" else ~rows["event"]
    return kaplan_meier(rows["time_year"].to_numpy(), happened.to_numpy(), entry=rows["entry_year"].to_numpy())


def describe_arms(fit: Fit) -> pl.DataFrame:
    """Return one row per arm of what was fitted.

    Columns: arm, patients, and with dynamics: sized (patients with sizes), sizes, below_limit, baseline_mm (median of
    the measured baselines); with a hazard: events, median_year, median_lower_year, median_upper_year (Kaplan-Meier,
    95 % interval; infinite: not reached), followup_year (median by the reverse Kaplan-Meier method).
    """
    cohort = need_cohort(fit)
    patients = cohort.patients.select("patient", "arm")
    table = patients.group_by("arm").agg(pl.len().alias("patients")).sort("arm")
    if fit.model.dynamics is not None:
        sizes = recorded_sizes(fit).join(patients, on="patient")
        counts = sizes.group_by("arm").agg(
            pl.col("patient").n_unique().alias("sized"),
            pl.len().alias("sizes"),
            pl.col("censored").sum().alias("below_limit"),
        )
        baseline = size_changes(fit).unique("patient").group_by("arm").agg(pl.col("baseline_mm").median())
        table = table.join(counts, on="arm", how="left").join(baseline, on="arm", how="left")
    observed = event_times(fit)
    if observed is not None:
        rows = [{"arm": arm, **_survived(observed.filter(pl.col("arm") == arm))} for arm in table["arm"]]
        table = table.join(pl.DataFrame(rows), on="arm", how="left")
    return table.sort("arm")


def _survived(rows: pl.DataFrame) -> dict[str, float]:
    if rows.is_empty():
        return {"events": 0}
    median, followup = kaplan_meier_of(rows).median(), kaplan_meier_of(rows, of="censoring").median()
    return {
        "events": int(rows["event"].sum()),
        "median_year": median.value,
        "median_lower_year": median.lower,
        "median_upper_year": median.upper,
        "followup_year": followup.value,
    }
