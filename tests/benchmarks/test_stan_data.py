"""The data block that Stan gets, and the order of its parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.cohorts import benchmark_model
from benchmarks.gradient import check_gradient, points_near_start
from benchmarks.precision import parameter_names, population_from_vectors
from benchmarks.stan_build import SOURCES, build, stan_folder
from benchmarks.stan_chain import StanChain
from benchmarks.stan_data import PROGRAMS, stan_data, to_stan_vectors
from benchmarks.stan_job import SAME_DENSITY, check_density

from metachron.base import MetachronError, ModelError
from metachron.joint.demo_trial import TRUTH
from metachron.joint.simulate import VisitPlan
from metachron.joint.trial_tables import patients_in_arms
from metachron.joint.vector import population_size

COHORT = benchmark_model("log-growth").simulate(
    TRUTH,
    patients_in_arms({"chemotherapy": 10, "immunotherapy": 10}),
    VisitPlan(visit_day=(-7.0, 56.0, 112.0, 168.0, 224.0, 280.0), cutoff_day=700.0),
    seed=5,
    limit_mm=30.0,
)
"""Twenty patients with a limit so high that sizes below it occur."""


@pytest.mark.parametrize("link", sorted(PROGRAMS))
def test_every_name_of_the_data_is_declared_in_the_program(link: str) -> None:
    model = benchmark_model(link)
    data = stan_data(model, model.bind(COHORT))
    shared = (SOURCES / "sizes_data.stan").read_text(encoding="utf-8")
    program = (SOURCES / PROGRAMS[link]).read_text(encoding="utf-8").split("transformed data")[0]
    declared = {line.split(";")[0].split()[-1] for line in (shared + program).splitlines() if ";" in line}
    assert set(data) == declared
    assert data == json.loads(json.dumps(data))


def test_every_row_of_the_cohort_is_handed_over_once() -> None:
    model = benchmark_model("log-growth")
    binding = model.bind(COHORT)
    data = stan_data(model, binding)
    rows = sum(float(rows.weight.sum()) for rows in (binding.design.measured, binding.design.censored) if rows)
    assert data["rows_before"] + data["rows_after"] + data["rows_below"] == rows
    assert data["patients"] == 20
    assert data["rows_before"] > 0
    assert data["rows_below"] > 0
    assert data["deaths"] == float((binding.design.events.exact * binding.design.events.known).sum())  # type: ignore[union-attr]


def test_effects_are_reordered_and_padding_left_out() -> None:
    model = benchmark_model("log-growth")
    binding = model.bind(COHORT)
    count = population_size(model, binding.dims)
    vector = np.arange(count + 3.0 * binding.dims.patients)[None]
    found = to_stan_vectors(vector, model, binding)[0]
    assert np.array_equal(found[:count], vector[0, :count])
    assert np.array_equal(found[count : count + 20], vector[0, count : count + 60 : 3])
    assert len(found) == count + 60


def test_another_model_is_refused() -> None:
    model = benchmark_model("log-growth")
    for other in (model.replace(hazard="gompertz"), model.replace(links=["current-size"])):
        with pytest.raises(ModelError, match="Stan programs"):
            stan_data(other, other.bind(COHORT))


def test_population_is_named_as_in_a_fit() -> None:
    model = benchmark_model("log-growth")
    binding = model.bind(COHORT)
    vectors = points_near_start(model, binding, count=2)[None]
    found = population_from_vectors(vectors, model, binding)[0]
    names = parameter_names(model, binding)
    assert found.shape == (2, len(names))
    assert found[:, names.index("log_baseline_mm.mean")] == pytest.approx(vectors[0, :, 0])
    assert found[:, names.index("log_baseline_mm.sd")] == pytest.approx(np.exp(vectors[0, :, 1]))


def test_gradient_is_checked() -> None:
    model = benchmark_model("slope")
    assert check_gradient(model, model.bind(COHORT)) < 1e-5  # the function's own bound, with its reason


@pytest.mark.slow
@pytest.mark.parametrize("link", sorted(PROGRAMS))
def test_both_programs_have_the_density_of_the_model(link: str, tmp_path: Path) -> None:
    """Up to a constant, at six points; a program with another prior is caught. Compiling takes 1 minute each."""
    try:
        stan_folder()
    except MetachronError as reason:
        pytest.skip(str(reason))
    model = benchmark_model(link)
    binding = model.bind(COHORT)
    data = stan_data(model, binding)
    for name, prior in (("same.json", data["prior_residual"]), ("other.json", 2.0 * data["prior_residual"])):
        path = tmp_path / name
        path.write_text(json.dumps({**data, "prior_residual": prior}), encoding="utf-8")
        chain = StanChain(build(PROGRAMS[link]), path, path.parent, seed=1, index=1)
        if name == "same.json":
            assert check_density(chain, model, binding) < SAME_DENSITY
        else:
            with pytest.raises(MetachronError, match="another posterior"):
                check_density(chain, model, binding)
        chain.end()
