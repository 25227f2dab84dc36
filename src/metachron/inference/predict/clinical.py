"""Population parameters in the words and units of the clinic: half-lives, doubling times, hazard ratios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import expit

from metachron.base import DAYS_PER_WEEK, DAYS_PER_YEAR, MONTHS_PER_YEAR, Transform
from metachron.cohort.new_lesions import NEW_LESION
from metachron.dynamics import Trajectory
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band
from metachron.inference.predict.draws import Draws, take_draws
from metachron.inference.predict.new_lesion_organs import organ_share_draws
from metachron.inference.predict.readings import Reading, covariate_words, effect_words, reading, residual_reading
from metachron.inference.predict.subjects import typical_patients
from metachron.joint import HazardPart, ParameterModel
from metachron.joint.durable_class import class_log_odds
from metachron.joint.durable_part import DURABLE
from metachron.joint.population import fixed_part, patient_spread
from metachron.joint.sites import class_coefficient

DYNAMICS, MEASUREMENT, HAZARD, NEW_LESIONS = "tumour dynamics", "measurement", "hazard", "new lesions"
RESPONSE = "durable response"
PROBABILITY = "probability of a durable response, typical patient"
CHECK_WEEK = 12.0
"""The first response assessment of many trials."""
CHANGE = f"change of size at week {CHECK_WEEK:g}, typical patient"
GROWTH_BEGINS = "time until growth begins, typical patient"
_EVERYONE = "all"

SCHEMA = {
    "part": pl.String,
    "quantity": pl.String,
    "arm": pl.String,
    "unit": pl.String,
    "median": pl.Float64,
    "q05": pl.Float64,
    "q95": pl.Float64,
    "patients_low": pl.Float64,
    "patients_high": pl.Float64,
    "in_words": pl.String,
}
Row = dict[str, Any]


def clinical_parameters(fit: Fit, *, draws: int = 2000) -> pl.DataFrame:
    """Return population parameters as a clinician reads them, each with its median and 90 % interval.

    Columns: part (tumour dynamics, measurement, hazard, new lesions, durable response), quantity, arm (``all``: the
    same for everybody), unit, median, q05, q95; patients_low and patients_high, between which two thirds of patients
    lie (mean -+ 1 sd on the parameter's transform scale); in_words. Tumour dynamics are those of the typical patient of
    an arm: patient effects 0, covariates at their reference level or centre, not of the durable class. An infinite time
    to growth means that growth never begins.
    Hazard ratios of links are per the link's clinical step.
    """
    taken = take_draws(fit, draws)
    rows: list[Row] = []
    if fit.model.dynamics is not None:
        rows += [
            *_parameters(fit, taken),
            *_course(fit, taken),
            *_dynamics_covariates(fit, taken),
            *_residual(fit, taken),
        ]
    if (hazard := fit.model.hazard) is not None:
        rows += [*_links(fit, hazard, taken), *_covariates(fit, hazard, "hazard", taken)]
    if (process := fit.model.new_lesions) is not None:
        rows += [*_links(fit, process.hazard, taken), *_covariates(fit, process.hazard, NEW_LESION, taken)]
        rows += [*_frailty(fit, taken), *_organ_shares(fit, taken)]
    if fit.model.durable is not None:
        rows += [*_class_hazards(fit, taken), *_durable(fit, taken)]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(part: str, quantity: str, arm: str, unit: str, values: np.ndarray, **more: object) -> Row:
    numbers = band(values)
    row = {"part": part, "quantity": quantity, "arm": arm, "unit": unit, "median": float(numbers["q50"])}
    return {**row, "q05": float(numbers["q05"]), "q95": float(numbers["q95"]), **more}


def _typical(fit: Fit, draws: Draws) -> tuple[tuple[str, ...], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the groups, and per parameter the typical value and the spread of patients, (draw, group)."""
    names, design = typical_patients(fit)
    assert fit.model.dynamics is not None
    parameters = fit.model.dynamics.parameters

    def one(theta: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        means = {p.name: fixed_part(p, theta, design) for p in parameters}
        spreads = {p.name: means[p.name] * 0.0 + patient_spread(p, theta, design) for p in parameters if p.random}
        return means, spreads

    means, spreads = jax.vmap(one)(draws.theta)
    return names, {k: np.asarray(v) for k, v in means.items()}, {k: np.asarray(v) for k, v in spreads.items()}


def _parameters(fit: Fit, draws: Draws) -> Iterator[Row]:
    part = fit.model.dynamics
    assert part is not None
    names, means, spreads = _typical(fit, draws)
    for parameter in part.parameters:
        read = reading(part.law, parameter.spec)
        everyone = _same_for_all(fit, parameter)
        for index, arm in enumerate(names[:1] if everyone else names):
            mean = means[parameter.name][:, index]
            more: Row = {}
            if parameter.random:
                more = _patients(read, mean, spreads[parameter.name][:, index])
            yield _row(DYNAMICS, read.quantity, _EVERYONE if everyone else arm, read.unit, read.convert(mean), **more)
        if parameter.lesion:
            yield _lesion_spread(parameter, read, draws)


def typical_values(
    fit: Fit, parameter: ParameterModel, draws: Draws
) -> tuple[tuple[str, ...], Float[np.ndarray, "draw group"]]:
    """Return the groups (``all`` alone where they do not differ), and a parameter's value in each, as it is built.

    That of the typical patient: effects 0, covariates at their reference level or centre.
    """
    names, means, _ = _typical(fit, draws)
    if _same_for_all(fit, parameter) and parameter.organ != "arm":
        return (_EVERYONE,), means[parameter.name][:, :1]
    return names, means[parameter.name]


def _same_for_all(fit: Fit, parameter: ParameterModel) -> bool:
    return parameter.group == "all" and not _moves_with_arm(fit, parameter)


def _moves_with_arm(fit: Fit, parameter: ParameterModel) -> bool:
    columns = fit.labels.columns.get(parameter.name, ())
    return parameter.spread != "all" or any(column.startswith(("arm=", "study=")) for column in columns)


def _patients(read: Reading, mean: np.ndarray, spread: np.ndarray) -> Row:
    ends = [float(np.median(read.convert(mean + side * spread))) for side in (-1.0, 1.0)]
    low, high = min(ends), max(ends)
    words = f"two thirds of patients between {low:.3g} and {high:.3g} {read.unit}"
    return {"patients_low": low, "patients_high": high, "in_words": words}


def _lesion_spread(parameter: ParameterModel, read: Reading, draws: Draws) -> Row:
    sd = np.asarray(draws.theta[f"{parameter.label}.lesion_sd"])
    factor = parameter.spec.transform is not Transform.IDENTITY
    unit = "factor" if factor else parameter.spec.unit
    words = "two thirds of the lesions of one patient lie within this of the patient's own value"
    quantity = f"{read.quantity}: difference between lesions of one patient"
    return _row(DYNAMICS, quantity, _EVERYONE, unit, np.exp(sd) if factor else sd, in_words=words)


def _course(fit: Fit, draws: Draws) -> Iterator[Row]:
    """Yield what follows from the parameters of the typical patient: change at the first assessment, growth."""
    part = fit.model.dynamics
    assert part is not None
    names, means, _ = _typical(fit, draws)
    trajectory = Trajectory(part.law, {name: jnp.asarray(value) for name, value in means.items()})
    week = jnp.asarray(CHECK_WEEK * DAYS_PER_WEEK / DAYS_PER_YEAR)
    change = 100.0 * np.asarray(trajectory.relative_change(week))
    growth = MONTHS_PER_YEAR * np.asarray(trajectory.time_to_growth_year())
    for index, arm in enumerate(names):
        yield _row(DYNAMICS, CHANGE, arm, "% of the size at day 0", change[:, index])
    for index, arm in enumerate(names):
        yield _row(DYNAMICS, GROWTH_BEGINS, arm, "months", growth[:, index])


def _dynamics_covariates(fit: Fit, draws: Draws) -> Iterator[Row]:
    part = fit.model.dynamics
    assert part is not None
    for parameter in part.parameters:
        what = f"{parameter.name.replace('_', ' ')} ({parameter.spec.meaning.split(';')[0]})"
        read = effect_words(parameter.spec.transform, what)
        for index, column in enumerate(fit.labels.columns.get(parameter.name, ())):
            values = np.asarray(draws.theta[f"{parameter.label}.beta"])[:, index]
            quantity = f"{read.quantity}: {_named(fit, column)}"
            yield _row(DYNAMICS, quantity, _EVERYONE, read.unit, read.convert(values))


def _residual(fit: Fit, draws: Draws) -> Iterator[Row]:
    part = fit.model.dynamics
    assert part is not None
    for name, _ in part.residual_priors:
        read = residual_reading(part.law, name)
        values = read.convert(np.asarray(draws.theta[f"residual.{name}"]))
        yield _row(MEASUREMENT, read.quantity, _EVERYONE, read.unit, values)


def _links(fit: Fit, part: HazardPart, draws: Draws) -> Iterator[Row]:
    dynamics, (where, ratio) = fit.model.dynamics, _ratio(part)
    effects = tuple(parameter.label for parameter in dynamics.random) if dynamics else ()
    for term in part.links:
        step, words = term.link.clinical_step
        for name in term.link.coefficients(effects):
            what = name.removeprefix("effect:").replace("_", " ") if name != term.link.name else term.link.meaning
            values = np.exp(step * np.asarray(draws.theta[f"{part.event}.link[{name}]"]))
            yield _row(
                where, f"{ratio}: {what}, per {words}", _EVERYONE, "ratio", values, in_words=_judged(values, part)
            )


def _ratio(part: HazardPart) -> tuple[str, str]:
    """Return the part of the table to which a hazard belongs, and what its coefficients are."""
    if part.event == NEW_LESION:
        return NEW_LESIONS, "rate ratio of new lesions"
    return HAZARD, f"hazard ratio of {part.event}"


def _covariates(fit: Fit, part: HazardPart, block: str, draws: Draws) -> Iterator[Row]:
    where, ratio = _ratio(part)
    for index, column in enumerate(fit.labels.columns.get(block, ())):
        values = np.exp(np.asarray(draws.theta[f"{part.event}.beta"])[:, index])
        quantity = f"{ratio}: {_named(fit, column)}"
        yield _row(where, quantity, _EVERYONE, "ratio", values, in_words=_judged(values, part))


def _frailty(fit: Fit, draws: Draws) -> Iterator[Row]:
    if (frailty := fit.model.frailty) is None:
        return
    values = np.exp(np.asarray(draws.theta[f"{frailty.label}.sd"]))
    quantity = "rate ratio of new lesions: a patient one sd more prone than the typical one"
    yield _row(NEW_LESIONS, quantity, _EVERYONE, "ratio", values)


def _organ_shares(fit: Fit, draws: Draws) -> Iterator[Row]:
    for arm, organ, values in organ_share_draws(fit, draws):
        quantity = f"share of new lesions in {organ.replace('_', ' ')}"
        yield _row(NEW_LESIONS, quantity, arm or _EVERYONE, "%", 100.0 * values)


def _class_hazards(fit: Fit, draws: Draws) -> Iterator[Row]:
    """Yield the hazard ratio of the class: against a patient in whom the links have their stand-in values."""
    for part in fit.model.processes:
        where, ratio = _ratio(part)
        values = np.exp(np.asarray(draws.theta[class_coefficient(part)]))
        yield _row(where, f"{ratio}: durable response", _EVERYONE, "ratio", values, in_words=_judged(values, part))


def _durable(fit: Fit, draws: Draws) -> Iterator[Row]:
    names, design = typical_patients(fit)
    odds = np.asarray(jax.vmap(lambda theta: class_log_odds(theta, design))(draws.theta))
    columns = fit.labels.columns.get(DURABLE, ())
    by_arm = any(column.startswith(("arm=", "study=")) for column in columns)
    for index, arm in enumerate(names if by_arm else names[:1]):
        yield _row(RESPONSE, PROBABILITY, arm if by_arm else _EVERYONE, "%", 100.0 * expit(odds[:, index]))
    for index, column in enumerate(columns):
        values = np.exp(np.asarray(draws.theta[f"{DURABLE}.beta"])[:, index])
        quantity = f"ratio of the odds of a durable response: {_named(fit, column)}"
        yield _row(RESPONSE, quantity, _EVERYONE, "ratio", values)


def _named(fit: Fit, column: str) -> str:
    codings = fit.labels.codings
    if ":" in column and not any(column in coding.names for coding in codings.values()):
        return ", times ".join(_named(fit, part) for part in column.split(":"))
    coding = codings.get(column.partition("=")[0])
    return covariate_words(column, coding.levels[0] if coding is not None and coding.levels else None)


def _judged(values: np.ndarray, part: HazardPart) -> str:
    """Return what an interval of a hazard ratio allows one to say, and no more."""
    numbers = band(values)
    what = "new lesions" if part.event == NEW_LESION else f"hazard of {part.event}"
    if numbers["q05"] > 1.0:
        return f"more {what}: the interval lies above 1"
    if numbers["q95"] < 1.0:
        return f"{'fewer' if part.event == NEW_LESION else 'less'} {what}: the interval lies below 1"
    return "not settled: the interval includes 1"
