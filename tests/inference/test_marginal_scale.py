"""The marginal engine and the number of patients: linear memory, and nothing that depends on who shares a block."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from inference.test_marginal import log_likelihood
from metachron.cohort import Cohort
from metachron.inference import estimate
from metachron.inference.marginal.density import value_and_gradient
from metachron.inference.marginal.prepare import prepare, prepare_at
from metachron.joint.demo_trial import demo_model, two_arm_trial
from metachron.joint.vector import median_values, pack_population

PATIENTS = 100_000
MEMORY_GIB = 8.0


def repeated(cohort: Cohort, times: int) -> Cohort:
    """Return the cohort with every patient several times, each under a name of its own."""
    tables = {
        name: pl.concat([_renamed(frame, copy) for copy in range(times)]) for name, frame in cohort.tables.items()
    }
    return Cohort.create(cohort.name, tables, limit_mm=cohort.limit_mm, accept=cohort.accepted)


def _renamed(frame: pl.DataFrame, copy: int) -> pl.DataFrame:
    return frame.with_columns(pl.concat_str("patient", pl.lit(f"-{copy}")).alias("patient"))


def log_likelihood_at(cohort: Cohort, vector: np.ndarray, *, seed: int) -> float:
    """Return the log likelihood at a vector, on nodes made for it."""
    model = demo_model()
    prepared = prepare_at(model, model.bind(cohort), vector[None].repeat(2, axis=0), seed=seed, mean_rows=16)
    return log_likelihood(prepared, vector, times=1, seed=seed + 50)


@pytest.mark.slow
def test_twice_the_cohort_has_twice_the_log_likelihood() -> None:
    """Copies of a patient stand in other blocks, beside other patients, on nodes of their own.

    What one and the same cohort gives with other seeds is the error; the tolerance is five times that of the two sums.
    """
    model, cohort = demo_model(), two_arm_trial(patients_per_arm=13)
    vector = prepare(model, model.bind(cohort)).optimum.vector
    once = [log_likelihood_at(cohort, vector, seed=seed) for seed in (1, 2, 3, 4)]
    error = np.std(once, ddof=1)
    assert error < 0.1
    for times in (2, 3):
        found = log_likelihood_at(repeated(cohort, times), vector, seed=9)
        assert found == pytest.approx(times * np.mean(once), abs=5 * error * (times / 2 + np.sqrt(times)))


@pytest.mark.slow
def test_twice_the_cohort_has_the_same_maximum() -> None:
    """The same estimates within a tenth of a standard error, standard errors smaller by the root of 2 within 5 %."""
    model, cohort = demo_model(), two_arm_trial(patients_per_arm=30)
    one, two = estimate(model, cohort), estimate(model, repeated(cohort, 2))
    moved = (one.table["estimate"] - two.table["estimate"]).to_numpy() / one.table["se"].to_numpy()
    assert np.abs(moved).max() < 0.1
    np.testing.assert_allclose(two.table["se"] * np.sqrt(2.0), one.table["se"], rtol=0.05)
    error = 2.0 * one.log_likelihood_error + two.log_likelihood_error
    assert two.log_likelihood == pytest.approx(2.0 * one.log_likelihood, abs=3.0 * error)
    assert two.patients == 2 * one.patients


def test_memory_is_linear_and_that_of_100000_patients_is_within_8_gib() -> None:
    """The compiled gradient's own account of its arguments and scratch space, at 64 and at 256 patients.

    Four times the patients, four times the arguments. A quarter more is allowed for what is rounded up: the number of
    blocks by up to an eighth, and the measurements of a block, a seventh of what it holds, to a power of 2. Scratch
    space is that of one block at a time, and of what rows need for all blocks, with its gradient: some 50 numbers a row
    beside 64 nodes of at least 6 numbers each, so it grows by less than a quarter of what the arguments grow by.
    """
    held = {}
    for per_arm in (32, 128):
        model, cohort = demo_model(), two_arm_trial(patients_per_arm=per_arm)
        binding = model.bind(cohort)
        vector = np.array(pack_population(median_values(model, binding.dims).theta, model, binding.dims))
        prepared = prepare_at(model, binding, vector[None].repeat(2, axis=0), seed=1, mean_rows=4)
        table = prepared.table(seed=2)
        lowered = value_and_gradient.lower(jnp.asarray(vector), table, view=prepared.view, with_prior=True)
        memory = lowered.compile().memory_analysis()
        held[per_arm] = (memory.argument_size_in_bytes, memory.temp_size_in_bytes)
    arguments, scratch = ([held[per_arm][k] for per_arm in (32, 128)] for k in (0, 1))
    assert arguments[1] < 4.0 * 1.25 * arguments[0], held
    assert scratch[1] - scratch[0] < 0.25 * (arguments[1] - arguments[0]), held
    grown = (arguments[1] + scratch[1] - arguments[0] - scratch[0]) / (256 - 64)
    assert grown * PATIENTS < MEMORY_GIB * 2**30
