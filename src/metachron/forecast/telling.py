"""From draws for patients to the tables of a forecast, a few patients at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from metachron.base import side_by_side
from metachron.cohort import Cohort
from metachron.cohort.arrays import bucket
from metachron.cohort.new_lesions import new_lesions_found
from metachron.forecast.condition import Conditioned
from metachron.forecast.futures import Futures, Times, futures, times_of
from metachron.forecast.single_lesions import lesion_names
from metachron.forecast.summaries import (
    difference_table,
    lesion_table,
    new_lesion_table,
    outcome_table,
    outcomes,
    progression_table,
    size_table,
    survival_table,
)
from metachron.inference import Fit
from metachron.inference.predict.progression_stop import Visits

BATCH, LESIONS = 16, 4
"""Patients looked ahead for in one call; fewer where they have more single lesions than that."""


def tell(
    fit: Fit,
    conditioned: Conditioned,
    cohort: Cohort,
    options: tuple[str, ...],
    recorded: pl.DataFrame,
    landmark_day: float,
    horizon_day: float,
    scan_every_day: float,
    seed: int,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the tables of each patient."""
    scans = np.arange(landmark_day + scan_every_day, horizon_day + 1e-9, scan_every_day)
    if scans.size == 0:
        scans = np.asarray([horizon_day])
    first_day = float(recorded["day"].min() or 0.0)  # type: ignore[arg-type]
    times = times_of(
        conditioned, first_day=first_day, landmark_day=landmark_day, horizon_day=horizon_day, scan_day=scans
    )
    count = len(cohort.patient_ids)
    nadir, progressed = _so_far(recorded, cohort.patient_ids)
    clock = _clock_day(fit, cohort)
    lesions = lesion_names(cohort, conditioned.binding, conditioned.copies.rows[:, 0, 0])
    length = BATCH // max(1, lesions.target.shape[1] // LESIONS)

    def batch(start: int) -> list[tuple[str, pl.DataFrame]]:
        places = np.arange(start, min(start + length, count))
        filled = np.resize(places, min(length, bucket(count)))
        found = futures(
            fit.model, conditioned, filled, times, nadir[filled], clock[filled], target=lesions.target,
            limit_mm=fit.labels.limit_mm, seed=seed,
        )  # fmt: skip
        who = [cohort.patient_ids[place] for place in places]
        return _tables(fit, found.first(len(places)), who, options, times, lesions.names)

    for tables in side_by_side(batch, range(0, count, length)):
        yield from tables
    yield (
        "reliability",
        pl.DataFrame(
            {
                "patient": cohort.patient_ids,
                "pareto_k": conditioned.pareto_k,
                "effective_draws": conditioned.effective,
                "progressed_before": progressed,
                "imputed": [", ".join(conditioned.copies.imputed.get(patient, ())) for patient in cohort.patient_ids],
                "sampled": conditioned.sampled,
                "reliable": conditioned.reliable,
            }
        ),
    )


def _tables(
    fit: Fit, found: Futures, who: Sequence[str], options: tuple[str, ...], times: Times, lesions: pl.DataFrame
) -> list[tuple[str, pl.DataFrame]]:
    """Return what the futures of some patients say, table by table."""
    each = outcomes(found, times)
    tables = [
        ("outcomes", outcome_table(each, who, options)),
        ("differences", difference_table(each, who, options)),
    ]
    if fit.model.dynamics is not None:
        tables.append(("sizes", size_table(found, who, options, times)))
        if lesions.height:
            tables.append(("lesions", lesion_table(found, who, options, times, lesions)))
        tables.append(("progression", progression_table(found, who, options, times)))
    if fit.model.hazard is not None:
        tables.append(("survival", survival_table(found, who, options, times)))
    if (process := fit.model.new_lesions) is not None:
        organs, gap = fit.labels.new_lesion_organs, process.clock == "gap"
        tables.append(("new_lesions", new_lesion_table(found, who, options, times, organs, gap=gap)))
    return tables


def _clock_day(fit: Fit, cohort: Cohort) -> Float[np.ndarray, " patient"]:
    """Return the day on which the clock of new lesions shows 0: that of the last one seen in gap time, else day 0."""
    days = dict.fromkeys(cohort.patient_ids, 0.0)
    if fit.model.new_lesions is not None and fit.model.new_lesions.clock == "gap":
        seen = new_lesions_found(cohort.events)
        days |= dict(seen.group_by("patient").agg(pl.col("day").max()).iter_rows())
    return np.array(list(days.values()))


def _so_far(
    recorded: pl.DataFrame, patients: Sequence[str]
) -> tuple[Float[np.ndarray, " patient"], Bool[np.ndarray, " patient"]]:
    """Return of each patient the smallest recorded size (inf without one), and whether sizes show progression."""
    nadir, progressed = np.full(len(patients), np.inf), np.zeros(len(patients), dtype=bool)
    places = pl.DataFrame({"patient": patients}).with_row_index("place")
    own = recorded.join(places, on="patient", how="inner", maintain_order="left")
    if own.height:
        place, size = own["place"].to_numpy().astype(int), own["size_mm"].to_numpy()
        np.minimum.at(nadir, place, size)
        found = Visits.of(place, own["day"].to_numpy()).progressions(size)
        progressed[np.unique(place)] = found.any(axis=1)
    return nadir, progressed
