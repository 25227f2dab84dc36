"""Simulation-based calibration of the marginal engine: four laws, and integrals that are wrong on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.joint import JointModel, VisitPlan
from statistical.calibration import calibrate, smallest_p
from statistical.samplers import by_laplace, by_marginal, by_wrong_weights
from statistical.test_calibration import LEVEL, PLAN, STEIN_FOJO

REPLICATES = {"stein-fojo": 120, "gsf": 120, "claret-bruno": 120, "wang": 80}
"""As many as half an hour allows: with Wang's law and a link that moves, a replicate takes twice as long."""
ARMS = {"a": 25, "b": 25}
REFUSED_SHARE = 0.05
"""Replicates that NUTS may take over: a study of the marginal engine in which NUTS drew more would be of another."""
WRONG_REPLICATES, CAUGHT = 50, 1e-4
COMPILED_SHARE = 0.2
"""Fits that may compile something: the rows of the longest block are rounded up to a power of 2, and may pass one;
nodes are doubled where two sets of them disagree; draws are added where too few are effective."""

COMMON = """
[dynamics]
law = "{law}"
[dynamics.residual]
proportional = {{ log_normal = [-2.0, 0.2] }}
[dynamics.parameters.baseline_mm]
mean_prior = {{ normal = [4.0, 0.2] }}
spread_prior = {{ log_normal = [-0.7, 0.2] }}
[hazard]
law = "weibull"
[hazard.parameters]
scale_year = {{ normal = [0.3, 0.3] }}
shape = {{ normal = [0.2, 0.2] }}
[hazard.links.{link}]
prior = {{ normal = [0.5, 0.4] }}
"""
PARAMETER = """
[dynamics.parameters.{name}]
mean_prior = {{ normal = [{mean}, 0.3] }}
spread_prior = {{ log_normal = [-0.7, 0.3] }}
"""
LAWS = {
    "gsf": (
        "resistant-fraction",
        {"shrinkage_per_year": 0.8, "growth_per_year": -0.5, "resistant_fraction": -0.3},
    ),
    "claret-bruno": (
        "log-growth",
        {"growth_per_year": -0.4, "inhibition_per_year": 0.7, "loss_of_effect_per_year": 0.3},
    ),
    "wang": ("log-current-size", {"shrinkage_per_year": 0.2, "growth_mm_per_year": 3.3}),
}
"""Link, and the centre of the prior mean of each parameter on its transform scale: near truths that are recovered."""
SKEWED = VisitPlan(visit_day=(0.0, 56.0, 112.0), cutoff_day=540.0, dropout_per_year=0.15)
"""Three visits: growth and shrinkage are hardly told apart, and conditionals are far from normal."""
SKEWED_MODEL = """
[dynamics]
law = "stein-fojo"
[dynamics.residual]
proportional = { log_normal = [-1.5, 0.2] }
[dynamics.parameters.baseline_mm]
mean_prior = { normal = [4.0, 0.2] }
spread_prior = { log_normal = [-0.7, 0.2] }
[dynamics.parameters.shrinkage_per_year]
mean_prior = { normal = [-0.3, 0.6] }
spread_prior = { log_normal = [0.2, 0.25] }
[dynamics.parameters.growth_per_year]
mean_prior = { normal = [-0.7, 0.6] }
spread_prior = { log_normal = [0.0, 0.3] }
[hazard]
law = "weibull"
[hazard.parameters]
scale_year = { normal = [0.3, 0.3] }
shape = { normal = [0.2, 0.2] }
[hazard.links.log-growth]
prior = { normal = [0.5, 0.4] }
"""
"""Patients as different from one another as those of OAK, and a larger residual."""


def model_of(law: str) -> JointModel:
    """Return the model of a law with a Weibull hazard, a link, and priors narrow enough that cohorts can be fitted."""
    if law == "stein-fojo":
        return JointModel.from_toml(STEIN_FOJO)
    link, means = LAWS[law]
    parts = [PARAMETER.format(name=name, mean=mean) for name, mean in means.items()]
    return JointModel.from_toml(COMMON.format(law=law, link=link) + "".join(parts))


@pytest.mark.slow
@pytest.mark.parametrize("law", ["stein-fojo", *LAWS])
def test_law_is_calibrated(law: str) -> None:
    """14 to 30 minutes each on 2 cores. Few replicates are refused, and few compile anything after the first."""
    found = calibrate(
        f"marginal-{law}", model_of(law), arms=ARMS, plan=PLAN, replicates=REPLICATES[law], sampler=by_marginal
    )
    name, p_value = smallest_p(found.ranks)
    assert p_value > LEVEL, f"ranks of {name} are not uniform (p = {p_value:.2g})"
    assert len(found.refused) <= REFUSED_SHARE * REPLICATES[law], found.refused
    assert np.mean(found.compiled > 0) <= COMPILED_SHARE


@pytest.mark.slow
def test_forgotten_proposal_density_is_caught() -> None:
    """About 5 minutes on 2 cores: the test that the engine passes rejects nodes with wrong weights."""
    model = model_of("stein-fojo")
    found = calibrate(
        "marginal-wrong-weights", model, arms=ARMS, plan=PLAN, replicates=WRONG_REPLICATES, sampler=by_wrong_weights
    )
    name, p_value = smallest_p(found.ranks)
    assert p_value < CAUGHT, f"the ranks that look least uniform, of {name}, have p = {p_value:.2g}"


@pytest.mark.slow
def test_laplace_alone_is_caught() -> None:
    """About 25 minutes on 2 cores.

    Laplace's error has the same sign in every patient, so that it grows with their number against the posterior's
    spread: 50 replicates of 50 patients with the narrow priors of the other studies do not show it.
    """
    model = JointModel.from_toml(SKEWED_MODEL)
    found = calibrate(
        "marginal-laplace", model, arms={"a": 240}, plan=SKEWED, replicates=WRONG_REPLICATES, sampler=by_laplace
    )
    name, p_value = smallest_p(found.ranks)
    assert p_value < CAUGHT, f"the ranks that look least uniform, of {name}, have p = {p_value:.2g}"


@pytest.mark.parametrize("law", ["stein-fojo", *LAWS])
def test_models_of_the_study_are_what_they_say(law: str) -> None:
    """Every prior has the parameter that it is for: a name that the law does not know would be refused."""
    dynamics = model_of(law).dynamics
    assert dynamics is not None
    assert dynamics.law.name == law
    assert {parameter.name for parameter in dynamics.parameters} > set(LAWS[law][1] if law in LAWS else ())
