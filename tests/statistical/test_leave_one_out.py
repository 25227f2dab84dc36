"""Leave-one-out by importance weights against exact refits: 40 patients of a small cohort, each left out in turn."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.inference import fit
from metachron.inference.criticism import leave_one_out
from metachron.joint.demo_trial import demo_model, two_arm_trial
from statistical.refits import Refits, exact_leave_one_out

DRAWS = 2000


@pytest.mark.slow
def test_leave_one_out_agrees_with_exact_refits() -> None:
    """About 15 minutes on 2 cores. The total within 3 of its errors; patients as errors say: none beyond 5, and their
    mean square below 2, which 40 independent normal ones pass but once in 10,000 times.
    """
    model, cohort = demo_model(), two_arm_trial(patients_per_arm=20)
    exact = exact_leave_one_out("loo-refits", model, cohort, patients=40, refits=Refits(draws=DRAWS // 2))
    assert (exact["word"] != "use NUTS").all()
    whole = fit(model, cohort, engine="marginal", chains=4, draws=1000, seed=1)
    found = leave_one_out(whole, draws=DRAWS)
    assert found.table["patient"].to_list() == exact["patient"].to_list()
    assert found.weak_patients == ()
    difference = (found.table["elpd"] - exact["elpd"]).to_numpy()
    own = np.hypot(found.table["mcse"].to_numpy(), found.table["integral_error"].to_numpy())
    error = np.hypot(own, np.hypot(exact["error"].to_numpy(), exact["integral_error"].to_numpy()))
    assert np.abs(difference / error).max() < 5.0
    assert np.mean(np.square(difference / error)) < 2.0
    assert abs(difference.sum()) < 3.0 * np.sqrt(np.sum(np.square(error)))
    assert found.mcse < 0.2 * found.se, "the error that is stated is small beside what differs between patients"
    optimism = found.table["p_loo"].to_numpy()
    assert np.abs(difference).sum() < 0.2 * optimism.sum(), "refits are told from a fit that has seen the patient"
