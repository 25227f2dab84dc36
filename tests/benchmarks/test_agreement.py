"""A method with another answer is marked wrong; one with the same answer is not."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.agreement import LIMIT, agreements, compare
from benchmarks.jobs import Job
from benchmarks.record import Record


def _rows(mean: float, mcse: float, sd: float = 1.0) -> dict[str, dict[str, Any]]:
    return {"death.log_shape": {"parameter": "death.log_shape", "mean": mean, "sd": sd, "mcse_mean": mcse}}


def _record(engine: str, mean: float, *, ess: float = 500.0, mcse: float = 0.04) -> Record:
    found = {"ess": ess, "parameters": list(_rows(mean, mcse).values())}
    return Record(Job(engine, "simulated-200"), found, {})


def test_difference_is_measured_in_posterior_sd_and_in_monte_carlo_errors() -> None:
    found = compare(_rows(0.5, 0.03), _rows(0.0, 0.04, sd=2.0), "reference")
    assert found.worst_sd == pytest.approx(0.25)  # rounding alone
    assert found.worst_mcse == pytest.approx(0.5 / 0.05)
    assert found.wrong


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_bound_is_at_the_stated_number_of_errors(sign: float) -> None:
    error = 0.05  # of 0.03 and 0.04
    assert not compare(_rows(sign * 0.99 * LIMIT * error, 0.03), _rows(0.0, 0.04), "").wrong
    assert compare(_rows(sign * 1.01 * LIMIT * error, 0.03), _rows(0.0, 0.04), "").wrong


def test_exact_methods_are_held_against_each_other_and_never_against_the_marginal_one() -> None:
    found = agreements([_record("stan", 0.0), _record("nuts", 0.0), _record("marginal", 1.0)])
    assert {name.rsplit("-", 1)[1]: value.reference for name, value in found.items() if value} == {
        "stan": "nuts",
        "nuts": "stan",
        "marginal": "stan",
    }
    assert found["simulated-200-log-growth-marginal"].wrong  # type: ignore[union-attr]
    assert not found["simulated-200-log-growth-nuts"].wrong  # type: ignore[union-attr]


def test_alone_or_with_too_few_draws_nothing_is_judged() -> None:
    assert agreements([_record("marginal", 0.0)]) == {"simulated-200-log-growth-marginal": None}
    few = agreements([_record("stan", 0.0), _record("nuts", 9.0, ess=50.0)])
    assert few["simulated-200-log-growth-nuts"] is None
