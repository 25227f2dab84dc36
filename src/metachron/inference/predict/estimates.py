"""Each patient's own parameters, time to growth and predicted median survival."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band
from metachron.inference.predict.draws import Draws, fitted_parameters, take_draws
from metachron.inference.predict.durable import drawn_by, log_odds_of
from metachron.inference.predict.subjects import fitted_design
from metachron.joint import Design, JointModel
from metachron.joint.simulate import event_times

HORIZON_YEAR = 20.0
"""A median survival beyond it is given as infinite: it says 'not within 20 years', which no trial could check."""


def individual_estimates(fit: Fit, *, draws: int = 400) -> pl.DataFrame:
    """Return one row per patient (per series, where lesions are modelled one by one).

    Columns: patient, lesion, arm; per natural parameter of the tumour law ``<name>_mean``, ``_median``, ``_sd``,
    ``_q05``, ``_q95``; the same for ``time_to_growth_year`` (infinite: it never grows); and, with a hazard, for
    ``median_survival_year``, from day 0 (infinite: beyond 20 years). Mean and sd are null where a draw is infinite.
    Where the model has a durable class, draws in which the patient is durable have a growth of 0 that never begins, and
    ``durable_probability`` is their expected share, as of `durable_probability`.

    Raises
    ------
    ModelError
        When the fit holds no patients.
    """
    design, taken = fitted_design(fit), take_draws(fit, draws)
    odds = None if fit.model.durable is None else log_odds_of(fit, taken)[1]
    taken = taken if odds is None else drawn_by(odds, taken)
    arms = [fit.labels.arms[index] for index in np.asarray(design.arm)]
    owner = np.arange(len(arms))
    names: list[tuple[str, str | None]] = [(patient, None) for patient in fit.labels.patients]
    values: dict[str, np.ndarray] = {}
    if fit.model.dynamics is not None:
        if fit.model.single_lesions:
            owner, names = np.asarray(design.series_patient), list(fit.labels.series)
        values |= {k: np.asarray(v) for k, v in _natural(taken, design, model=fit.model).items()}
    if fit.model.hazard is not None:
        values["median_survival_year"] = np.asarray(_median_survival(taken, design, model=fit.model))[:, owner]
    columns = {name: column for key, value in values.items() for name, column in _summary(key, value).items()}
    if odds is not None:
        columns["durable_probability"] = pl.Series(np.asarray(jax.nn.sigmoid(odds)).mean(axis=0)[owner])
    who = pl.DataFrame(names, schema={"patient": pl.String, "lesion": pl.String}, orient="row")
    return who.with_columns(pl.Series("arm", [arms[index] for index in owner]), **columns)


@partial(jax.jit, static_argnames=("model",))
def _natural(draws: Draws, design: Design, *, model: JointModel) -> dict[str, Float[Array, "draw series"]]:
    part = model.dynamics
    assert part is not None

    def one(draw: Draws) -> dict[str, Array]:
        parameters = fitted_parameters(model, draw, design)
        assert parameters is not None
        psi = parameters.psi if parameters.series is None else parameters.series
        natural = {**part.law.natural(psi), "time_to_growth_year": part.law.time_to_growth_year(psi)}
        return natural if draw.durable is None else _without_growth(model, natural, draw.durable, design)

    return jax.lax.map(one, draws)


def _without_growth(
    model: JointModel, natural: dict[str, Array], durable: Float[Array, " patient"], design: Design
) -> dict[str, Array]:
    """Return the parameters with a growth of 0 that never begins for the patients of the durable class."""
    assert model.dynamics is not None
    assert model.dynamics.law.vanishing_growth is not None
    member = durable if model.dynamics.size != "lesion" else durable[design.series_patient]
    stand_in = {model.dynamics.law.vanishing_growth[0]: 0.0, "time_to_growth_year": jnp.inf}
    return natural | {name: jnp.where(member > 0, value, natural[name]) for name, value in stand_in.items()}


@partial(jax.jit, static_argnames=("model",))
def _median_survival(draws: Draws, design: Design, *, model: JointModel) -> Float[Array, "draw patient"]:
    size = design.arm.shape[0]

    def one(draw: Draws) -> Float[Array, " patient"]:
        parameters = fitted_parameters(model, draw, design)
        target, horizon = jnp.full(size, math.log(2.0)), jnp.full(size, HORIZON_YEAR)
        return event_times(model, draw.theta, parameters, design, target, horizon)

    return jax.lax.map(one, draws)


def _summary(name: str, values: np.ndarray) -> dict[str, pl.Series]:
    """Return mean, median, sd and 90 % interval over the first axis."""
    finite = np.isfinite(values).all(axis=0)
    known = np.where(finite, values, 0.0)
    spread = known.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
    quantiles = band(values)
    columns = {
        "mean": pl.Series(known.mean(axis=0)).set(pl.Series(~finite), None),
        "median": pl.Series(quantiles["q50"]),
        "sd": pl.Series(spread).set(pl.Series(~finite), None),
        "q05": pl.Series(quantiles["q05"]),
        "q95": pl.Series(quantiles["q95"]),
    }
    return {f"{name}_{statistic}": column for statistic, column in columns.items()}
