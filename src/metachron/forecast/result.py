"""What a forecast gives: tables by patient and option, how to take them, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import polars as pl

TABLES = ("sizes", "lesions", "survival", "progression", "new_lesions", "outcomes", "differences", "reliability")
"""The tables that are made patient by patient."""

RECORDED = ("recorded", "recorded_lesions", "recorded_new_lesions")
"""What was known of patients."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is to be expected of patients after a landmark, under each option.

    Days count from day 0; quantiles are over draws of population parameters and patient effects together.

    Parameters
    ----------
    sizes : patient, option, day, size_mm_q05, size_mm_q50, size_mm_q95: the size itself, without measurement error,
        from the first recorded size to the horizon; after the landmark of those who are alive on the day.
    lesions : the same lesion by lesion: patient, option, lesion, organ, in_sum (whether it is a target lesion), day and
        quantiles; empty where sizes are sums.
    recorded : patient, day, size_mm (the limit where censored), censored: what was known at the landmark of the sum.
        ``recorded_lesions`` : with lesion, what was known of each, where sizes are modelled lesion by lesion.
        ``recorded_new_lesions`` : patient, day, organ of the new lesions found up to the landmark.
    survival : patient, option, day, survival (its probability), survival_q05, survival_q50, survival_q95 (of the
        patient's own curve), given no event up to the landmark.
    progression : patient, option, day (of the scan), progressed: probability, for those alive on the day, that a
        scan up to this one has shown progression by size; progressed_alive: that the patient lived to see one that did;
        progression_free: that the patient is alive without it.
    new_lesions : patient, option, organ (``any``, and each one), day, new_lesion (the probability that the patient
        lives to have one by then), new_lesion_q05, new_lesion_q50, new_lesion_q95, free (to be alive without any; NaN
        for a single organ); empty where they are not modelled.
    outcomes : patient, option, quantity, value, q05, q95: at the horizon.
    differences : patient, option, against, quantity, difference, q05, q95, probability_higher: paired over draws.
    reliability : patient, pareto_k, effective_draws (NaN where nobody was weighed: sizes lesion by lesion),
        progressed_before, imputed, sampled (by NUTS, where weights would not do), reliable.
    notes : how to take the forecast, and what it cannot tell.
    rests_on : data, citation, model, verdict and version of the fit. ``model_file`` : the model as TOML.
    """

    landmark_day: float
    horizon_day: float
    options: tuple[str, ...]
    sizes: pl.DataFrame
    lesions: pl.DataFrame
    recorded: pl.DataFrame
    recorded_lesions: pl.DataFrame
    recorded_new_lesions: pl.DataFrame
    survival: pl.DataFrame
    progression: pl.DataFrame
    new_lesions: pl.DataFrame
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
        tables = {name: getattr(self, name).to_dicts() for name in (*RECORDED, *TABLES)}
        about = {"landmark_day": self.landmark_day, "horizon_day": self.horizon_day, "options": list(self.options)}
        return {**about, **tables, "notes": list(self.notes), "rests_on": dict(self.rests_on)}

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        days = f"forecast on day {self.landmark_day:g} to day {self.horizon_day:g}"
        return f"<p><b>{days}</b></p>{self.outcomes._repr_html_()}<ul>{notes}</ul>"

    def __repr__(self) -> str:
        count = self.reliability.height
        return f"Forecast({count} patients, day {self.landmark_day:g} to {self.horizon_day:g}, {list(self.options)})"
