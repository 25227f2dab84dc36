"""What each weighed draw of a patient says of the time after the landmark, under each option."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from metachron.base import DAYS_PER_YEAR
from metachron.dynamics import Trajectory
from metachron.dynamics.progression import progression_threshold_mm
from metachron.forecast.condition import Conditioned
from metachron.inference.predict.hazard_grid import Grid, cumulative_on_grid, grid_to
from metachron.inference.predict.subjects import gather
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import patient_state
from metachron.joint.new_lesions import expected_new_lesions, organ_log_shares
from metachron.joint.population import PatientParameters, patient_parameters
from metachron.joint.sites import Theta
from metachron.joint.stretches import Stretches
from metachron.joint.vector import Values

STEP_DAY, LEAST_STEPS, MOST_STEPS = 14.0, 12, 60
READINGS = 4
"""Measurement errors drawn per draw and scan: a progression is found by a reading, not by the true size."""


class Times(NamedTuple):
    """When to look: survival at the times of ``hazard``, of which the first is the landmark; sizes at times before the
    landmark and then at the same ones; readings at ``scan_year``, which stand at ``scan_place`` among those of
    survival.
    """

    size_year: Float[Array, " size"]
    hazard: Grid
    scan_year: Float[Array, " scan"]
    scan_place: Int[Array, " scan"]


class Futures(NamedTuple):
    """For each patient, option and draw.

    ``size_mm`` without measurement error (empty without tumour dynamics), of single lesions the sum over targets, and
    ``lesion_mm`` each of them (empty otherwise); ``survival`` from the landmark to each time,
    1 at the landmark (empty without a hazard); ``progressed`` : share of the readings in which progression by size was
    found at each scan for the first time; ``new_lesions`` : their expected number from the landmark to each time, and
    ``organs`` the share of each organ in them (empty where new lesions are not modelled).
    """

    size_mm: Float[Array, "patient option draw size"]
    survival: Float[Array, "patient option draw time"]
    progressed: Float[Array, "patient option draw scan"]
    new_lesions: Float[Array, "patient option draw time"]
    organs: Float[Array, "patient option draw organ"]
    lesion_mm: Float[Array, "patient option draw lesion time"]

    def first(self, count: int) -> Futures:
        """Return the futures of the first patients."""
        return Futures(*(value[:count] for value in self))


def times_of(
    conditioned: Conditioned,
    *,
    first_day: float,
    landmark_day: float,
    horizon_day: float,
    scan_day: Float[np.ndarray, " scan"],
) -> Times:
    """Return the times of a forecast: from the landmark to the horizon at equal steps, and at every scan."""
    count = int(np.clip(np.ceil((horizon_day - landmark_day) / STEP_DAY), LEAST_STEPS, MOST_STEPS))
    days = np.unique(np.concatenate([np.linspace(landmark_day, horizon_day, count + 1), scan_day]))
    before = np.linspace(first_day, landmark_day, LEAST_STEPS + 1)[:-1] if first_day < landmark_day else np.zeros(0)
    grid = grid_to(days / DAYS_PER_YEAR, conditioned.binding.design, start_year=landmark_day / DAYS_PER_YEAR)
    place = np.searchsorted(days, scan_day)
    sizes = np.concatenate([before, days]) / DAYS_PER_YEAR
    return Times(jnp.asarray(sizes), grid, jnp.asarray(scan_day / DAYS_PER_YEAR), jnp.asarray(place))


def futures(
    model: JointModel,
    conditioned: Conditioned,
    patients: Int[np.ndarray, " patient"],
    times: Times,
    nadir_mm: Float[np.ndarray, " patient"],
    clock_day: Float[np.ndarray, " patient"],
    *,
    target: Float[np.ndarray, "patient lesion"],
    limit_mm: float,
    seed: int,
) -> Futures:
    """Return the futures of some patients.

    Parameters
    ----------
    patients : places of the patients among those conditioned.
    nadir_mm : the smallest recorded size of each up to the landmark (sizes below the limit count as the limit).
    clock_day : the day on which the clock of new lesions shows 0: that of the last one in gap time, else day 0.
    target : 1 for lesions that count in the sum, of all patients conditioned; without columns where sizes are sums.
    """
    draw, imputation = conditioned.draw[patients], conditioned.imputation[patients]
    own = {name: value[draw] for name, value in conditioned.theta.items()}
    rows = np.take_along_axis(conditioned.copies.rows[patients], imputation[:, None, :], axis=2)
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(jnp.asarray(patients))
    return _futures(
        own, conditioned.effects[patients], conditioned.lesions[patients], conditioned.durable[patients],
        target[patients], rows, nadir_mm, clock_day / DAYS_PER_YEAR, keys, conditioned.binding.design, times, limit_mm,
        model=model,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("model",))
def _futures(
    theta: Theta,
    effects: Float[Array, "patient draw effect"],
    lesions: Float[Array, "patient draw lesion effect"],
    durable: Bool[Array, "patient option draw"],
    target: Float[Array, "patient lesion"],
    rows: Int[Array, "patient option draw"],
    nadir_mm: Float[Array, " patient"],
    clock_year: Float[Array, " patient"],
    keys: Array,
    design: Design,
    times: Times,
    limit_mm: Float[Array, ""],
    *,
    model: JointModel,
) -> Futures:
    def one(
        theta: Theta,
        effects: Array,
        lesions: Array,
        member: Array,
        row: Array,
        key: Array,
        target: Array,
        nadir: Array,
        clock: Array,
    ) -> tuple[Array, ...]:
        own = gather(design, row[None])
        parameters = one_patient(model, theta, effects, lesions, member, own)
        survival = jnp.ones(0)
        if model.hazard is not None:
            survival = jnp.exp(
                -cumulative_on_grid(model, theta, patient_state(model, parameters), own, times.hazard)[0]
            )
        new = _new_lesions(model, theta, parameters, own, design, times, clock)
        if model.dynamics is None or parameters is None:
            return jnp.zeros(0), survival, jnp.zeros(0), *new, jnp.zeros((0, 0))
        each = Trajectory(model.dynamics.law, series_psi(parameters)).size_mm(times.size_year)
        read = readings_mm(model, theta, parameters, times.scan_year, key, target, limit_mm, READINGS)
        progressed = jnp.mean(first_progression(read, nadir), axis=0)
        if parameters.lesions is None:
            return each[0], survival, progressed, *new, jnp.zeros((0, 0))
        return target @ each, survival, progressed, *new, each

    draws = jax.vmap(one, in_axes=(0, 0, 0, 0, 0, 0, None, None, None))

    def patient(own: tuple[Theta, Array, Array, Array, Array, Array, Array, Array, Array]) -> Futures:
        theta, effects, lesions, durable, target, options, nadir, clock, key = own
        each = jax.random.split(key, len(effects))

        def under(option: tuple[Array, Array]) -> tuple[Array, ...]:
            found: tuple[Array, ...] = draws(theta, effects, lesions, *option, each, target, nadir, clock)
            return found

        return Futures(*jax.lax.map(under, (durable, options)))

    return jax.lax.map(patient, (theta, effects, lesions, durable, target, rows, nadir_mm, clock_year, keys))


def _new_lesions(
    model: JointModel,
    theta: Theta,
    parameters: PatientParameters | None,
    own: Design,
    design: Design,
    times: Times,
    clock_year: Float[Array, ""],
) -> tuple[Float[Array, " time"], Float[Array, " organ"]]:
    """Return the expected number of new lesions of one patient from the landmark to each time, and shares of organs."""
    if model.new_lesions is None:
        return jnp.zeros(0), jnp.zeros(0)
    assert design.stretches is not None
    stop = times.hazard.time_year - clock_year
    alone = jnp.zeros(len(stop), dtype=int)
    stretches = Stretches.unseen(alone, stop[0], stop, clock_year, design.stretches.knots_year)
    shares = jnp.exp(organ_log_shares(model, theta, own))[0]
    return expected_new_lesions(model, theta, parameters, own._replace(stretches=stretches)), shares


def one_patient(
    model: JointModel,
    theta: Theta,
    effects: Float[Array, " effect"],
    lesions: Float[Array, "lesion effect"],
    durable: Bool[Array, ""],
    design: Design,
) -> PatientParameters | None:
    """Return the parameters of one patient with standardised effects, in a class where the model has classes.

    None without dynamics and effects.
    """
    member = None if model.durable is None else durable.astype(float)[None]
    return patient_parameters(model, Values(dict(theta), effects[None], lesions), design, member)


def series_psi(parameters: PatientParameters) -> dict[str, Float[Array, "series 1"]]:
    """Return the parameters of one patient's lesions, or of the sum where sizes are sums, to be spread over times."""
    if parameters.lesions is None:
        return {name: value[:, None] for name, value in parameters.psi.items()}
    return {name: value[0][:, None] for name, value in parameters.lesions.psi.items()}


def readings_mm(
    model: JointModel,
    theta: Theta,
    parameters: PatientParameters,
    time_year: Float[Array, " scan"],
    key: Array,
    target: Float[Array, " lesion"],
    limit_mm: Float[Array, ""],
    count: int,
) -> Float[Array, "reading scan"]:
    """Return sizes of one patient as they may be read, measurement error drawn ``count`` times: at least the limit.

    Of single lesions the sum over targets, each at least the limit, as RECIST 1.1 counts lesions too small to measure.
    """
    part = model.dynamics
    assert part is not None
    residual = {name: theta[f"residual.{name}"] for name, _ in part.residual_priors}
    mean, sd = part.observation.mean_and_sd(part.law.location(time_year, series_psi(parameters)), part.law, residual)
    noise = jax.random.normal(key, (count, *mean.shape))
    read = jnp.maximum(part.observation.value_scale(part.law).to_mm(mean + sd * noise), limit_mm)
    return read[:, 0] if parameters.lesions is None else jnp.einsum("rlt,l->rt", read, target)


def first_progression(
    size_mm: Float[Array, "reading scan"], nadir_mm: Float[Array, ""]
) -> Float[Array, "reading scan"]:
    """Return 1 at the first scan that shows progression: 20 % and 5 mm above the smallest size before it.

    Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026, section 4.3.1; sizes recorded before the landmark count by their
    smallest.
    """
    before = jnp.concatenate([jnp.broadcast_to(nadir_mm, size_mm[:, :1].shape), size_mm[:, :-1]], axis=1)
    lowest = jax.lax.cummin(jnp.minimum(before, nadir_mm), axis=1)
    shows = size_mm >= progression_threshold_mm(lowest)
    return (shows & (jnp.cumsum(shows, axis=1) == 1)).astype(float)
