"""From population parameters and standardised effects to each patient's (and each lesion's) parameters."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metachron.base import ModelError
from metachron.joint.design import Design
from metachron.joint.dynamics_part import DynamicsPart, ParameterModel
from metachron.joint.lesion_table import Lesions
from metachron.joint.parts import ModelParts
from metachron.joint.sites import CORRELATION, Theta
from metachron.joint.vector import Values

_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


class PatientParameters(NamedTuple):
    """Parameters on their transform scale.

    ``psi`` by parameter name, per patient; ``effects`` the patient effects of the random parameters by label;
    ``series`` the parameters per series (None where a patient is one series); ``lesions`` those of each patient's
    lesions, and ``seen_year`` the times at which new ones were found, where a link looks at them. ``durable`` is 1 for
    patients of the durable class and 0 for others, where a model has the class: the parameters are theirs already.
    """

    psi: dict[str, Float[Array, " patient"]]
    effects: dict[str, Float[Array, " patient"]]
    series: dict[str, Float[Array, " series"]] | None
    lesions: Lesions | None = None
    seen_year: Float[Array, "patient lesion"] | None = None
    durable: Float[Array, " patient"] | None = None


def fixed_part(parameter: ParameterModel, theta: Theta, design: Design) -> Float[Array, " patient"]:
    """Return mean[group] + covariates . beta of one parameter, per patient."""
    if parameter.centred:
        return jnp.zeros(design.arm.shape)
    mean = theta[f"{parameter.label}.mean"]
    value = mean if parameter.group == "all" else mean[design.group(parameter.group)]
    if parameter.name in design.columns:
        value = value + design.columns[parameter.name] @ theta[f"{parameter.label}.beta"]
    return jnp.broadcast_to(value, design.arm.shape)


def patient_spread(parameter: ParameterModel, theta: Theta, design: Design) -> Float[Array, "..."]:
    """Return the standard deviation of the patient effects of one parameter: a scalar or one per patient."""
    spread = theta[f"{parameter.label}.sd"]
    return spread if parameter.spread == "all" else spread[design.group(parameter.spread)]


def patient_effects(model: ModelParts, values: Values, design: Design) -> dict[str, Float[Array, " patient"]]:
    """Return the patient effects on the transform scale: standardised ones, correlated and scaled; 0 for padding."""
    if not model.random:
        return {}
    standard = values.patient * design.patient_weight[:, None]
    if CORRELATION in values.theta:
        standard = standard @ correlation_factor(model, values.theta).T
    return {
        parameter.label: standard[:, index] * patient_spread(parameter, values.theta, design)
        for index, parameter in enumerate(model.random)
    }


def correlation_factor(model: ModelParts, theta: Theta) -> Float[Array, "effect effect"]:
    """Return the Cholesky factor of the correlation of all patient effects; a frailty is independent of the others."""
    known = theta.get(CORRELATION)
    if known is None:
        return jnp.eye(len(model.random))
    return jnp.eye(len(model.random)).at[: len(known), : len(known)].set(known)


class EffectForm(NamedTuple):
    """The log density of a patient's random parameters as a quadratic form in their distance x from a centre:

    ``constant + sum_i x_i (linear_i + sum_{j <= i} quadratic_ij x_j)``; everything per patient.
    """

    linear: Float[Array, "effect patient"]
    quadratic: Float[Array, "effect effect patient"]
    constant: Float[Array, " patient"]

    def at(self, distance: Float[Array, "effect patient node"]) -> Float[Array, "patient node"]:
        """Return the log density at nodes: written out over the few effects, so that it stays elementwise."""
        total = self.constant[:, None]
        for i, own in enumerate(distance):
            slope = self.linear[i][:, None]
            for j in range(i + 1):
                slope = slope + self.quadratic[i, j][:, None] * distance[j]
            total = total + slope * own
        return total


def effect_form(model: ModelParts, theta: Theta, design: Design, centre: Float[Array, "effect patient"]) -> EffectForm:
    """Return the normal log density of the random parameters, on the transform scale, about a centre."""
    random = model.random
    spread = jnp.stack([jnp.broadcast_to(patient_spread(p, theta, design), design.arm.shape) for p in random])
    shift = jnp.stack([fixed_part(p, theta, design) for p in random]) - centre
    factor = correlation_factor(model, theta)
    inverse = jnp.stack(_solve_lower(factor, list(jnp.eye(len(random)))))
    precision = (inverse.T @ inverse)[..., None] / (spread[:, None] * spread[None, :])
    linear = jnp.sum(precision * shift[None], axis=1)
    log_scale = jnp.sum(jnp.log(spread), axis=0) + jnp.sum(jnp.log(jnp.diagonal(factor)))
    constant = -0.5 * jnp.sum(linear * shift, axis=0) - log_scale - len(random) * _LOG_SQRT_2PI
    below = jnp.tril(jnp.ones((len(random), len(random))), -1) + 0.5 * jnp.eye(len(random))
    return EffectForm(linear, -below[..., None] * precision, constant)


def _solve_lower(factor: Float[Array, "effect effect"], right: list[Array]) -> list[Array]:
    """Return the solution of a small lower-triangular system, written out: no call of a linear-algebra library."""
    solved: list[Array] = []
    for row, value in enumerate(right):
        for column, known in enumerate(solved):
            value = value - factor[row, column] * known
        solved.append(value / factor[row, row])
    return solved


def lesion_effects(part: DynamicsPart, values: Values) -> dict[str, Float[Array, " series"]]:
    """Return the lesion effects on the transform scale, by label."""
    return {
        parameter.label: values.lesion[:, index] * values.theta[f"{parameter.label}.lesion_sd"]
        for index, parameter in enumerate(part.lesion)
    }


def patient_parameters(
    model: ModelParts, values: Values, design: Design, durable: Float[Array, " patient"] | None = None
) -> PatientParameters | None:
    """Return the parameters of every patient and series; None where the model has neither dynamics nor effects.

    ``durable`` as for `assemble`.
    """
    effects = patient_effects(model, values, design)
    lesions = lesion_effects(model.dynamics, values) if model.dynamics else {}
    return assemble(model, values.theta, effects, lesions, design, durable)


def assemble(
    model: ModelParts,
    theta: Theta,
    effects: dict[str, Float[Array, " patient"]],
    lesions: dict[str, Float[Array, " series"]],
    design: Design,
    durable: Float[Array, " patient"] | None = None,
) -> PatientParameters | None:
    """Return the parameters from effects on the transform scale; None without dynamics and effects.

    Parameters
    ----------
    durable : 1 for patients of the durable class, 0 for others; needed where the model has the class.

    Raises
    ------
    ModelError
        When the model has a durable class and the class of the patients is not given: nobody is taken to grow silently.
    """
    parameters = _assemble(model, theta, effects, lesions, design)
    if model.durable is None:
        return parameters
    assert parameters is not None
    return in_class(model, parameters, durable, design.series_patient)


def in_class(
    model: ModelParts,
    parameters: PatientParameters,
    durable: Float[Array, " patient"] | None,
    series_patient: Int[Array, " series"] | None = None,
) -> PatientParameters:
    """Return the parameters with the growth of patients of the durable class taken away, their lesions' alike.

    ``series_patient`` is the patient of each series, where there are parameters of series.
    """
    if durable is None:
        raise ModelError(
            "this model has a class of durable responders, and who belongs to it has to be given here: the computation "
            "that was asked for does not know the class yet; leave [durable] out of the model for it"
        )
    assert model.dynamics is not None
    growth = model.dynamics.law.vanishing_growth
    assert growth is not None
    name, none = growth

    def without(psi: dict[str, Array], member: Array) -> dict[str, Array]:
        return {**psi, name: jnp.where(member > 0, none, psi[name])}

    series, lesions = parameters.series, parameters.lesions
    if series is not None:
        assert series_patient is not None
        series = without(series, durable[series_patient])
    if lesions is not None:
        lesions = lesions._replace(psi=without(lesions.psi, durable[:, None]))
    return parameters._replace(psi=without(parameters.psi, durable), series=series, lesions=lesions, durable=durable)


def _assemble(
    model: ModelParts,
    theta: Theta,
    effects: dict[str, Float[Array, " patient"]],
    lesions: dict[str, Float[Array, " series"]],
    design: Design,
) -> PatientParameters | None:
    part = model.dynamics
    if part is None:
        known = model.random or design.seen_year is not None
        return PatientParameters({}, effects, None, None, design.seen_year) if known else None
    psi = {}
    for parameter in part.parameters:
        value = fixed_part(parameter, theta, design)
        psi[parameter.name] = value + effects[parameter.label] if parameter.random else value
    if part.size != "lesion":
        return PatientParameters(psi, effects, None, None, design.seen_year)
    series = {name: value[design.series_patient] for name, value in psi.items()}
    for parameter in part.lesion:
        series[parameter.name] = series[parameter.name] + lesions[parameter.label]
    for parameter in part.organ:
        series[parameter.name] = series[parameter.name] + organ_effect(parameter, theta, design)
    if design.lesions is None:
        return PatientParameters(psi, effects, series, None, design.seen_year)
    index, site, weight = design.lesions
    lesions_of = Lesions({name: value[index] for name, value in series.items()}, site, weight)
    return PatientParameters(psi, effects, series, lesions_of, design.seen_year)


def organ_effect(parameter: ParameterModel, theta: Theta, design: Design) -> Float[Array, " series"]:
    """Return the effect of the organ that each series is in; 0 where organs are not known, or there is one alone."""
    name = f"{parameter.label}.organ"
    if name not in theta or design.series_organ is None:
        return jnp.zeros(design.series_patient.shape)
    if parameter.organ == "arm":
        return theta[name][design.arm[design.series_patient], design.series_organ]
    return theta[name][design.series_organ]


def row_parameters(
    part: DynamicsPart, parameters: PatientParameters, patient: Array, series: Array
) -> dict[str, Float[Array, " row"]]:
    """Return the parameters at each row of a flat table, gathered once as a matrix."""
    source, index = (parameters.psi, patient) if parameters.series is None else (parameters.series, series)
    gathered = jnp.stack([source[p.name] for p in part.parameters], axis=-1)[index]
    return {p.name: gathered[:, k] for k, p in enumerate(part.parameters)}
