"""``python -m benchmarks.single_lesions``: what a gradient costs as lesions and visits grow, and a trial to fit.

The trial is drawn from the model: patients with 1 to 12 lesions in five organs, two arms. ``--write FOLDER`` writes the
one with 600 patients, for ``metachron fit FOLDER --size lesion --link log-growth``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from metachron.cohort import Cohort
from metachron.cohort.write import write_folder
from metachron.inference.target import joint_target
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms

PATIENTS, LONG, REPEATS = 600, (7, 13), 40
ORGANS = {"bone": 0.1, "brain": 0.05, "liver": 0.35, "lung": 0.3, "lymph_node": 0.2}
EFFECTS = {
    "log_baseline_mm": (0.1, -0.1, 0.3, -0.2, -0.3),
    "log_shrinkage_per_year": (-0.3, -0.2, -0.5, 0.3, 0.4),
    "log_growth_per_year": (0.1, 0.3, 0.5, -0.2, -0.4),
}
TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 3.2, "log_baseline_mm.sd": 0.3, "log_baseline_mm.lesion_sd": 0.5,
    "log_shrinkage_per_year.mean": [0.2, 0.8], "log_shrinkage_per_year.sd": 0.5,
    "log_shrinkage_per_year.lesion_sd": 0.3, "log_growth_per_year.mean": [-0.3, -1.0], "log_growth_per_year.sd": 0.5,
    "log_growth_per_year.lesion_sd": 0.3, "residual.proportional": 0.12, "death.log_scale_year": 0.5,
    "death.log_shape": 0.2, "death.link[log-growth]": 0.8,
}  # fmt: skip


def model_of() -> JointModel:
    """Return the model that draws and fits."""
    return compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"], size="lesion")


def trial(patients: int, visits: int) -> Cohort:
    """Return a simulated trial of so many patients, and visits every 8 weeks."""
    rng = np.random.default_rng(5)
    people = patients_in_arms({"chemotherapy": patients // 2, "new drug": patients - patients // 2})
    rows = [
        (patient, f"L{number + 1}", organ, "target")
        for patient in people["patient"]
        for number, organ in enumerate(rng.choice(list(ORGANS), size=rng.integers(1, 13), p=list(ORGANS.values())))
    ]
    lesions = pl.DataFrame(rows, schema=["patient", "lesion", "organ", "role"], orient="row")
    truth = dict(TRUTH)
    for name, effects in EFFECTS.items():
        truth |= {f"{name}.organ_sd": 0.4, f"{name}.organ": dict(zip(ORGANS, effects, strict=True))}
    plan = VisitPlan((-7.0, *(56.0 * k for k in range(1, visits + 1))), 900.0, 200.0, dropout_per_year=0.1)
    return model_of().simulate(truth, people, plan, seed=3, lesions=lesions, name="lesions")


def milliseconds(cohort: Cohort) -> float:
    """Return what one log density with its gradient costs, in CPU time, in the coordinates that chains take."""
    model = model_of()
    target = joint_target(model, model.bind(cohort))
    step = jax.jit(jax.value_and_grad(target.density))
    vector = target.start(jax.random.key(1))
    jax.block_until_ready(step(vector, target.data))
    began = time.process_time()
    for _ in range(REPEATS):
        jax.block_until_ready(step(vector, target.data))
    return (time.process_time() - began) / REPEATS * 1e3


def main() -> None:
    """Print the cost of a gradient for cohorts of growing size, or write the trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    folder = parser.parse_args().write
    if folder is not None:
        write_folder(trial(PATIENTS, LONG[1]), folder)
        return
    print("patients  lesions   sizes  ms per gradient  ms per 1,000 sizes")
    for visits in LONG:
        for patients in (150, 300, 600, 1200, 2400):
            cohort = trial(patients, visits)
            cost, sizes = milliseconds(cohort), cohort.measurements.height
            print(f"{patients:8}{cohort.lesions.height:9}{sizes:8}{cost:17.2f}{cost / sizes * 1e3:20.3f}")


if __name__ == "__main__":
    main()
