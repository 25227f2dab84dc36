"""Where a running trial is going: the remaining follow-up of its patients simulated, and its planned analysis made.

The patients are those of the fit, whose draws hold population parameters and every patient's effects given all data so
far. Nobody is invented: events that have happened stay, patients alive go on from their last day.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Bool, Float

from metachron.base import DAYS_PER_YEAR, InputError, ModelError, list_briefly
from metachron.cohort.event_times import times_to_event
from metachron.inference import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import Draws, fitted_parameters, take_draws
from metachron.inference.predict.durable import with_classes
from metachron.inference.predict.subjects import fitted_design, need_cohort, need_hazard
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.simulate import event_times
from metachron.survival import fit_cox, kaplan_meier, log_rank

LONGEST_YEAR = 50.0
TIMES = 60
ASSUMED = (
    "Research software, not a medical device: a forecast is no decision about a trial.",
    "Everybody who is alive stays under observation until the analysis; enrolment is complete.",
    "Treatment goes on as in the data so far, and the model is taken to be right.",
)


@dataclass(frozen=True, eq=False)
class TrialForecast:
    """A running trial at its planned analysis, over draws of the posterior and of what is still to happen.

    Parameters
    ----------
    experimental, control : the arms compared.
    curves : arm, day, survival_q05, survival_q50, survival_q95 of the Kaplan-Meier estimate at the analysis; observed,
        that of today (NaN after the last day).
    hazard_ratio : experimental against control at the analysis, one value per draw; infinite or 0 where one arm had no
        event.
    success : whether the analysis is a success, per draw.
    events : number of events at the analysis, per draw. ``more_days`` : days of follow-up from today to it, per draw.
    events_now : events so far. ``alpha`` : two-sided level of the log-rank test.
    notes : what the forecast assumes.
    """

    experimental: str
    control: str
    curves: pl.DataFrame
    hazard_ratio: Float[np.ndarray, " draw"]
    success: Bool[np.ndarray, " draw"]
    events: Float[np.ndarray, " draw"]
    more_days: Float[np.ndarray, " draw"]
    events_now: int
    alpha: float
    notes: tuple[str, ...]

    @property
    def probability_of_success(self) -> float:
        """Probability that the planned analysis is a success."""
        return float(self.success.mean())

    def summary(self) -> pl.DataFrame:
        """Return quantity, q05, q50, q95: hazard ratio, events and days to the analysis."""
        rows = [
            (name, *np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf"))
            for name, values in (
                (f"hazard ratio, {self.experimental} against {self.control}", self.hazard_ratio),
                ("events at the analysis", self.events),
                ("days of follow-up to the analysis", self.more_days),
            )
        ]
        return pl.DataFrame(rows, schema=["quantity", "q05", "q50", "q95"], orient="row")

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "experimental": self.experimental,
            "control": self.control,
            "probability_of_success": self.probability_of_success,
            "alpha": self.alpha,
            "events_now": self.events_now,
            "summary": self.summary().to_dicts(),
            "curves": self.curves.to_dicts(),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return (
            f"TrialForecast({self.experimental} against {self.control}, probability of success "
            f"{self.probability_of_success:.2f})"
        )


def forecast_trial(
    fit: Fit,
    *,
    control: str,
    experimental: str | None = None,
    events: int | None = None,
    more_days: float | None = None,
    alpha: float = 0.05,
    draws: int = 500,
    seed: int = 1,
) -> TrialForecast:
    """Return the planned analysis of the trial that was fitted, foretold.

    The analysis is a success when the log-rank test has p below ``alpha`` in favour of the experimental arm.

    Parameters
    ----------
    control, experimental : arms; experimental may be left out where there are two.
    events, more_days : when the analysis is made: at this number of events in all, or after so many more days of
        follow-up of everybody. One of the two is given.
    draws : futures simulated, one per draw of the posterior, spread evenly over it.

    Raises
    ------
    ModelError
        When the fit has no hazard or no patients, an arm is unknown, not exactly one of ``events`` and ``more_days`` is
        given, or more events are asked for than patients can have.
    """
    need_hazard(fit)
    cohort = need_cohort(fit)
    arms = _arms(fit, control, experimental)
    assert fit.model.hazard is not None
    table = times_to_event(cohort, fit.model.hazard.event)
    if table.height < cohort.patients.height:
        lacking = cohort.patients.join(table, on="patient", how="anti")["patient"]
        raise ModelError(f"no follow-up of {list_briefly(lacking)}: their future cannot be simulated")
    now, happened = table["time_year"].to_numpy(), table["event"].to_numpy()
    compared = table["arm"].is_in(arms).to_numpy()
    _check(events, more_days, happened[compared], compared)
    taken = with_classes(fit, take_draws(fit, draws))
    count = len(next(iter(taken.theta.values())))
    keys = jax.random.split(jax.random.key(seed), count)
    died = np.asarray(_futures(taken, fitted_design(fit), jnp.asarray(now), keys, model=fit.model))
    died = np.where(happened, now, died)
    who = table["arm"].to_numpy()
    wait = np.full(count, (more_days or 0.0) / DAYS_PER_YEAR)
    if events is not None:
        later = np.where(happened | ~compared, np.inf, died - now)
        wait = np.sort(later, axis=1)[:, events - int(happened[compared].sum()) - 1]
    end = np.where(happened, now, np.minimum(died, now + wait[:, None]))
    event = happened | (died <= now + wait[:, None])
    ratio, success = _analyse(end[:, compared], event[:, compared], who[compared], *arms, alpha)
    curves = _curves(end, event, who, now, happened, arms)
    return TrialForecast(
        *arms, curves, ratio, success, event[:, compared].sum(axis=1).astype(float), wait * DAYS_PER_YEAR,
        int(happened[compared].sum()), alpha, ASSUMED,
    )  # fmt: skip


def _arms(fit: Fit, control: str, experimental: str | None) -> tuple[str, str]:
    known = fit.labels.arms
    others = [arm for arm in known if arm != control]
    if experimental is None and len(others) == 1:
        experimental = others[0]
    unknown = sorted({control, experimental or ""} - set(known) - {""})
    if unknown or experimental is None or experimental == control:
        what = f"arm {list_briefly(unknown)} is not in the fit" if unknown else "two different arms are compared"
        raise ModelError(f"{what}; it has {list_briefly(known)}: name control and experimental arm")
    return experimental, control


def _check(
    events: int | None, more_days: float | None, happened: Bool[np.ndarray, " patient"], compared: np.ndarray
) -> None:
    if (events is None) == (more_days is None):
        raise ModelError("say when the analysis is made: after a number of events, or after more days of follow-up")
    if more_days is not None and not more_days >= 0:
        raise ModelError(f"days of follow-up to the analysis cannot be {more_days:g}")
    if events is not None and not happened.sum() < events <= compared.sum():
        raise ModelError(
            f"the analysis is made after {events} events, and {int(happened.sum())} of {int(compared.sum())} patients "
            "have had theirs: name a number between the two"
        )


@partial(jax.jit, static_argnames=("model",))
def _futures(
    draws: Draws, design: Design, now_year: Float[Array, " patient"], keys: Array, *, model: JointModel
) -> Float[Array, "draw patient"]:
    """Return a time of the event of every patient in every draw, later than ``now_year``."""
    zero = jnp.zeros_like(now_year)

    def one(own: tuple[Draws, Array]) -> Array:
        draw, key = own
        parameters = fitted_parameters(model, draw, design)
        passed = cumulative_hazard(model, draw.theta, patient_state(model, parameters), design, zero, now_year)
        target = passed + jax.random.exponential(key, now_year.shape)
        return event_times(model, draw.theta, parameters, design, target, zero + LONGEST_YEAR)

    return jax.lax.map(one, (draws, keys))


def _analyse(
    end: Float[np.ndarray, "draw patient"],
    event: Bool[np.ndarray, "draw patient"],
    arm: np.ndarray,
    experimental: str,
    control: str,
    alpha: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return hazard ratio and success of the analysis of each draw."""
    ratio, success = np.empty(len(end)), np.zeros(len(end), dtype=bool)
    treated = arm == experimental
    for draw, (time, happened) in enumerate(zip(end, event, strict=True)):
        frame = pl.DataFrame({"time": time, "event": happened, "treated": treated.astype(float)})
        try:
            ratio[draw] = float(
                np.exp(fit_cox(frame, time="time", event="event", covariates=["treated"]).coefficients[0])
            )
        except (InputError, ModelError):
            ratio[draw] = np.inf if happened[treated].any() else 0.0
            continue
        success[draw] = log_rank(time, happened, group=arm).p_value < alpha and ratio[draw] < 1.0
    return ratio, success


def _curves(
    end: np.ndarray, event: np.ndarray, who: np.ndarray, now: np.ndarray, happened: np.ndarray, arms: tuple[str, str]
) -> pl.DataFrame:
    times = np.linspace(0.0, float(np.median(end.max(axis=1))), TIMES)
    values = np.empty((len(end), len(arms), len(times)))
    observed = np.empty((len(arms), len(times)))
    for place, arm in enumerate(arms):
        own = who == arm
        observed[place] = kaplan_meier(now[own], happened[own]).at(times)
        for draw in range(len(end)):
            values[draw, place] = kaplan_meier(end[draw, own], event[draw, own]).at(times)
    frame = band_frame(values, {"arm": arms, "day": times * DAYS_PER_YEAR}, prefix="survival_")
    return frame.with_columns(pl.Series("observed", observed.ravel()))
