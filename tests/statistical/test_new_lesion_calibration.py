"""Simulation-based calibration of size, new lesions and death together, by the marginal engine."""

from __future__ import annotations

import pytest

from metachron.joint import JointModel, VisitPlan
from statistical.calibration import calibrate, smallest_p
from statistical.samplers import by_marginal
from statistical.test_calibration import LEVEL, STEIN_FOJO

PLAN = VisitPlan(visit_day=(0.0, 56.0, 112.0, 168.0, 224.0, 336.0), cutoff_day=600.0, dropout_per_year=0.15)
TRIVARIATE = f"""{STEIN_FOJO}
[hazard.links.new-lesion-frailty]
prior = {{ normal = [0.5, 0.4] }}
[new_lesions]
law = "weibull"
clock = "CLOCK"
frailty_prior = {{ log_normal = [-0.5, 0.3] }}
[new_lesions.parameters]
scale_year = {{ normal = [-0.2, 0.3] }}
shape = {{ normal = [0.1, 0.2] }}
[new_lesions.links.log-growth]
prior = {{ normal = [0.3, 0.4] }}
"""
REPLICATES = 60


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["gap", "calendar"])
def test_trivariate_model_is_calibrated(clock: str) -> None:
    """At most 30 minutes each on 2 cores. In calendar time lesions are known between visits, in gap time exactly."""
    model = JointModel.from_toml(TRIVARIATE.replace("CLOCK", clock))
    found = calibrate(
        f"trivariate-{clock}", model, arms={"a": 25, "b": 25}, plan=PLAN, replicates=REPLICATES, sampler=by_marginal
    )
    name, p_value = smallest_p(found.ranks)
    assert p_value > LEVEL, f"ranks of {name} are not uniform (p = {p_value:.2g})"
