"""Forecasts of patients under each option: size, progression, survival, and how sure they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from metachron.base import ModelError, list_briefly, side_by_side
from metachron.cohort import Cohort
from metachron.cohort.arrays import bucket
from metachron.cohort.new_lesions import NEW_LESION
from metachron.forecast.condition import Conditioned, sample_unreliable, weigh
from metachron.forecast.copies import copy_patients
from metachron.forecast.futures import Futures, Times, futures, times_of
from metachron.forecast.landmark import known_at
from metachron.forecast.notes import notes_on
from metachron.forecast.outcomes import sizes_of
from metachron.forecast.result import TABLES, Forecast
from metachron.forecast.seen import seen_log_likelihood
from metachron.forecast.source import Source
from metachron.forecast.summaries import (
    difference_table,
    new_lesion_table,
    outcome_table,
    outcomes,
    progression_table,
    size_table,
    survival_table,
)
from metachron.inference import Fit
from metachron.inference.predict.draws import population_vectors
from metachron.inference.predict.progression_stop import Visits

BATCH = 16
AT_ONCE = 256
"""Patients looked ahead for together, and copies of patients weighed together: what bounds the memory."""
PIECES = 8
"""Such pieces of a cohort whose strangers are sampled together."""
MANY = 100
SCAN_EVERY_DAY = 56.0
"""Every 8 weeks: the usual interval of imaging in trials of advanced cancer."""


def forecast(
    source: Fit | Source,
    cohort: Cohort,
    *,
    landmark_day: float,
    horizon_day: float,
    options: Sequence[str] | None = None,
    scan_every_day: float = SCAN_EVERY_DAY,
    draws: int = 1000,
    seed: int = 1,
    leave_out: bool = False,
) -> Forecast:
    """Return what is to be expected of the patients of a cohort, from what was known of them at a landmark.

    Parameters
    ----------
    source : posterior whose arms are the options.
    cohort : patients; whatever is recorded of them after the landmark is not looked at.
    landmark_day : day from day 0 on which the forecast is made. On day 0 the options are alternatives; later the
        forecast continues the arm of each patient.
    horizon_day : day from day 0 up to which it goes.
    options : arms of the fit; None: all of them on day 0, each patient's own arm later.
    scan_every_day : days between scans after the landmark, on which progression by size can be found.
    draws : draws of the posterior that are weighed, spread evenly over it.
    leave_out : forecast patients who are in the fit, each taken out of it by weights (leave-one-out).

    Raises
    ------
    InputError
        When patients cannot be forecast at this landmark: see `known_at`.
    ModelError
        For an unknown option, a change of treatment after day 0, a horizon not after the landmark, patients who are in
        the fit, unknown covariates without a trial to take them from, sizes lesion by lesion, or effects that cannot
        be integrated out.
    """
    source = source if isinstance(source, Source) else Source.of(source)
    fit = source.fit
    _check(fit, landmark_day, horizon_day, scan_every_day, draws)
    arms = _options(fit, cohort, landmark_day, options)
    if not leave_out or fit.cohort is None:
        source.refuse_seen(cohort)
    known = known_at(cohort, landmark_day, fit.model)
    recorded = sizes_of(known, fit.labels.limit_mm)
    if fit.model.dynamics is None:
        recorded = recorded.clear()
    vectors = population_vectors(fit, draws)
    tables: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}

    def weighed_piece(piece: tuple[tuple[str, ...], Cohort]) -> Conditioned:
        names, own = piece
        copies = copy_patients(own, fit.model, fit.labels, names, source.pool, seed=seed)
        without = seen_log_likelihood(source, own, vectors, seed=seed) if leave_out else None
        return weigh(fit, copies, vectors, seed=seed, without=without)

    for pieces in batched(_in_pieces(known, arms), PIECES):
        weighed = list(side_by_side(weighed_piece, pieces))
        if not leave_out:
            weighed = sample_unreliable(fit, weighed, vectors, seed=seed)
        for (names, own), conditioned in zip(pieces, weighed, strict=True):
            for name, frame in _tell(
                fit, conditioned, own, names, recorded, landmark_day, horizon_day, scan_every_day, seed
            ):
                tables[name].append(frame)
    whole = {name: pl.concat(frames) if frames else pl.DataFrame() for name, frames in tables.items()}
    everyone = tuple(dict.fromkeys(option for names in arms.values() for option in names))
    notes = notes_on(source, whole["reliability"], landmark_day, horizon_day, scan_every_day)
    return Forecast(
        landmark_day, horizon_day, everyone, recorded=recorded, notes=notes, rests_on=source.rests_on,
        model_file=fit.model.to_toml(), **whole,
    )  # fmt: skip


def _check(fit: Fit, landmark_day: float, horizon_day: float, scan_every_day: float, draws: int) -> None:
    if not horizon_day > landmark_day:
        raise ModelError(
            f"the horizon (day {horizon_day:g}) must lie after the landmark (day {landmark_day:g}); both count from "
            "day 0, the start of the treatment"
        )
    if not scan_every_day >= 1:
        raise ModelError(f"scans are days apart; found scan_every_day = {scan_every_day:g}")
    known = fit.sample_stats["lp"].size
    if min(draws, known) < MANY:
        raise ModelError(f"a forecast needs at least {MANY} draws; {draws} are asked for, and the fit has {known}")
    if fit.model.dynamics is not None and fit.model.dynamics.size == "lesion":
        raise ModelError("this fit has sizes lesion by lesion; forecasts are made from fits of the sum of lesions")


def _options(
    fit: Fit, cohort: Cohort, landmark_day: float, options: Sequence[str] | None
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the patients by the options that each of them has: patients -> options."""
    known = fit.labels.arms
    unknown = sorted(set(options or ()) - set(known))
    if unknown:
        raise ModelError(f"option {list_briefly(unknown)} is not an arm of the fit, which has {list_briefly(known)}")
    if landmark_day == 0:
        return {cohort.patient_ids: tuple(options) if options else known}
    own = dict(cohort.patients.select("patient", "arm").iter_rows())
    strange = sorted({arm for arm in own.values() if arm not in known})
    if strange:
        raise ModelError(
            f"arm {list_briefly(strange)} of table patients is not one of the fit, which has {list_briefly(known)}; "
            "after day 0 a forecast continues the treatment that was given"
        )
    switched = [patient for patient, arm in own.items() if options and tuple(options) != (arm,)]
    if switched:
        raise ModelError(
            f"on day {landmark_day:g} a forecast continues the arm given, and options {list_briefly(options or ())} "
            f"are not that of {list_briefly(switched)}: what a switch would do is outside what the data support; ask "
            "on day 0, or without options"
        )
    return {tuple(p for p, arm in own.items() if arm == chosen): (chosen,) for chosen in dict.fromkeys(own.values())}


def _in_pieces(
    cohort: Cohort, arms: Mapping[tuple[str, ...], tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Cohort]]:
    for patients, options in arms.items():
        length = max(1, AT_ONCE // len(options))
        for start in range(0, len(patients), length):
            yield options, cohort.select(patients[start : start + length])


def _tell(
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

    def batch(start: int) -> list[tuple[str, pl.DataFrame]]:
        places = np.arange(start, min(start + BATCH, count))
        filled = np.resize(places, min(BATCH, bucket(count)))
        found = futures(
            fit.model, conditioned, filled, times, nadir[filled], clock[filled], limit_mm=fit.labels.limit_mm, seed=seed
        )
        return _tables(fit, found.first(len(places)), [cohort.patient_ids[place] for place in places], options, times)

    for tables in side_by_side(batch, range(0, count, BATCH)):
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
    fit: Fit, found: Futures, who: Sequence[str], options: tuple[str, ...], times: Times
) -> list[tuple[str, pl.DataFrame]]:
    """Return what the futures of some patients say, table by table."""
    each = outcomes(found, times)
    tables = [
        ("outcomes", outcome_table(each, who, options)),
        ("differences", difference_table(each, who, options)),
    ]
    if fit.model.dynamics is not None:
        tables.append(("sizes", size_table(found, who, options, times)))
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
        seen = cohort.events.filter(pl.col("kind") == NEW_LESION)
        days |= dict(seen.group_by("patient").agg(pl.col("day_upper").max()).iter_rows())
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
