"""Forecasts of patients under each option: size, progression, survival, and how sure they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

import polars as pl

from metachron.base import ModelError, list_briefly, side_by_side
from metachron.cohort import Cohort
from metachron.cohort.new_lesions import new_lesions_found
from metachron.cohort.seen_sizes import sizes_of
from metachron.forecast.condition import Conditioned, sample_unreliable, weigh
from metachron.forecast.copies import copy_patients
from metachron.forecast.landmark import known_at
from metachron.forecast.notes import notes_on
from metachron.forecast.outcomes import lesion_sizes_of
from metachron.forecast.result import TABLES, Forecast
from metachron.forecast.seen import seen_log_likelihood
from metachron.forecast.single_lesions import check_targets
from metachron.forecast.source import Source
from metachron.forecast.telling import tell
from metachron.inference import Fit
from metachron.inference.marginal.suitable import why_not_integrate
from metachron.inference.predict.draws import population_vectors

AT_ONCE = 256
"""Copies of patients weighed together: what bounds the memory."""
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
        the fit, unknown covariates without a trial to take them from, patients without target lesions where sizes are
        lesion by lesion, or a link to what is not known of the time to come.
    """
    source = source if isinstance(source, Source) else Source.of(source)
    fit = source.fit
    _check(fit, landmark_day, horizon_day, scan_every_day, draws, leave_out)
    arms = _options(fit, cohort, landmark_day, options)
    if not leave_out or fit.cohort is None:
        source.refuse_seen(cohort)
    known = known_at(cohort, landmark_day, fit.model)
    recorded = sizes_of(known, fit.labels.limit_mm)
    if fit.model.dynamics is None:
        recorded = recorded.clear()
    recorded_lesions = pl.DataFrame()
    if fit.model.single_lesions:
        recorded_lesions = lesion_sizes_of(known, fit.labels.limit_mm)
        check_targets(known, recorded_lesions)
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
            for name, frame in tell(
                fit, conditioned, own, names, recorded, landmark_day, horizon_day, scan_every_day, seed
            ):
                tables[name].append(frame)
    whole = {name: pl.concat(frames) if frames else pl.DataFrame() for name, frames in tables.items()}
    everyone = tuple(dict.fromkeys(option for names in arms.values() for option in names))
    notes = notes_on(source, whole["reliability"], landmark_day, horizon_day, scan_every_day)
    return Forecast(
        landmark_day, horizon_day, everyone, recorded=recorded, recorded_lesions=recorded_lesions,
        recorded_new_lesions=new_lesions_found(known.events), notes=notes, rests_on=source.rests_on,
        model_file=fit.model.to_toml(), **whole,
    )  # fmt: skip


def _check(
    fit: Fit, landmark_day: float, horizon_day: float, scan_every_day: float, draws: int, leave_out: bool
) -> None:
    if not horizon_day > landmark_day:
        raise ModelError(
            f"the horizon (day {horizon_day:g}) must lie after the landmark (day {landmark_day:g}); both count from "
            "day 0, the start of the treatment"
        )
    if not scan_every_day >= 1:
        raise ModelError(f"scans are days apart; found scan_every_day = {scan_every_day:g}")
    known = fit.shape[0] * fit.shape[1]
    if min(draws, known) < MANY:
        raise ModelError(f"a forecast needs at least {MANY} draws; {draws} are asked for, and the fit has {known}")
    if leave_out and fit.model.random and (reason := why_not_integrate(fit.model)):
        raise ModelError(
            "patients are taken out of a fit by weights, for which their effects have to be integrated out, and this "
            f"model does not allow it: {reason}; fit without these patients instead"
        )
    if fit.model.counts_new_lesions:
        raise ModelError(
            "death is linked to the number of new lesions found so far (new-lesion-count), which is not known of the "
            "time to come; forecasts are made from fits with the link new-lesion-frailty instead"
        )


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
