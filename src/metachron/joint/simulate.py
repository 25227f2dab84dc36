"""Simulation: a new cohort from given parameters on a given visit plan, by the same formulas as the likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.cohort import LIMIT_MM, Cohort
from metachron.joint.bind import bind_patients
from metachron.joint.design import Design, Dims
from metachron.joint.durable_class import class_at
from metachron.joint.dynamics_part import DynamicsPart
from metachron.joint.given_parameters import read_parameters
from metachron.joint.hazard_terms import cumulative_hazard, patient_state
from metachron.joint.inversion import time_reached
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters, patient_parameters, row_parameters
from metachron.joint.simulate_new_lesions import draw_new_lesions, seen_new_lesions
from metachron.joint.sites import Theta
from metachron.joint.stretches import new_lesion_years
from metachron.joint.trial_tables import Observed, simulated_cohort, visit_table
from metachron.joint.vector import Values, effect_shapes


@dataclass(frozen=True)
class VisitPlan:
    """When patients are assessed and how their observation ends.

    Parameters
    ----------
    visit_day : planned days of tumour assessment from day 0; the first ones, at or before day 0, are the baseline.
    cutoff_day : days from day 0 of the first patient to the data cut-off.
    enrolment_days : patients enter evenly over this many days, so that the last ones are followed for less time.
    jitter_day : standard deviation of the visits about their plan; baseline visits keep to the plan.
    dropout_per_year : rate of loss to follow-up.
    """

    visit_day: tuple[float, ...]
    cutoff_day: float
    enrolment_days: float = 0.0
    jitter_day: float = 0.0
    dropout_per_year: float = 0.0

    def check(self) -> None:
        """Raise `ModelError` when the plan is impossible."""
        if not self.visit_day or min(self.visit_day) > 0:
            raise ModelError("a visit plan needs a baseline visit at or before day 0")
        if self.enrolment_days < 0 or self.cutoff_day <= self.enrolment_days:
            raise ModelError("cutoff_day must lie after the end of enrolment, or late patients are never followed")
        if self.jitter_day < 0 or self.dropout_per_year < 0:
            raise ModelError("jitter_day and dropout_per_year must not be negative")


def simulate(
    model: ModelParts,
    parameters: Mapping[str, Any],
    patients: pl.DataFrame,
    plan: VisitPlan,
    *,
    seed: int,
    lesions: pl.DataFrame | None = None,
    knots_year: tuple[float, ...] = (),
    limit_mm: float | None = None,
    new_lesion_organs: tuple[str, ...] = ("unknown",),
    new_lesion_knots_year: tuple[float, ...] = (),
    name: str = "simulated",
) -> Cohort:
    """Return a cohort drawn from the model.

    Parameters
    ----------
    parameters : population parameters by site name, e.g. ``{"log_growth_per_year.mean": {"control": -0.9}}``: a
        number, an array in the order of the labels, or a mapping from label to number; ``effects.correlation`` is the
        correlation matrix.
    patients : the table ``patients`` (patient, study, arm, covariates).
    plan : visits, dropout and administrative censoring.
    seed : the same seed gives the same cohort.
    lesions : table ``lesions`` where the model has sizes lesion by lesion.
    knots_year, new_lesion_knots_year : knots of a piecewise or spline hazard.
    limit_mm : sizes below it are recorded as ``below_limit``; None: the limit of the model, else 5 mm.
    new_lesion_organs : organs in which new lesions appear, where the model has them. They are recorded on the day on
        which they appear, or as between two visits, as the model takes its times.

    Raises
    ------
    ModelError
        When parameters are missing, unknown, of the wrong length or out of range, the plan is impossible, or lesions
        or knots that the model needs are not given.
    """
    plan.check()
    _check_given(model, lesions, knots_year, new_lesion_knots_year)
    limit_mm = _limit_mm(model.dynamics) if limit_mm is None else limit_mm
    order = {patient: index for index, patient in enumerate(patients["patient"].to_list())}
    owners = np.arange(len(order)) if lesions is None else np.asarray([order[p] for p in lesions["patient"]])
    organ = [] if lesions is None else lesions["organ"].fill_null("unknown").to_list()
    new_organs = tuple(sorted(new_lesion_organs)) if model.new_lesions else ()
    binding = bind_patients(
        model, patients, np.ones(len(order)), owners, organ, knots_year=knots_year, new_lesion_organs=new_organs
    )
    theta = read_parameters(model, binding, parameters)
    key = jax.random.key(seed)
    values = draw_effects(model, binding.dims, theta, jax.random.fold_in(key, 0))
    durable = None
    if model.durable is not None:
        durable = class_at(theta, binding.design, jax.random.uniform(jax.random.fold_in(key, 4), (len(order),)))
    individual = patient_parameters(model, values, binding.design, durable)
    rng = np.random.default_rng([seed, 1])
    end_year = _end_of_observation(plan, len(order), rng)
    identifiers = np.asarray(patients["patient"].to_list(), dtype=object)
    appeared = None
    if model.new_lesions is not None:
        appeared = draw_new_lesions(
            model, theta, individual, binding.design, end_year, new_lesion_knots_year, np.random.default_rng([seed, 3])
        )
    if model.counts_new_lesions:
        assert appeared is not None
        seen = seen_new_lesions(model, appeared, None, identifiers, new_organs)
        years = new_lesion_years(seen, identifiers.tolist(), len(order))
        binding = replace(binding, design=binding.design._replace(seen_year=jnp.asarray(years)))
        individual = patient_parameters(model, values, binding.design, durable)
    event_year = np.full(len(order), np.inf)
    if model.hazard is not None:
        drawn = jax.random.exponential(jax.random.fold_in(key, 2), (len(order),))
        longest = jnp.full(len(order), plan.cutoff_day / DAYS_PER_YEAR)
        event_year = np.asarray(event_times(model, theta, individual, binding.design, drawn, longest))
    last_year = np.minimum(end_year, event_year)
    observed = _observe(model, theta, individual, owners, plan, last_year, limit_mm, rng)
    new = None
    if appeared is not None:
        before = last_year[appeared["index"].to_numpy()] * DAYS_PER_YEAR
        appeared = appeared.filter(pl.col("day") <= pl.Series(before))
        new = seen_new_lesions(model, appeared, visit_table(identifiers, observed), identifiers, new_organs)
    return simulated_cohort(model, name, patients, lesions, observed, event_year, end_year, limit_mm, new)


def _check_given(
    model: ModelParts,
    lesions: pl.DataFrame | None,
    knots_year: tuple[float, ...],
    new_lesion_knots_year: tuple[float, ...],
) -> None:
    if model.single_lesions and lesions is None:
        raise ModelError("a model of sizes lesion by lesion needs the table lesions to simulate from")
    if model.counts_new_lesions and (model.new_lesions is None or model.new_lesions.timing == "between-visits"):
        raise ModelError(
            "with the link new-lesion-count, death follows the days on which new lesions are found, so a simulation "
            "needs a process of new lesions with timing 'as-recorded'"
        )
    new = model.new_lesions.hazard if model.new_lesions else None
    for part, knots, name in ((model.hazard, knots_year, ""), (new, new_lesion_knots_year, "new_lesion_")):
        if part is not None and len(knots) != part.hazard.knot_count:
            raise ModelError(
                f"the {part.hazard.name} baseline hazard needs {part.hazard.knot_count} knots; {name}knots_year has "
                f"{len(knots)}"
            )


def _limit_mm(part: DynamicsPart | None) -> float:
    """Return the limit at which the likelihood of the model censors, in mm."""
    if part is None or (part.limit_mm is None and part.limit_working is None):
        return LIMIT_MM
    if part.limit_working is None:
        return float(part.limit_mm or LIMIT_MM)
    return float(part.law.scale.to_mm(jnp.asarray(part.limit_working)))


def draw_effects(model: ModelParts, dims: Dims, theta: Theta, key: Array) -> Values:
    """Return the values with standardised patient and lesion effects drawn anew."""
    patient, lesion = effect_shapes(model, dims)
    one, two = jax.random.split(key)
    return Values(dict(theta), jax.random.normal(one, patient), jax.random.normal(two, lesion))


@partial(jax.jit, static_argnames=("model",))
def event_times(
    model: ModelParts,
    theta: Theta,
    individual: PatientParameters | None,
    design: Design,
    target: Float[Array, " patient"],
    longest_year: Float[Array, " patient"],
) -> Float[Array, " patient"]:
    """Return the times at which each patient's cumulative hazard reaches ``target``; inf beyond ``longest_year``."""
    state = patient_state(model, individual)
    zero = jnp.zeros_like(longest_year)

    def reached(time: Float[Array, " patient"]) -> Float[Array, " patient"]:
        return cumulative_hazard(model, theta, state, design, zero, time)

    return time_reached(reached, zero, longest_year, target)


def _end_of_observation(plan: VisitPlan, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the year at which each patient's observation ends without an event: data cut-off or dropout."""
    end = (plan.cutoff_day - plan.enrolment_days * rng.random(count)) / DAYS_PER_YEAR
    if plan.dropout_per_year > 0:
        end = np.minimum(end, rng.exponential(1.0 / plan.dropout_per_year, count))
    return end


def _observe(
    model: ModelParts,
    theta: Theta,
    individual: PatientParameters | None,
    owners: np.ndarray,
    plan: VisitPlan,
    last_year: np.ndarray,
    limit_mm: float,
    rng: np.random.Generator,
) -> Observed:
    """Return the visits made before observation ends, and the sizes recorded at them."""
    planned = np.asarray(plan.visit_day, dtype=float)
    day = np.repeat(planned[None, :], len(last_year), axis=0)
    moved = planned > 0
    day[:, moved] += rng.normal(0.0, 1.0, (len(last_year), int(moved.sum()))) * plan.jitter_day
    day = np.round(np.sort(day, axis=1), 6)
    made = (day <= last_year[:, None] * DAYS_PER_YEAR) & ((day > 0) | ~moved[None, :])
    made &= np.concatenate([np.ones((len(day), 1), bool), np.diff(day, axis=1) > 0], axis=1)
    if model.dynamics is None or individual is None:
        patient, visit = np.nonzero(made)
        return Observed(patient, day[patient, visit], None, None, None)
    series, visit = np.nonzero(made[owners])
    patient = owners[series]
    sizes = _sizes(model, theta, individual, patient, series, day[patient, visit] / DAYS_PER_YEAR, rng)
    return Observed(patient, day[patient, visit], series, sizes, sizes < limit_mm)


def _sizes(
    model: ModelParts,
    theta: Theta,
    individual: PatientParameters,
    patient: np.ndarray,
    series: np.ndarray,
    time_year: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    part = model.dynamics
    assert part is not None
    psi = row_parameters(part, individual, jnp.asarray(patient), jnp.asarray(series))
    residual = {name: theta[f"residual.{name}"] for name, _ in part.residual_priors}
    mean, sd = part.observation.mean_and_sd(part.law.location(jnp.asarray(time_year), psi), part.law, residual)
    value = np.asarray(mean) + np.asarray(sd) * rng.normal(size=len(time_year))
    return np.asarray(part.observation.value_scale(part.law).to_mm(jnp.asarray(value)))
