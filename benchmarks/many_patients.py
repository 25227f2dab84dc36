"""``python -m benchmarks.many_patients``: what a forecast of 1,000 patients in one call costs after compilation.

The patients are the example patient with metastatic colorectal cancer, each with sizes of its own.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import polars as pl

from benchmarks.memory import peak_mib
from benchmarks.stan_build import ROOT
from metachron.cohort import Cohort
from metachron.cohort.read import load
from metachron.reference import forecast_from, load_reference

NAME, EXAMPLE = "mcrc-ffcd", ROOT / "examples" / "patients" / "mcrc"
LANDMARK_DAY, HORIZON_DAY = 120.0, 485.0
SPREAD, NOISE = 0.3, 0.1
"""Of the log of a patient's sizes about the example's: one factor for all, and one for each visit."""


def patients_like(example: Cohort, count: int, *, seed: int) -> Cohort:
    """Return a cohort of patients with the visits and covariates of one, and sizes of their own."""
    rng = np.random.default_rng(seed)
    names = pl.DataFrame({"patient": [f"made-{number:05d}" for number in range(count)]})
    tables = {
        name: names.join(table.drop("patient"), how="cross").select(table.columns)
        for name, table in example.tables.items()
        if table.height
    }
    sizes = tables["measurements"]
    visits = sizes.height // count
    factor = np.exp(SPREAD * rng.normal(size=(count, 1)) + NOISE * rng.normal(size=(count, visits)))
    tables["measurements"] = sizes.with_columns(size_mm=pl.col("size_mm") * pl.Series(factor.ravel()))
    return Cohort.create("many", tables, limit_mm=example.limit_mm)


def main() -> None:
    """Forecast the patients twice, and print what the second time cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1000)
    count = parser.parse_args().patients
    reference, cohort = load_reference(NAME), patients_like(load(str(EXAMPLE)), count, seed=1)
    times = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        forecast_from(reference, cohort, landmark_day=LANDMARK_DAY, horizon_day=HORIZON_DAY)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    for what, (wall, cpu) in zip(("first call", "second call"), times, strict=True):
        print(f"{what}: {wall / count * 1e3:.1f} ms of wall time per patient, {cpu / count * 1e3:.1f} ms of CPU time")
    print(f"most memory: {peak_mib(os.getpid()):.0f} MiB")


if __name__ == "__main__":
    main()
