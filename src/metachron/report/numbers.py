"""The numbers behind a report, each computed once and only when a figure, a table or a sentence asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR, MONTHS_PER_YEAR, ModelError
from metachron.cohort.new_lesions import NEW_LESION
from metachron.inference import Fit
from metachron.inference.criticism import (
    Finding,
    LeaveOneOut,
    PredictionErrors,
    event_npde,
    find_unidentified,
    individual_residuals,
    size_npde,
)
from metachron.inference.criticism.criticism import try_leave_one_out
from metachron.inference.predict import (
    Agreement,
    IndividualCurves,
    SizeCheck,
    agreement,
    best_changes,
    clinical_parameters,
    describe_arms,
    durable_by_arm,
    durable_probability,
    event_times,
    hazard_ratio_over_time,
    individual_curves,
    new_lesion_vpc,
    organ_parameters,
    progression_vpc,
    recorded_by_organ,
    recorded_progressions,
    recorded_sizes,
    size_changes,
    size_vpc,
    span_of_response,
    standardised_survival,
    survival_by_arm,
    survival_vpc,
    variance_shares,
)

_POINTS = 61
REPLICATES = 1000
"""Replicates of prediction errors, and draws of leave-one-out: tails need more of them than bands do."""
_LATE = 0.9
"""Hazard ratios are shown up to the time by which this share of patients has left observation."""


@dataclass(frozen=True)
class Numbers:
    """Predictions and summaries of one fit.

    Parameters
    ----------
    fit : what they are computed from.
    patients : whom individual figures show; None: nine patients from the best response to the worst.
    draws, seed : number of posterior draws behind each prediction, and the seed of what is random in them.
    """

    fit: Fit
    patients: tuple[str, ...] | None = None
    draws: int = 200
    seed: int = 1

    @classmethod
    def of(cls, source: Fit | Numbers, patients: Sequence[str] | None = None) -> Numbers:
        """Return the numbers of a fit; numbers that are given stay, and with them all that is computed already."""
        if isinstance(source, Numbers):
            return source
        return cls(source, None if patients is None else tuple(patients))

    @property
    def event(self) -> str:
        """The kind of event of the hazard; ``"event"`` where there is none."""
        return self.fit.model.hazard.event if self.fit.model.hazard else "event"

    @property
    def arms(self) -> tuple[str, ...]:
        return self.fit.labels.arms

    @cached_property
    def durable(self) -> pl.DataFrame:
        """How many patients of each arm are likely to be durable responders; the model has the class."""
        return durable_by_arm(durable_probability(self.fit))

    @cached_property
    def clinical(self) -> pl.DataFrame:
        return clinical_parameters(self.fit)

    @cached_property
    def organs(self) -> pl.DataFrame:
        return organ_parameters(self.fit)

    @cached_property
    def response_by_organ(self) -> pl.DataFrame:
        """What was recorded by organ; no row without patients, or where neither lesions nor new ones are recorded."""
        return recorded_by_organ(self.fit)

    @cached_property
    def agreement(self) -> Agreement:
        """How far lesions of one patient agree."""
        assert self.fit.cohort is not None
        return agreement(self.fit.cohort, limit_mm=self.fit.labels.limit_mm)

    @cached_property
    def variance_shares(self) -> pl.DataFrame | None:
        """Shares of variance by level; None without lesion effects."""
        part = self.fit.model.dynamics
        return variance_shares(self.fit) if part is not None and part.lesion else None

    @cached_property
    def by_arm(self) -> pl.DataFrame:
        return describe_arms(self.fit)

    @cached_property
    def observed(self) -> pl.DataFrame:
        """Observed outcomes; empty without a hazard."""
        found = event_times(self.fit)
        return pl.DataFrame() if found is None else found

    @cached_property
    def last_year(self) -> float:
        """The end of the last follow-up for the event."""
        return float(self.observed["time_year"].max())  # type: ignore[arg-type]

    @cached_property
    def landmark_year(self) -> float:
        """The time that sentences speak of: 1 year, or half of a shorter follow-up in whole months."""
        if self.last_year >= 1.25:
            return 1.0
        return max(1.0, round(self.last_year * MONTHS_PER_YEAR / 2)) / MONTHS_PER_YEAR

    @cached_property
    def grid_year(self) -> np.ndarray:
        """Times from 0 to the end of follow-up."""
        return np.linspace(0.0, self.last_year, _POINTS)

    @cached_property
    def ratio_grid_year(self) -> np.ndarray:
        """Times of the hazard ratio, the landmark among them; above 0, and not beyond most patients' follow-up."""
        late = max(float(np.quantile(self.observed["time_year"].to_numpy(), _LATE)), self.landmark_year)
        return np.unique(np.append(np.linspace(late / 40, late, 40), self.landmark_year))

    @cached_property
    def survival(self) -> pl.DataFrame:
        times = np.unique(np.append(self.grid_year, self.landmark_year))
        return survival_by_arm(self.fit, times, draws=self.draws, seed=self.seed)

    @property
    def survival_at_landmark(self) -> pl.DataFrame:
        return self.survival.filter(pl.col("time_year") == self.landmark_year)

    @cached_property
    def standardised(self) -> pl.DataFrame:
        times = np.unique(np.append(self.grid_year, self.landmark_year))
        return standardised_survival(self.fit, times, draws=self.draws, seed=self.seed)

    @cached_property
    def hazard_ratio(self) -> pl.DataFrame:
        return hazard_ratio_over_time(self.fit, self.ratio_grid_year, draws=self.draws, seed=self.seed)

    @cached_property
    def incomparable(self) -> str:
        """Why arms cannot be compared; empty where they can."""
        try:
            ratios = self.hazard_ratio
        except ModelError as error:
            return str(error)
        if bool((ratios["hazard_ratio_q05"] == 1.0).all() and (ratios["hazard_ratio_q95"] == 1.0).all()):
            return "nothing in this model's hazard depends on the arm"
        return ""

    @cached_property
    def size_check(self) -> SizeCheck:
        return size_vpc(self.fit, draws=self.draws, seed=self.seed)

    @cached_property
    def survival_check(self) -> pl.DataFrame:
        return survival_vpc(self.fit, self.grid_year, draws=self.draws, seed=self.seed)

    @cached_property
    def new_lesion_check(self) -> pl.DataFrame:
        assert self.fit.cohort is not None
        watched = self.fit.cohort.followup.filter(pl.col("kind") == NEW_LESION)["last_day"]
        times = np.linspace(0.0, float(watched.max()) / DAYS_PER_YEAR, _POINTS)  # type: ignore[arg-type]
        return new_lesion_vpc(self.fit, times, draws=self.draws, seed=self.seed)

    @cached_property
    def progressions(self) -> pl.DataFrame:
        """Recorded progressions by size; empty where sizes are not sums, or nobody has one after day 0."""
        part = self.fit.model.dynamics
        return pl.DataFrame() if part is None or part.size == "lesion" else recorded_progressions(self.fit)

    @cached_property
    def progression_check(self) -> pl.DataFrame:
        times = np.linspace(0.0, float(self.progressions["time_year"].max()), _POINTS)  # type: ignore[arg-type]
        return progression_vpc(self.fit, times, draws=self.draws, seed=self.seed)

    @cached_property
    def size_errors(self) -> PredictionErrors:
        return size_npde(self.fit, replicates=REPLICATES, seed=self.seed)

    @cached_property
    def event_errors(self) -> PredictionErrors:
        return event_npde(self.fit, draws=REPLICATES, seed=self.seed)

    @cached_property
    def residuals(self) -> pl.DataFrame:
        return individual_residuals(self.fit)

    @cached_property
    def left_out(self) -> LeaveOneOut | str:
        """Leave-one-out by patient, or why there is none."""
        return try_leave_one_out(self.fit, draws=REPLICATES, seed=self.seed)

    @cached_property
    def findings(self) -> list[Finding]:
        return find_unidentified(self.fit, seed=self.seed)

    @cached_property
    def changes(self) -> pl.DataFrame:
        return size_changes(self.fit)

    @cached_property
    def best(self) -> pl.DataFrame:
        return best_changes(self.fit)

    @cached_property
    def chosen(self) -> tuple[str, ...]:
        return self.patients if self.patients is not None else tuple(span_of_response(self.fit))

    @cached_property
    def curves(self) -> IndividualCurves:
        """Curves of the chosen patients, from the first recorded size to `curve_end_year`."""
        times = np.linspace(self._ends[0], self.curve_end_year, 2 * _POINTS)
        return individual_curves(self.fit, self.chosen, times, draws=2 * self.draws)

    @property
    def curve_end_year(self) -> float:
        """The end of the longest follow-up among the chosen patients."""
        return self._ends[1]

    @cached_property
    def _ends(self) -> tuple[float, float]:
        frames = [self.observed] if self.observed.height else []
        frames += [recorded_sizes(self.fit)] if self.fit.model.dynamics is not None else []
        years = [y for f in frames for y in f.filter(pl.col("patient").is_in(self.chosen))["time_year"].to_list()]
        return min([0.0, *years]), max([0.25, *years])
