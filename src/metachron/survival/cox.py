"""Cox regression with Efron's ties, strata, delayed entry and cluster-robust standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy.special import ndtr

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.survival.coding import Coding, learn_codings, require_columns
from metachron.survival.estimate import normal_quantile
from metachron.survival.labels import row_labels
from metachron.survival.observed import Observed, observe
from metachron.survival.partial_likelihood import Maximum, maximise
from metachron.survival.risk_sets import baseline_cumulative_hazard, score_residuals

_ONE_STRATUM = "all"


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model.

    Attributes
    ----------
    terms : names of the coefficients, ``column=level`` for categories.
    coefficients : log hazard ratios.
    covariance, robust_covariance : inverse information, and the sandwich over clusters (over rows without a cluster).
    clustered : whether clusters were given; then intervals and p-values use the robust covariance.
    log_likelihood, null_log_likelihood : log partial likelihood, at the maximum and without covariates.
    rows, events : how many were used (all that were given).
    baseline : stratum, time, cumulative_hazard of a patient at the reference levels and at the mean of each number.
    last_time : end of follow-up per stratum.
    """

    terms: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    robust_covariance: np.ndarray
    clustered: bool
    log_likelihood: float
    null_log_likelihood: float
    rows: int
    events: int
    baseline: pl.DataFrame = field(repr=False)
    last_time: dict[str, float] = field(repr=False)
    codings: tuple[Coding, ...] = field(repr=False)
    strata: str | None = None

    def table(self, *, level: float = 0.95) -> pl.DataFrame:
        """Return one row per term: coefficient, both standard errors, hazard ratio with its interval, z and p."""
        errors = {
            "standard_error": np.sqrt(np.diag(self.covariance)),
            "robust_standard_error": np.sqrt(np.diag(self.robust_covariance)),
        }
        used = errors["robust_standard_error" if self.clustered else "standard_error"]
        half, z = normal_quantile(level) * used, self.coefficients / used
        return pl.DataFrame(
            {
                "term": self.terms,
                "coefficient": self.coefficients,
                **errors,
                "hazard_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - half),
                "upper": np.exp(self.coefficients + half),
                "z": z,
                "p_value": 2.0 * ndtr(-np.abs(z)),
            }
        )

    def linear_predictor(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the log hazard ratio of each row against a patient at the reference (see ``baseline``)."""
        require_columns(frame, [coding.column for coding in self.codings])
        return np.concatenate([coding.columns(frame) for coding in self.codings], axis=1) @ self.coefficients

    def survival(self, frame: pl.DataFrame, times: ArrayLike) -> np.ndarray:
        """Return S(t) of each row at each time, rows x times; NaN after the last follow-up of the row's stratum.

        ``S(t) = exp[-H0(t) exp(linear predictor)]``, H0 with Efron's denominators.
        """
        at = np.atleast_1d(np.asarray(times, dtype=float))
        relative = np.exp(self.linear_predictor(frame))
        strata = _strata(frame, self.strata)
        _check_strata(strata, self.last_time)
        hazards = {name: self._cumulative_hazard(name, at) for name in set(strata)}
        return np.exp(-np.stack([hazards[name] for name in strata]) * relative[:, None])

    def _cumulative_hazard(self, stratum: str, times: np.ndarray) -> np.ndarray:
        part = self.baseline.filter(pl.col("stratum") == stratum)
        steps = np.concatenate([[0.0], part["cumulative_hazard"].to_numpy()])
        value = steps[np.searchsorted(part["time"].to_numpy(), times, side="right")]
        return np.where(times <= self.last_time[stratum], value, np.nan)


def fit_cox(
    frame: pl.DataFrame,
    *,
    time: str,
    event: str,
    covariates: Sequence[str],
    reference: Mapping[str, object] | None = None,
    entry: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
) -> CoxFit:
    """Return a Cox model fitted by partial likelihood with Efron's ties.

    Parameters
    ----------
    frame : one row per patient, or per stretch (entry, time] of a patient in counting-process form (Andersen-Gill).
    time, event, entry : columns as for `kaplan_meier`, in any unit.
    covariates : columns; numbers and booleans enter as they are, the others as indicators of their levels.
    reference : per categorical column the level to compare with; needed for text, and turns numbers into categories.
    strata : column whose levels have baseline hazards of their own.
    cluster : column, such as the patient, within which rows depend on each other: robust standard errors.

    Raises
    ------
    InputError
        For missing columns or cells (no row is left out silently), data that are not survival data, and covariates
        without a reference or with one value only; all violations of a kind at once.
    ModelError
        When there is no event or no finite maximum.

    Notes
    -----
    Sources: Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613;
    Andersen and Gill 1982, doi:10.1214/aos/1176345976; Lin and Wei 1989, doi:10.1080/01621459.1989.10478874.
    """
    if not covariates:
        raise ModelError("a Cox model needs at least one covariate; without any, use kaplan_meier")
    require_columns(frame, list(dict.fromkeys([c for c in (time, event, entry, strata, cluster) if c] + [*covariates])))
    observed = observe(
        frame[time],
        frame[event],
        entry=frame[entry] if entry else None,
        names={"time": time, "event": event, "entry": entry or ""},
    )
    codings = learn_codings(frame, covariates, reference or {})
    design = np.concatenate([coding.columns(frame) for coding in codings], axis=1)
    terms = tuple(term for coding in codings for term in coding.terms)
    stratum = _strata(frame, strata)
    maximum = maximise(observed, design, np.unique(stratum, return_inverse=True)[1], terms)
    clusters = row_labels(frame[cluster], len(frame), name=cluster) if cluster else np.arange(len(frame))
    residuals, baseline = _follow_up(observed, design, stratum, maximum)
    return CoxFit(
        terms=terms,
        coefficients=maximum.coefficients,
        covariance=maximum.covariance,
        robust_covariance=_sandwich(maximum.covariance, residuals, clusters),
        clustered=cluster is not None,
        log_likelihood=maximum.log_likelihood,
        null_log_likelihood=maximum.null_log_likelihood,
        rows=len(observed),
        events=int(observed.event.sum()),
        baseline=baseline,
        last_time={name: float(observed.time[stratum == name].max()) for name in sorted(set(stratum))},
        codings=codings,
        strata=strata,
    )


def _strata(frame: pl.DataFrame, column: str | None) -> np.ndarray:
    if column is None:
        return np.full(len(frame), _ONE_STRATUM, dtype=object)
    require_columns(frame, [column])
    return row_labels(frame[column], len(frame), name=column)


def _check_strata(strata: np.ndarray, known: Mapping[str, float]) -> None:
    unknown = sorted(set(strata) - set(known))
    if unknown:
        problem = Problem(
            rule="stratum",
            found=f"strata {list_briefly(unknown)}",
            expected=f"one of {list_briefly(known, 20)}",
            remedy="predict for rows of strata that the model was fitted to",
        )
        raise InputError([problem], "the rows to predict for")


def _follow_up(
    observed: Observed, design: np.ndarray, stratum: np.ndarray, maximum: Maximum
) -> tuple[np.ndarray, pl.DataFrame]:
    """Return the score residuals of all rows, and the baseline cumulative hazard of every stratum."""
    relative = np.exp(design @ maximum.coefficients)
    residuals, baselines = np.zeros_like(design), []
    for name in sorted(set(stratum)):
        rows = np.flatnonzero(stratum == name)
        part = (observed.rows(rows), design[rows], relative[rows])
        residuals[rows] = score_residuals(*part)
        times, hazard = baseline_cumulative_hazard(part[0], part[2])
        columns = {"stratum": [name] * len(times), "time": times, "cumulative_hazard": hazard}
        baselines.append(pl.DataFrame(columns, schema_overrides={"stratum": pl.String}))
    return residuals, pl.concat(baselines)


def _sandwich(covariance: np.ndarray, residuals: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the Lin-Wei covariance: inverse information x cross-product of summed residuals x inverse information."""
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.zeros((place.max() + 1, residuals.shape[1]))
    np.add.at(sums, place, residuals)
    influence = sums @ covariance
    return influence.T @ influence
