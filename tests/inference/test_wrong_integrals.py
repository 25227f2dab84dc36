"""Integrals that are wrong on purpose: which of them the verdict tells, and which only calibration can.

Calibration of the same errors is in ``statistical/test_marginal_calibration.py``.
"""

from __future__ import annotations

import numpy as np
import pytest

from inference.line_trial import line_trial
from inference.marginal_grids import grid_log_likelihood, linear_gaussian_log_likelihood
from inference.test_marginal import log_likelihood
from metachron.base import ConvergenceError
from metachron.cohort import Cohort
from metachron.inference import fit
from metachron.inference.marginal.engine import MarginalDraws, sample_marginal
from metachron.inference.marginal.prepare import Prepared, prepare
from metachron.inference.marginal.verdict import ESS_SHARE_LIMIT, K_LIMIT
from metachron.inference.pareto import effective_share, pareto_smooth
from metachron.inference.settings import NutsSettings
from metachron.joint import Binding, JointModel, VisitPlan, patients_in_arms
from metachron.joint.demo_trial import TRUTH, demo_model
from metachron.joint.vector import median_values, pack_population, unpack_population
from statistical.laplace import laplace_by_patient
from statistical.samplers import four_nodes, laplace_error, placed_wrongly, without_proposal_density

THREE_VISITS = VisitPlan(visit_day=(-7.0, 56.0, 112.0), cutoff_day=600.0)
"""Growth and shrinkage are hardly told apart, and conditionals are far from normal."""
SETTINGS = NutsSettings(chains=2, warmup=150, draws=500, seed=6)
"""With seed 5 one of the eight draws that are looked at afresh lies so far out that the verdict on it is "use NUTS"."""


@pytest.fixture(scope="module")
def model() -> JointModel:
    return demo_model()


@pytest.fixture(scope="module")
def cohort(model: JointModel) -> Cohort:
    arms = patients_in_arms({"chemotherapy": 20, "immunotherapy": 20})
    return model.simulate(TRUTH, arms, THREE_VISITS, seed=6)


@pytest.fixture(scope="module")
def binding(model: JointModel, cohort: Cohort) -> Binding:
    return model.bind(cohort)


@pytest.fixture(scope="module")
def sampled(model: JointModel, binding: Binding) -> MarginalDraws:
    return sample_marginal(model, binding, SETTINGS)


@pytest.fixture(scope="module")
def prepared(model: JointModel, binding: Binding) -> Prepared:
    return prepare(model, binding)


def test_right_integrals_are_usable(sampled: MarginalDraws) -> None:
    assert sampled.verdict.word in {"good", "usable"}


def test_four_nodes_per_patient_are_called_too_few(model: JointModel, cohort: Cohort) -> None:
    """Two sets of them disagree, and the fit is refused."""
    with placed_wrongly(four_nodes), pytest.raises(ConvergenceError, match="use NUTS"):
        fit(model, cohort, engine="marginal", chains=2, warmup=150, draws=500, seed=5)


def test_laplace_alone_is_called_poor(model: JointModel, binding: Binding, sampled: MarginalDraws) -> None:
    """Were the draws those of Laplace's approximation, the weights that correct them would be too uneven to use."""
    log_ratio = -laplace_error(model, binding, sampled)
    k, weight = pareto_smooth(log_ratio)
    effective = effective_share(weight)
    assert k > K_LIMIT or effective < ESS_SHARE_LIMIT, f"k {k:.2f}, effective {effective:.2f}"
    assert np.std(log_ratio) > 2.0 * sampled.verdict.correction_sd


def test_laplace_is_exact_where_conditionals_are_normal() -> None:
    """The approximation is itself written rightly: it is the closed form on straight lines, up to rounding."""
    model, cohort = line_trial()
    binding = model.bind(cohort)
    vector = pack_population(median_values(model, binding.dims).theta, model, binding.dims)
    theta, _ = unpack_population(vector, model, binding.dims)
    by_patient = laplace_by_patient(vector[None], binding.design, model=model, dims=binding.dims)
    exact = linear_gaussian_log_likelihood(binding, theta)
    assert float(by_patient[0, : len(binding.labels.patients)].sum()) == pytest.approx(exact, rel=1e-8)


@pytest.mark.slow
def test_forgotten_proposal_density_is_seen_on_a_grid_alone(
    model: JointModel, binding: Binding, prepared: Prepared
) -> None:
    """Two points a posterior sd apart: the difference of log likelihoods that matters to draws is wrong by units."""
    first, second = prepared.vectors[:2]
    exact = grid_log_likelihood(model, binding, first) - grid_log_likelihood(model, binding, second)
    right = log_likelihood(prepared, first) - log_likelihood(prepared, second)
    with placed_wrongly(without_proposal_density):
        wrong = log_likelihood(prepared, first) - log_likelihood(prepared, second)
    assert right == pytest.approx(exact, abs=0.2)
    assert abs(wrong - exact) > 1.0
