"""Has it converged? Rank-normalised R-hat, effective sample sizes, divergences and energy, with a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from metachron.base import list_briefly
from metachron.inference.marginal.verdict import failures_and_warnings

RHAT_GOOD, RHAT_LIMIT = 1.01, 1.05
ESS_GOOD, ESS_LIMIT = 400.0, 100.0
DIVERGENT_LIMIT = 0.01
BFMI_GOOD, BFMI_LIMIT = 0.3, 0.2

_REMEDIES = (
    "what usually helps: more warm-up and draws (--warmup, --draws); where steps diverge, smaller ones "
    "(--target-acceptance 0.95); fewer random parameters or a common mean where "
    "the data say little (dynamics.parameters.<name>.random = false, group = 'all'); a tighter prior on the parameter "
    "named; another law or link"
)


@dataclass(frozen=True)
class Diagnostics:
    """Convergence of a fit.

    ``table`` has one row per population parameter: parameter, mean, sd, q05, q95, rhat, ess_bulk, ess_tail,
    mcse_mean. ``effects_rhat`` and ``effects_ess_bulk`` are the worst over all patient effects. R-hat is
    rank-normalised and ESS bulk and tail as in Vehtari 2021, doi:10.1214/20-BA1221; E-BFMI as in Betancourt 2016.
    ``failures`` make a fit unusable, ``warnings`` are shown with it.
    """

    table: pl.DataFrame
    chains: int
    draws: int
    divergences: int
    bfmi: tuple[float, ...]
    effects_rhat: float
    effects_ess_bulk: float
    failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def verdict(self) -> str:
        """One sentence on whether the draws can be used."""
        if self.failures:
            return "not converged: " + "; ".join(self.failures)
        return "converged, with cautions: " + "; ".join(self.warnings) if self.warnings else "converged"

    def advice(self) -> str:
        """Return what failed and what usually helps."""
        return f"{self.verdict}\n{_REMEDIES}"

    def as_dict(self) -> dict[str, object]:
        """Return the numbers for JSON."""
        return {
            "converged": self.converged,
            "verdict": self.verdict,
            "chains": self.chains,
            "draws_per_chain": self.draws,
            "divergences": self.divergences,
            "max_rhat": _extreme(self.table, "rhat", np.max),
            "min_ess_bulk": _extreme(self.table, "ess_bulk", np.nanmin),
            "min_ess_tail": _extreme(self.table, "ess_tail", np.nanmin),
            "bfmi": [number_or_none(value) for value in self.bfmi],
            "effects_max_rhat": number_or_none(self.effects_rhat),
            "effects_min_ess_bulk": number_or_none(self.effects_ess_bulk),
            "failures": list(self.failures),
            "warnings": list(self.warnings),
        }


def diagnose(
    names: list[str],
    population: np.ndarray,
    effects: np.ndarray,
    energy: np.ndarray,
    diverging: np.ndarray,
    integrals: Mapping[str, Any] | None = None,
    cautions: tuple[str, ...] = (),
) -> Diagnostics:
    """Return the diagnostics of draws.

    Parameters
    ----------
    names : of the population parameters.
    population : (chain, draw, parameter).
    effects : (chain, draw, effect), all patient effects.
    energy, diverging : (chain, draw).
    integrals : the recorded verdict of the marginal engine on its integrals.
    cautions : what the data cannot tell, whatever the draws: warnings that go with the fit.
    """
    table = summarise_draws(names, population)
    chains, draws = energy.shape
    bfmi = tuple(float(value) for value in np.atleast_1d(_statistics().bfmi(energy)))
    worst_rhat, worst_ess = float("nan"), float("nan")
    if effects.shape[-1]:
        worst_rhat = float(np.max(_by_column(_statistics().rhat, effects)))
        worst_ess = float(np.nanmin(_by_column(_statistics().ess, effects, method="bulk")))
    divergences = int(diverging.sum())
    failures, warnings = _judge(table, chains, divergences, chains * draws, bfmi, worst_rhat)
    if integrals is not None:
        poor, weak = failures_and_warnings(integrals)
        failures, warnings = failures + poor, warnings + weak
    warnings += cautions
    return Diagnostics(table, chains, draws, divergences, bfmi, worst_rhat, worst_ess, failures, warnings)


def summarise_draws(names: list[str], draws: np.ndarray) -> pl.DataFrame:
    """Return mean, sd, 90 % interval, R-hat, ESS and Monte Carlo error of draws (chain, draw, parameter)."""
    flat = draws.reshape(-1, draws.shape[-1])
    return pl.DataFrame(
        {
            "parameter": names,
            "mean": flat.mean(axis=0),
            "sd": flat.std(axis=0, ddof=1),
            "q05": np.quantile(flat, 0.05, axis=0),
            "q95": np.quantile(flat, 0.95, axis=0),
            "rhat": _by_column(_statistics().rhat, draws),
            "ess_bulk": _by_column(_statistics().ess, draws, method="bulk"),
            "ess_tail": _by_column(_statistics().ess, draws, method="tail", prob=(0.05, 0.95)),
            "mcse_mean": _by_column(_statistics().mcse, draws, method="mean"),
        }
    )


def _statistics() -> Any:
    """Return ArviZ's statistics of arrays, imported when first needed: they are slow to import."""
    from arviz_stats.base import array_stats

    return array_stats


def _by_column(statistic: object, draws: np.ndarray, **options: object) -> np.ndarray:
    array = np.moveaxis(draws, -1, 0)
    return np.atleast_1d(statistic(array, chain_axis=1, draw_axis=2, **options))  # type: ignore[operator]


def _judge(
    table: pl.DataFrame, chains: int, divergences: int, total: int, bfmi: tuple[float, ...], effects_rhat: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    failures: list[str] = []
    warnings: list[str] = []
    if chains == 1:
        failures.append("one chain cannot show convergence: run at least two (--chains 2)")
    for column, good, limit, word in (
        ("rhat", RHAT_GOOD, RHAT_LIMIT, "R-hat above"),
        ("ess_bulk", ESS_GOOD, ESS_LIMIT, "bulk ESS below"),
        ("ess_tail", ESS_GOOD, ESS_LIMIT, "tail ESS below"),
    ):
        sign = 1.0 if column == "rhat" else -1.0
        for bound, into in ((limit, failures), (good, warnings)):
            unknown = pl.col(column).is_nan() & (chains > 1)
            bad = table.filter((sign * pl.col(column) > sign * bound).and_(pl.col(column).is_not_nan()) | unknown)
            if len(bad):
                named = [f"{name} ({value:.3g})" for name, value in bad.select("parameter", column).iter_rows()]
                into.append(f"{word} {bound:g} for {list_briefly(named)}")
                break
    if divergences > DIVERGENT_LIMIT * total:
        failures.append(f"{divergences} of {total} steps diverged: the posterior has a corner the sampler cannot enter")
    elif divergences:
        warnings.append(f"{divergences} of {total} steps diverged")
    if min(bfmi) < BFMI_LIMIT:
        failures.append(f"E-BFMI {min(bfmi):.2f} below {BFMI_LIMIT}: energy is explored too slowly")
    elif min(bfmi) < BFMI_GOOD:
        warnings.append(f"E-BFMI {min(bfmi):.2f} below {BFMI_GOOD}")
    if effects_rhat > RHAT_LIMIT:
        warnings.append(f"R-hat up to {effects_rhat:.2f} among patient effects")
    return tuple(failures), tuple(warnings)


def _extreme(table: pl.DataFrame, column: str, pick: object) -> float | None:
    return number_or_none(float(pick(table[column].to_numpy())))  # type: ignore[operator]


def number_or_none(value: float) -> float | None:
    """Return a number as JSON knows it: None in place of NaN and infinity."""
    return value if math.isfinite(value) else None
