"""Draws read without xarray are those that xarray reads, and a forecast does not import it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from inference.made_fits import TRUTH, make_fit
from metachron.inference import Fit
from metachron.joint import VisitPlan, compose, patients_in_arms


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = compose(hazard="exponential")
    theta = {name: value for name, value in TRUTH.items() if not name.startswith("death")} | {
        "death.log_scale_year": 0.5
    }
    cohort = model.simulate(theta, patients_in_arms({"control": 5, "new": 5}), VisitPlan((0.0, 56.0), 400.0), seed=1)
    return make_fit(model, cohort, theta, draws=120, jitter=0.1).save(tmp_path_factory.mktemp("fits") / "made.fit")


def test_labels_and_values_are_those_that_xarray_reads(path: Path) -> None:
    read = Fit.load(path)
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    for name in ("posterior", "sample_stats"):
        expected, found = tree[name].to_dataset(), getattr(read, name)
        xr.testing.assert_identical(found, expected)
        assert {v: found[v].dtype for v in found.variables} == {v: expected[v].dtype for v in expected.variables}
    assert read.posterior is read.posterior


def test_arrays_and_shape_are_those_of_the_data_sets(path: Path) -> None:
    read = Fit.load(path)
    assert read.shape == read.sample_stats["lp"].shape
    assert set(read.arrays) == {str(name) for name in read.posterior.data_vars}
    for name, values in read.arrays.items():
        np.testing.assert_array_equal(values, read.posterior[name].to_numpy())
    again = read.save(path.with_name("again.fit"))
    xr.testing.assert_identical(Fit.load(again).posterior, read.posterior)


def test_a_forecast_imports_nothing_that_it_does_not_need() -> None:
    """What would cost every forecast a second or two: see `metachron.inference.stored`, `sobol` and `pareto`."""
    code = (
        "import sys, polars as pl, metachron\n"
        "from metachron.cohort import Cohort\n"
        "patients = pl.DataFrame({'patient': ['x'], 'study': 'S', 'arm': 'sequential'})\n"
        "sizes = pl.DataFrame({'patient': 'x', 'lesion': None, 'day': [-5.0], 'size_mm': 90.0, 'state': 'measured'},"
        " schema_overrides={'lesion': pl.String})\n"
        "one = Cohort.create('one', {'patients': patients, 'measurements': sizes})\n"
        "found = metachron.forecast_from(metachron.load_reference('mcrc-ffcd'), one, landmark_day=0, horizon_day=100)\n"
        "metachron.write_forecast_page(found, sys.argv[1])\n"
        "print(*({'xarray', 'pandas', 'numpyro', 'arviz_stats', 'statsmodels'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, "/dev/null"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
