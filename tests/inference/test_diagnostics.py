"""Diagnostics: the verdict on draws whose faults are known because they were made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from metachron.inference.diagnostics import (
    BFMI_LIMIT,
    DIVERGENT_LIMIT,
    ESS_LIMIT,
    RHAT_LIMIT,
    Diagnostics,
    diagnose,
    summarise_draws,
)

CHAINS, DRAWS = 4, 500
NAMES = ["log_growth_per_year.mean[A]", "death.link[log-growth]"]


def independent(seed: int = 0, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(CHAINS, DRAWS, columns))


def sluggish(correlation: float) -> np.ndarray:
    """Return draws whose second parameter is an autoregressive chain: ESS = N (1 - r) / (1 + r)."""
    draws = independent(1)
    for step in range(1, DRAWS):
        fresh = np.sqrt(1 - correlation**2) * draws[:, step, 1]
        draws[:, step, 1] = correlation * draws[:, step - 1, 1] + fresh
    return draws


def wandering_energy(correlation: float) -> np.ndarray:
    """Return energies with an E-BFMI of about 2 (1 - r), more where the chain is short for its memory."""
    energy = np.random.default_rng(2).normal(size=(CHAINS, DRAWS))
    for step in range(1, DRAWS):
        energy[:, step] = correlation * energy[:, step - 1] + np.sqrt(1 - correlation**2) * energy[:, step]
    return energy


def judged(
    population: np.ndarray | None = None,
    *,
    effects: np.ndarray | None = None,
    energy: np.ndarray | None = None,
    divergent: int = 0,
) -> Diagnostics:
    population = independent() if population is None else population
    shape = population.shape[:2]
    diverging = np.zeros(shape, dtype=bool)
    diverging.flat[:divergent] = True
    return diagnose(
        NAMES,
        population,
        np.empty((*shape, 0)) if effects is None else effects,
        np.random.default_rng(3).normal(size=shape) if energy is None else energy,
        diverging,
    )


def test_independent_draws_pass_without_a_word() -> None:
    verdict = judged(effects=independent(4, columns=10))
    assert verdict.converged
    assert verdict.verdict == "converged"
    assert verdict.failures == verdict.warnings == ()
    assert verdict.effects_rhat < 1.02
    assert verdict.effects_ess_bulk > 1000


def test_summary_of_known_draws() -> None:
    """Mean, sd and quantiles of 2,000 standard normal draws within 5 standard errors; ESS near their number."""
    table = summarise_draws(NAMES, independent())
    assert table.columns == ["parameter", "mean", "sd", "q05", "q95", "rhat", "ess_bulk", "ess_tail", "mcse_mean"]
    row = table.row(1, named=True)
    assert row["parameter"] == NAMES[1]
    error = 1 / np.sqrt(CHAINS * DRAWS)
    assert abs(row["mean"]) < 5 * error
    assert row["sd"] == pytest.approx(1.0, abs=5 * error)
    assert row["q05"] == pytest.approx(-1.645, abs=12 * error)
    assert row["q95"] == pytest.approx(1.645, abs=12 * error)
    assert row["rhat"] == pytest.approx(1.0, abs=0.01)
    assert 1200 < row["ess_bulk"] < 3000
    assert row["mcse_mean"] == pytest.approx(error, rel=0.25)


def test_effective_sample_size_of_an_autoregressive_chain() -> None:
    table = summarise_draws(NAMES, sluggish(0.8))
    assert table["ess_bulk"][1] == pytest.approx(CHAINS * DRAWS * 0.2 / 1.8, rel=0.35)


@pytest.mark.parametrize(("shift", "failed"), [(1.0, True), (0.45, False)])
def test_chains_that_disagree(shift: float, failed: bool) -> None:
    draws = independent()
    draws[0, :, 1] += shift
    verdict = judged(draws)
    rhat = float(verdict.table["rhat"][1])
    assert (rhat > RHAT_LIMIT) is failed
    assert rhat > 1.01
    words = verdict.failures if failed else verdict.warnings
    assert any(NAMES[1] in word and "R-hat above" in word for word in words)
    assert not any(NAMES[0] in word for word in words)
    assert verdict.converged is not failed


@pytest.mark.parametrize(("correlation", "failed"), [(0.97, True), (0.8, False)])
def test_chains_that_move_slowly(correlation: float, failed: bool) -> None:
    verdict = judged(sluggish(correlation))
    assert (float(verdict.table["ess_bulk"][1]) < ESS_LIMIT) is failed
    words = verdict.failures if failed else verdict.warnings
    assert any("bulk ESS below" in word and NAMES[1] in word for word in words)
    assert verdict.converged is not failed


def test_a_parameter_that_never_moves_fails() -> None:
    """R-hat of a constant is not a number: that must not pass for good."""
    draws = independent()
    draws[:, :, 1] = 0.3
    verdict = judged(draws)
    assert not verdict.converged
    assert any(NAMES[1] in failure for failure in verdict.failures)


def test_draws_that_are_not_numbers_fail() -> None:
    draws = independent()
    draws[1, 7, 0] = np.nan
    verdict = judged(draws)
    assert not verdict.converged
    assert any(NAMES[0] in failure for failure in verdict.failures)


@pytest.mark.parametrize(
    ("divergent", "failed", "warned"),
    [(0, False, False), (1, False, True), (int(DIVERGENT_LIMIT * 2000), False, True), (21, True, False)],
)
def test_divergences(divergent: int, failed: bool, warned: bool) -> None:
    verdict = judged(divergent=divergent)
    assert verdict.divergences == divergent
    assert any("diverged" in word for word in verdict.failures) is failed
    assert any("diverged" in word for word in verdict.warnings) is warned


@pytest.mark.parametrize(
    ("correlation", "failed", "warned"), [(0.95, True, False), (0.9, False, True), (0.5, False, False)]
)
def test_energy_that_wanders(correlation: float, failed: bool, warned: bool) -> None:
    verdict = judged(energy=wandering_energy(correlation))
    assert (min(verdict.bfmi) < BFMI_LIMIT) is failed
    assert any("E-BFMI" in word for word in verdict.failures) is failed
    assert any("E-BFMI" in word for word in verdict.warnings) is warned
    assert len(verdict.bfmi) == CHAINS


def test_patient_effects_that_disagree_are_a_warning() -> None:
    effects = independent(4, columns=10)
    effects[2, :, 6] += 2.0
    verdict = judged(effects=effects)
    assert verdict.converged
    assert any("patient effects" in word for word in verdict.warnings)
    assert verdict.effects_rhat > RHAT_LIMIT


def test_one_chain_cannot_converge() -> None:
    verdict = judged(independent()[:1])
    assert verdict.failures == ("one chain cannot show convergence: run at least two (--chains 2)",)


def test_everything_that_failed_is_said_at_once_with_what_helps() -> None:
    draws = sluggish(0.97)
    draws[0, :, 0] += 3.0
    advice = judged(draws, energy=wandering_energy(0.95), divergent=100).advice()
    for word in ("not converged", *NAMES, "R-hat", "ESS", "100 of 2000 steps diverged", "E-BFMI", "what usually helps"):
        assert word in advice


@pytest.mark.parametrize("effects", [None, independent(4, columns=3)])
def test_numbers_for_json_are_json(effects: np.ndarray | None) -> None:
    """A model of survival alone has no patient effects: null, since NaN is no JSON."""
    verdict = judged(effects=effects)
    numbers = json.loads(json.dumps(verdict.as_dict(), allow_nan=False))
    assert set(numbers) == {
        "converged", "verdict", "chains", "draws_per_chain", "divergences", "max_rhat", "min_ess_bulk", "min_ess_tail",
        "bfmi", "effects_max_rhat", "effects_min_ess_bulk", "failures", "warnings",
    }  # fmt: skip
    assert (numbers["chains"], numbers["draws_per_chain"], numbers["converged"]) == (CHAINS, DRAWS, True)
    assert (numbers["effects_max_rhat"] is None) is (effects is None)
    assert numbers["min_ess_bulk"] == pytest.approx(float(verdict.table["ess_bulk"].min()))  # type: ignore[arg-type]
