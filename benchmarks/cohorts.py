"""The cohorts of the benchmarks by name: named data sets, and patients of the demonstration's simulated trial."""

from __future__ import annotations

from metachron.cohort import Cohort
from metachron.joint import JointModel, compose

SIMULATED = "simulated-"
SEED = 2026


def benchmark_model(link: str) -> JointModel:
    """Return the model that is measured: Stein-Fojo by arm, proportional error, Weibull, one link, default priors."""
    return compose(dynamics="stein-fojo", hazard="weibull", links=[link])


def benchmark_cohort(name: str) -> Cohort:
    """Return a cohort: ``simulated-N`` has N patients in two arms, anything else is the name of a data set."""
    if name.startswith(SIMULATED):
        from metachron.joint.demo_trial import two_arm_trial

        return two_arm_trial(seed=SEED, patients_per_arm=int(name.removeprefix(SIMULATED)) // 2)
    from metachron.cohort.read import load

    return load(name)
