"""Patients that a fit has not seen: their likelihood at its draws, and leave-one-out against a refit."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from inference.line_trial import LINE, PLAN, line_trial
from inference.marginal_grids import linear_gaussian_log_likelihood
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import Fit, fit
from metachron.inference.criticism import leave_one_out
from metachron.inference.criticism.patient_likelihood import patient_log_likelihood
from metachron.joint import JointModel, patients_in_arms
from metachron.joint.demo_trial import demo_model, two_arm_trial
from metachron.joint.sites import list_sites
from statistical.refits import Refits, foretell


@pytest.fixture(scope="module")
def line() -> tuple[JointModel, Cohort]:
    return line_trial()


@pytest.fixture(scope="module")
def line_fit(line: tuple[JointModel, Cohort]) -> Fit:
    return fit(*line, engine="marginal", chains=2, warmup=150, draws=1000, check=False)


def test_likelihood_of_an_unseen_patient_is_the_closed_form(line: tuple[JointModel, Cohort], line_fit: Fit) -> None:
    """One patient of another trial, far from the others; densities are per mm, so the sum of log sizes is taken off.

    The tolerance is five times the error that the integral states, and at least 0.01.
    """
    model, _ = line
    far = {**LINE, "baseline.mean": 5.0, "slope_per_year.mean": 1.0}
    other = model.simulate(far, patients_in_arms({"a": 1}), PLAN, seed=8)
    values, error = patient_log_likelihood(line_fit, cohort=other, draws=20)
    binding = model.bind(other, line_fit.labels)
    jacobian = np.log(other.measurements["size_mm"].drop_nulls().to_numpy()).sum()
    chosen = np.linspace(0, 1999, 20).round().astype(int)
    for value, draw in zip(values[:, 0], chosen, strict=True):
        theta = {
            site.name: jnp.asarray(line_fit.posterior[site.name].to_numpy()[draw // 1000, draw % 1000])
            for site in list_sites(model, binding.dims)
        }
        exact = linear_gaussian_log_likelihood(binding, theta) - jacobian
        assert value == pytest.approx(exact, abs=max(0.01, 5.0 * error[0]))


@pytest.mark.slow
def test_leave_one_out_is_a_refit(line: tuple[JointModel, Cohort], line_fit: Fit) -> None:
    """The two patients that move the posterior most, left out in truth: within 4 of the errors of both."""
    found = leave_one_out(line_fit, draws=2000)
    most = found.table.with_row_index().sort("p_loo", descending=True).head(2)
    for row in most.iter_rows(named=True):
        refit = foretell(*line, row["index"], refits=Refits(chains=2, warmup=150, draws=1000), seed=3)
        assert refit["patient"] == row["patient"]
        error = np.linalg.norm([row["mcse"], row["integral_error"], refit["error"], refit["integral_error"]])
        assert abs(row["elpd"] - refit["elpd"]) < 4.0 * error
        assert row["p_loo"] > 4.0 * error, "the refit differs from the fit that has seen the patient"


def test_a_patient_without_event_can_be_scored_alone() -> None:
    """A cohort of one, still under observation, has no event to learn a hazard from, and needs none."""
    model, cohort = demo_model(), two_arm_trial(patients_per_arm=10)
    result = fit(model, cohort, engine="marginal", chains=2, warmup=50, draws=50, check=False)
    alive = next(patient for patient in cohort.patient_ids if patient not in set(cohort.events["patient"]))
    together, error = patient_log_likelihood(result, draws=20)
    alone, own_error = patient_log_likelihood(result, cohort=cohort.select([alive]), draws=20)
    index = cohort.patient_ids.index(alive)
    tolerance = max(0.02, 5.0 * np.hypot(error[index], own_error[0]))
    np.testing.assert_allclose(alone[:, 0], together[:, index], atol=tolerance)


def test_no_data_and_unknown_arm_are_refused(line: tuple[JointModel, Cohort], line_fit: Fit) -> None:
    with pytest.raises(ModelError, match="saved without its cohort"):
        patient_log_likelihood(line_fit.without_cohort())
    _, cohort = line
    shared = patient_log_likelihood(line_fit.without_cohort(), cohort=cohort, draws=5)[0]
    np.testing.assert_array_equal(shared, patient_log_likelihood(line_fit, draws=5)[0])
    arms = demo_model(), two_arm_trial(patients_per_arm=6)
    result = fit(*arms, engine="marginal", chains=2, warmup=50, draws=50, check=False)
    other = arms[0].simulate(_truth_in("other"), patients_in_arms({"other": 3}), PLAN, seed=1)
    with pytest.raises(ModelError, match="arm other is unknown to the fit"):
        patient_log_likelihood(result, cohort=other, draws=5)


def _truth_in(arm: str) -> dict[str, object]:
    from metachron.joint.demo_trial import TRUTH

    return {name: {arm: 0.0} if isinstance(value, dict) else value for name, value in TRUTH.items()}
