"""The standard error of an effective sample size, against its scatter over repeated runs."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.precision import ess_of_draws


def _autoregression(rng: np.random.Generator, *, chains: int, draws: int, correlation: float) -> np.ndarray:
    """Return stationary draws (chain, draw, 1) whose neighbours have the given correlation."""
    noise = rng.normal(size=(chains, draws)) * np.sqrt(1.0 - correlation**2)
    values = np.empty((chains, draws))
    values[:, 0] = rng.normal(size=chains)
    for step in range(1, draws):
        values[:, step] = correlation * values[:, step - 1] + noise[:, step]
    return values[..., None]


def test_stated_error_is_of_the_size_of_the_scatter() -> None:
    """Over 40 runs. The sd of 40 values errs by 11 %, the mean of 40 jackknife errors (7 degrees of freedom each, so
    27 %) by 4 %; three of these is a third. A jackknife of a minimum is somewhat too large: bounds 0.6 and 1.8."""
    rng = np.random.default_rng(3)
    runs = [ess_of_draws(["x"], _autoregression(rng, chains=2, draws=2000, correlation=0.6)) for _ in range(40)]
    scatter = np.std([run["ess"] for run in runs], ddof=1)
    stated = np.mean([run["ess_se"] for run in runs])
    assert 0.6 < stated / scatter < 1.8


def test_least_of_bulk_and_tail_over_all_parameters() -> None:
    rng = np.random.default_rng(4)
    draws = np.concatenate([_autoregression(rng, chains=2, draws=1000, correlation=rho) for rho in (0.0, 0.8)], axis=-1)
    found = ess_of_draws(["fast", "slow"], draws)
    slow = found["parameters"][1]
    assert slow["parameter"] == "slow"
    assert found["ess"] == min(slow["ess_bulk"], slow["ess_tail"])
    assert found["ess"] == pytest.approx(2000 * 0.2 / 1.8, rel=0.5)  # 222 in theory; known to about 15 %
