"""Benefit of treatment as a smooth function of a marker, without a cut-off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from metachron.base import ModelError
from metachron.benefit.arm_regression import fit_arms
from metachron.benefit.bands import band_of
from metachron.benefit.outcome import TrialOutcome, marker_values
from metachron.benefit.splines import RestrictedSpline, learn_spline
from metachron.survival import fit_cox

PLACES = 101
CENTRAL = (0.05, 0.95)
"""A curve is shown between these quantiles of the marker: beyond the outer knots it is a straight line on trust."""
HAZARD_RATIO = "hazard_ratio"
Effect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class BenefitCurve:
    """Benefit by marker.

    Attributes
    ----------
    measure : ``"restricted_mean"`` (difference in years lived up to the horizon), ``"survival"`` or ``"response"``
        (difference in probabilities), treated minus untreated; or ``"hazard_ratio"``, treated over untreated.
    table : one row per place: marker, benefit, standard_error (of the log for a hazard ratio), lower and upper (at this
        place), band_lower and band_upper (at all places at once).
    level : of the intervals and of the band.
    critical : half-width of the band in standard errors.
    p_value : of a test that the benefit is the same at all knots, so that the marker says nothing about it.
    p_curvature : of a test that it changes as a straight line of the marker does; NaN for a straight line.
    """

    measure: str
    marker: str
    horizon_year: float
    knots: tuple[float, ...]
    patients: int
    table: pl.DataFrame
    level: float
    critical: float
    p_value: float
    p_curvature: float


def benefit_curve(
    marker: ArrayLike,
    outcome: TrialOutcome,
    *,
    name: str = "marker",
    knots: int = 4,
    at: ArrayLike | None = None,
    level: float = 0.95,
    samples: int = 20_000,
    seed: int = 1,
) -> BenefitCurve:
    """Return the difference between the arms in the mean outcome, as a function of a marker measured before treatment.

    Each arm's outcome is regressed on a restricted cubic spline of the marker: pseudo-values of the years lived or of
    survival by least squares, so that hazards need not be proportional, neither between arms nor along the marker, and
    censored patients count as far as they were followed; a response by logistic regression. Censoring may depend on
    the arm, and neither on the marker nor on the time to the event within an arm. Inverse-probability-of-censoring
    weights (Tian 2014, doi:10.1093/biostatistics/kxt050) assume the same and use patients censored before the horizon
    for the censoring distribution alone. Sources: see `metachron.benefit.arm_regression.fit_arms`.

    Parameters
    ----------
    marker : one finite number per patient, known before treatment.
    knots : 2 (a straight line) to 5, at quantiles of all patients.
    at : places; None: 101 of them between the 5 % and the 95 % quantile.
    samples, seed : of the simultaneous band, see `metachron.benefit.bands.band_of`.

    Raises
    ------
    InputError
        When a marker value is missing, all are alike, or an arm is not followed to the horizon.
    ModelError
        When knots coincide, or an arm cannot determine its curve.
    """
    values = marker_values(marker, len(outcome), name=name)
    spline = learn_spline(values, knots=knots)
    arms = fit_arms(spline.columns(values), outcome)

    def effect(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = spline.columns(places)
        gradient = np.concatenate([arms.treated.gradient(columns), -arms.control.gradient(columns)], axis=1)
        return arms.benefit(columns), gradient

    size = spline.size + 1
    covariance = np.zeros((2 * size, 2 * size))
    covariance[:size, :size], covariance[size:, size:] = arms.treated.covariance, arms.control.covariance
    settings: dict[str, Any] = {"name": name, "at": at, "level": level, "samples": samples, "seed": seed}
    return _curve(effect, covariance, spline, values, outcome, outcome.measure, **settings)


def hazard_ratio_curve(
    marker: ArrayLike,
    outcome: TrialOutcome,
    *,
    name: str = "marker",
    knots: int = 4,
    at: ArrayLike | None = None,
    level: float = 0.95,
    samples: int = 20_000,
    seed: int = 1,
) -> BenefitCurve:
    """Return the hazard ratio of treatment as a function of a marker: a Cox model with treatment, a restricted cubic
    spline of the marker, and their products.

    It takes hazards of the arms to be proportional at every value of the marker, and a ratio does not say how much time
    is gained: see `benefit_curve`. The horizon of the outcome is not used. Parameters and errors as there.
    """
    if outcome.measure == "response":
        raise ModelError("a response has no hazard: give an outcome made by survival_outcome")
    values = marker_values(marker, len(outcome), name=name)
    spline = learn_spline(values, knots=knots)
    columns, treated = spline.columns(values), outcome.treated.astype(float)
    main, product = ([f"{kind}{j}" for j in range(spline.size)] for kind in ("spline", "treated:spline"))
    data = {"time_year": outcome.time_year, "event": outcome.event, "treated": treated}
    data |= dict(zip(main, columns.T, strict=True)) | dict(zip(product, columns.T * treated, strict=True))
    cox = fit_cox(pl.DataFrame(data), time="time_year", event="event", covariates=["treated", *main, *product])
    used = [cox.terms.index(term) for term in ("treated", *product)]
    coefficients, covariance = cox.coefficients[used], cox.covariance[np.ix_(used, used)]

    def effect(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient = np.column_stack([np.ones(len(places)), spline.columns(places)])
        return gradient @ coefficients, gradient

    settings: dict[str, Any] = {"name": name, "at": at, "level": level, "samples": samples, "seed": seed}
    return _curve(effect, covariance, spline, values, outcome, HAZARD_RATIO, **settings)


def _curve(
    effect: Effect,
    covariance: np.ndarray,
    spline: RestrictedSpline,
    values: np.ndarray,
    outcome: TrialOutcome,
    measure: str,
    *,
    name: str,
    at: ArrayLike | None,
    level: float,
    samples: int,
    seed: int,
) -> BenefitCurve:
    places = _central(values) if at is None else _places(at)
    value, gradient = effect(places)
    band = band_of(value, gradient, covariance, level=level, samples=samples, seed=seed)
    scale = np.exp if measure == HAZARD_RATIO else np.asarray
    limits = {key: scale(getattr(band, key)) for key in ("lower", "upper", "band_lower", "band_upper")}
    columns = {"marker": places, "benefit": scale(value), "standard_error": band.standard_error, **limits}
    change, bend = _tests(effect, covariance, np.asarray(spline.knots))
    horizon = float("nan") if measure == HAZARD_RATIO else outcome.horizon_year
    return BenefitCurve(
        measure, name, horizon, spline.knots, len(outcome), pl.DataFrame(columns), level, band.critical, change, bend
    )


def _central(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, CENTRAL)
    return np.linspace(float(low), float(high), PLACES)


def _places(at: ArrayLike) -> np.ndarray:
    """Return the places of a curve; `ModelError` unless they are finite numbers."""
    places = np.atleast_1d(np.asarray(at, dtype=float))
    if not (places.size and np.isfinite(places).all()):
        raise ModelError("a curve is asked for at finite values of the marker, one at least")
    return places


def _tests(effect: Effect, covariance: np.ndarray, knots: np.ndarray) -> tuple[float, float]:
    """Return p-values of Wald tests on the effect at the knots: that it is constant, and that it is a straight line.

    Its values at k knots determine a restricted spline of k knots, so the tests are those of its coefficients.
    """
    value, gradient = effect(knots)
    differences = np.diff(np.eye(len(knots)), axis=0)
    slopes = differences / np.diff(knots)[:, None]
    bends = np.diff(slopes, axis=0)
    return _wald(differences @ value, differences @ gradient, covariance), _wald(
        bends @ value, bends @ gradient, covariance
    )


def _wald(contrast: np.ndarray, gradient: np.ndarray, covariance: np.ndarray) -> float:
    if not contrast.size:
        return float("nan")
    spread = gradient @ covariance @ gradient.T
    scale = np.sqrt(np.diag(spread))
    contrast, spread = contrast / scale, spread / np.outer(scale, scale)
    return float(chdtrc(contrast.size, contrast @ np.linalg.solve(spread, contrast)))
