"""Forecasts of patients under each option: size, progression, survival, and how sure they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.cohort.arrays import bucket
from metachron.cohort.size_rows import size_rows
from metachron.dynamics.progression import progression_threshold_mm
from metachron.forecast.condition import K_LIMIT, LEAST_EFFECTIVE, Conditioned, condition
from metachron.forecast.copies import copy_patients
from metachron.forecast.futures import futures, times_of
from metachron.forecast.landmark import known_at
from metachron.forecast.seen import seen_log_likelihood
from metachron.forecast.source import Source
from metachron.forecast.summaries import (
    difference_table,
    outcome_table,
    outcomes,
    progression_table,
    size_table,
    survival_table,
)
from metachron.inference import Fit
from metachron.inference.predict.draws import population_vectors

BATCH = 16
AT_ONCE = 256
"""Patients looked ahead for together, and copies of patients weighed together: what bounds the memory."""
MANY = 100
SCAN_EVERY_DAY = 56.0
"""Every 8 weeks: the usual interval of imaging in trials of advanced cancer."""
RESEARCH_USE = "Research software, not a medical device: a forecast is no advice on the treatment of a patient."
CONTINUES = (
    "After day 0 the forecast continues the option that was given: what a change of treatment would do is outside what "
    "the data support."
)


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is to be expected of patients after a landmark, under each option.

    Days count from day 0; quantiles are over draws of population parameters and patient effects together.

    Parameters
    ----------
    sizes : patient, option, day, size_mm_q05, size_mm_q50, size_mm_q95: the size itself, without measurement error,
        from the first recorded size to the horizon; after the landmark of those who are alive on the day.
    recorded : patient, day, size_mm (the limit where censored), censored: what was known at the landmark.
    survival : patient, option, day, survival (its probability), survival_q05, survival_q50, survival_q95 (of the
        patient's own curve), given no event up to the landmark.
    progression : patient, option, day (of the scan), progressed: probability, for those alive on the day, that a
        scan up to this one has shown progression by size; progressed_alive: that the patient lived to see one that did;
        progression_free: that the patient is alive without it.
    outcomes : patient, option, quantity, value, q05, q95: at the horizon.
    differences : patient, option, against, quantity, difference, q05, q95, probability_higher: paired over draws.
    reliability : patient, pareto_k, effective_draws, progressed_before, imputed, sampled (by NUTS, where weights would
        not do), reliable.
    notes : how to take the forecast, and what it cannot tell.
    rests_on : data, citation, model, verdict and version of the fit. ``model_file`` : the model as TOML.
    """

    landmark_day: float
    horizon_day: float
    options: tuple[str, ...]
    sizes: pl.DataFrame
    recorded: pl.DataFrame
    survival: pl.DataFrame
    progression: pl.DataFrame
    outcomes: pl.DataFrame
    differences: pl.DataFrame
    reliability: pl.DataFrame
    notes: tuple[str, ...]
    rests_on: Mapping[str, str] = field(default_factory=dict)
    model_file: str = ""

    def options_of(self, patient: str) -> tuple[str, ...]:
        """Return the options of a patient, in the order of `options`."""
        own = set(self.outcomes.filter(pl.col("patient") == patient)["option"])
        return tuple(option for option in self.options if option in own)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON: tables as lists of rows."""
        tables = {name: getattr(self, name).to_dicts() for name in ("recorded", *_TABLES)}
        about = {"landmark_day": self.landmark_day, "horizon_day": self.horizon_day, "options": list(self.options)}
        return {**about, **tables, "notes": list(self.notes), "rests_on": dict(self.rests_on)}

    def _repr_html_(self) -> str:
        columns = ["patient", "option", "quantity", "value", "q05", "q95"]
        head = "".join(f"<th>{name}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{cell if isinstance(cell, str) else f'{cell:.3g}'}</td>" for cell in row) + "</tr>"
            for row in self.outcomes.select(columns).head(60).iter_rows()
        )
        notes = "".join(f"<li>{note}</li>" for note in self.notes)
        days = f"forecast on day {self.landmark_day:g} to day {self.horizon_day:g}"
        return f"<p><b>{days}</b></p><table><tr>{head}</tr>{body}</table><ul>{notes}</ul>"

    def __repr__(self) -> str:
        count = self.reliability.height
        return f"Forecast({count} patients, day {self.landmark_day:g} to {self.horizon_day:g}, {list(self.options)})"


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
    recorded = _recorded(known, fit)
    vectors = population_vectors(fit, draws)
    tables: dict[str, list[pl.DataFrame]] = {name: [] for name in _TABLES}
    for names, own in _in_pieces(known, arms):
        copies = copy_patients(own, fit.model, fit.labels, names, source.pool, seed=seed)
        without = seen_log_likelihood(source, own, vectors, seed=seed) if leave_out else None
        conditioned = condition(fit, copies, vectors, seed=seed, without=without)
        for name, frame in _tell(
            fit, conditioned, own, names, recorded, landmark_day, horizon_day, scan_every_day, seed
        ):
            tables[name].append(frame)
    whole = {name: pl.concat(frames) if frames else pl.DataFrame() for name, frames in tables.items()}
    everyone = tuple(dict.fromkeys(option for names in arms.values() for option in names))
    notes = _notes(source, whole["reliability"], landmark_day, horizon_day, scan_every_day)
    return Forecast(
        landmark_day, horizon_day, everyone, recorded=recorded, notes=notes, rests_on=source.rests_on,
        model_file=fit.model.to_toml(), **whole,
    )  # fmt: skip


_TABLES = ("sizes", "survival", "progression", "outcomes", "differences", "reliability")


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
            chosen = pl.col("patient").is_in(list(patients[start : start + length]))
            yield options, cohort.with_rows({name: frame.filter(chosen) for name, frame in cohort.tables.items()})


def _recorded(known: Cohort, fit: Fit) -> pl.DataFrame:
    if fit.model.dynamics is None:
        return pl.DataFrame(
            schema={"patient": pl.String, "day": pl.Float64, "size_mm": pl.Float64, "censored": pl.Boolean}
        )
    rows = size_rows(known.measurements, known.lesions, "sum", limit_mm=fit.labels.limit_mm).used
    return rows.sort("patient", "day").select("patient", "day", "size_mm", "censored")


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
    seen = [recorded.filter(pl.col("patient") == patient)["size_mm"].to_numpy() for patient in cohort.patient_ids]
    nadir = np.asarray([sizes.min(initial=np.inf) for sizes in seen])
    for start in range(0, len(seen), BATCH):
        places = np.arange(start, min(start + BATCH, len(seen)))
        filled = np.resize(places, min(BATCH, bucket(len(seen))))
        found = futures(fit.model, conditioned, filled, times, nadir[filled], limit_mm=fit.labels.limit_mm, seed=seed)
        found = found.first(len(places))
        who = [cohort.patient_ids[place] for place in places]
        each = outcomes(found, times)
        yield "outcomes", outcome_table(each, who, options)
        yield "differences", difference_table(each, who, options)
        if fit.model.dynamics is not None:
            yield "sizes", size_table(found, who, options, times)
            yield "progression", progression_table(found, who, options, times)
        if fit.model.hazard is not None:
            yield "survival", survival_table(found, who, options, times)
    yield (
        "reliability",
        pl.DataFrame(
            {
                "patient": cohort.patient_ids,
                "pareto_k": conditioned.pareto_k,
                "effective_draws": conditioned.effective,
                "progressed_before": [_progressed(sizes) for sizes in seen],
                "imputed": [", ".join(conditioned.copies.imputed.get(patient, ())) for patient in cohort.patient_ids],
                "sampled": conditioned.sampled,
                "reliable": conditioned.reliable,
            }
        ),
    )


def _progressed(sizes: Float[np.ndarray, " visit"]) -> bool:
    """Return whether recorded sizes show progression already."""
    lowest = np.minimum.accumulate(sizes)[:-1]
    return (
        bool(np.any(sizes[1:] >= np.asarray(progression_threshold_mm(jnp.asarray(lowest)))))
        if sizes.size > 1
        else False
    )


def _notes(
    source: Source, reliability: pl.DataFrame, landmark_day: float, horizon_day: float, scan_every_day: float
) -> tuple[str, ...]:
    notes = [RESEARCH_USE, *source.notes]
    if landmark_day > 0:
        notes.append(CONTINUES)
    if source.fit.model.dynamics is not None:
        notes.append(
            f"Progression is by size alone (a sum 20 % and 5 mm above the smallest), found on scans every "
            f"{scan_every_day:g} days; new lesions and clinical progression come on top of it."
        )
    followed = source.followed_day
    if followed is not None and horizon_day > followed:
        notes.append(
            f"Nobody in the trial was followed beyond day {followed:.0f}; from there to day {horizon_day:g} the "
            "forecast is the model's extrapolation."
        )
    imputed = reliability.filter(pl.col("imputed") != "")
    for columns, who in imputed.group_by("imputed", maintain_order=True):
        notes.append(
            f"Not known of {list_briefly(who['patient'])}: {columns[0]}; the forecast averages over the values that "
            "patients of the trial had."
        )
    before = reliability.filter("progressed_before")["patient"].to_list()
    if before:
        notes.append(f"Sizes of {list_briefly(before)} show progression before the landmark; the next one is forecast.")
    unlike = reliability.filter(pl.col("sampled") & pl.col("reliable"))["patient"].to_list()
    if unlike:
        notes.append(
            f"Hardly anybody in the trial was like {list_briefly(unlike)} (Pareto k above {K_LIMIT} or fewer than "
            f"{LEAST_EFFECTIVE:g} effective draws): the forecast rests on the tails of the model."
        )
    weak = reliability.filter(~pl.col("reliable"))["patient"].to_list()
    if weak:
        notes.append(
            f"Not reliable for {list_briefly(weak)}: nobody in the trial was like them, and the forecast could not be "
            "made from the tails of the model either."
        )
    return tuple(notes)
