"""Blocks of nodes: nobody is split between two, and many nodes give the closed form."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from inference.line_trial import line_trial
from inference.marginal_grids import linear_gaussian_log_likelihood
from metachron.cohort import Cohort
from metachron.inference.marginal.blocks import make_blocks
from metachron.inference.marginal.coordinates import Coordinates
from metachron.inference.marginal.prepare import prepare
from metachron.inference.marginal.references import MOST_ROWS, measure
from metachron.joint import JointModel
from metachron.joint.vector import unpack_population


@pytest.fixture(scope="module")
def line() -> tuple[JointModel, Cohort]:
    return line_trial()


def test_nodes_move_with_no_row_of_padding_counted(line: tuple[JointModel, Cohort]) -> None:
    """Rows per patient, in any mix of powers of two, fill blocks without splitting a patient, and count once."""
    model, cohort = line
    binding = model.bind(cohort)
    rows = np.random.default_rng(0).choice([1, 2, 4, 8, 16, 64], len(binding.labels.patients))
    blocks = make_blocks(binding, rows, mean_rows=4)
    assert blocks.weight.sum() == rows.sum()
    for patient, count in enumerate(rows):
        block, row = np.nonzero((blocks.patient == patient) & (blocks.weight > 0))
        assert len(set(block)) == 1
        assert len(row) == count
        assert sorted(blocks.part[block, row]) == list(range(count))
        assert set(blocks.slot_patient[block, blocks.slot[block, row]]) == {patient}
    assert sorted(blocks.slot_patient[blocks.slot_patient >= 0]) == list(range(len(rows)))


def test_a_patient_is_not_split_between_blocks(line: tuple[JointModel, Cohort]) -> None:
    model, cohort = line
    binding = model.bind(cohort)
    for count in (0, 21, 128):
        with pytest.raises(ValueError, match="a power of 2 up to 64"):
            make_blocks(binding, np.full(len(binding.labels.patients), count), mean_rows=max(count, 1))


@pytest.mark.parametrize("patients", [50, 70])
def test_many_nodes_are_the_closed_form_whatever_the_number_of_patients(patients: int) -> None:
    """Few nodes are corrected to these, and a maximum of the likelihood rests on them; with 65 to 85 patients each has
    three rows of few nodes on average, which no power of 2 makes 64.
    """
    model, cohort = line_trial(patients)
    binding = model.bind(cohort)
    prepared = prepare(model, binding, with_prior=False)
    coordinates = Coordinates.about(prepared.optimum.vector, prepared.covariance, prepared.view)
    found = measure(prepared, coordinates, seed=3, least_rows=MOST_ROWS)
    theta, _ = unpack_population(jnp.asarray(prepared.optimum.vector), model, binding.dims)
    exact = linear_gaussian_log_likelihood(binding, theta)
    for one in (found.first, found.second):
        assert float(one.value) == pytest.approx(exact, abs=0.03)
