"""Draws with names: what the sampler visits becomes labelled arrays, tables and JSON, and goes back again."""

from __future__ import annotations

import json

import jax
import numpy as np
import polars as pl
import pytest
import xarray as xr

from joint.small_cohort import small_cohort
from metachron.base import FitFileError
from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.inference.posterior import name_draws, population_draws, theta_at
from metachron.inference.sampled import Sampled, Statistics
from metachron.joint import JointModel, compose
from metachron.joint.names import flat_names
from metachron.joint.population import lesion_effects, patient_effects
from metachron.joint.vector import draw_prior_values, pack, unpack

CHAINS, DRAWS = 2, 30
MODELS = {
    "full covariance": compose(dynamics="gsf", links=["shared-effects"], covariance="full", covariates=["sex"]),
    "lesions": compose(dynamics="random-slope-log", hazard="piecewise", links=["slope"], size="lesion"),
    "survival": compose(dynamics=None, covariates=["age_year"]),
}


def drawn_from_prior(model: JointModel, cohort: Cohort) -> tuple[Fit, np.ndarray]:
    """Return a fit whose draws come from the prior, and their unconstrained vectors (chain, draw, free)."""
    binding = model.bind(cohort)
    keys = jax.random.split(jax.random.key(0), 4)
    few = [np.asarray(pack(draw_prior_values(model, binding.dims, key), model, binding.dims)) for key in keys]
    rng = np.random.default_rng(1)
    positions = np.stack(few)[rng.integers(0, 4, (CHAINS, DRAWS))] + 0.1 * rng.normal(size=(CHAINS, DRAWS, len(few[0])))
    statistics = Statistics(*(rng.normal(size=(CHAINS, DRAWS)) for _ in Statistics._fields))
    statistics = statistics._replace(diverging=np.zeros((CHAINS, DRAWS), dtype=bool))
    posterior, sample_stats = name_draws(model, binding, Sampled(positions, statistics, 0, False))
    return Fit(model, posterior, sample_stats, binding.labels, binding.dims, {"seed": 1}, cohort), positions


@pytest.fixture(params=list(MODELS), scope="module")
def drawn(request: pytest.FixtureRequest) -> tuple[Fit, np.ndarray]:
    return drawn_from_prior(MODELS[request.param], small_cohort(by_lesion=request.param == "lesions"))


def test_named_draws_are_what_the_model_computes_with(drawn: tuple[Fit, np.ndarray]) -> None:
    """At a few draws: population parameters by site, effects by patient and series, padding left out."""
    fit, positions = drawn
    design = fit.model.bind(fit.cohort).design  # type: ignore[arg-type]
    for chain, draw in ((0, 0), (1, 29)):
        values, _ = unpack(positions[chain, draw], fit.model, fit.dims)
        for name, value in values.theta.items():
            expected = value @ value.T if name == "effects.correlation" else value
            np.testing.assert_allclose(fit.posterior[name][chain, draw], expected, rtol=1e-12)
        if fit.model.dynamics is not None:
            for label, effect in patient_effects(fit.model, values, design).items():
                np.testing.assert_allclose(fit.posterior[f"{label}.effect"][chain, draw], effect[:7], rtol=1e-12)
            for label, effect in lesion_effects(fit.model.dynamics, values).items():
                found = fit.posterior[f"{label}.lesion_effect"][chain, draw]
                np.testing.assert_allclose(found, effect[: len(fit.labels.series)], rtol=1e-12)


def test_names_are_unique_and_follow_the_scheme(drawn: tuple[Fit, np.ndarray]) -> None:
    fit, _ = drawn
    names = [name.name for name in flat_names(fit.model, fit.dims, fit.labels)]
    assert len(set(names)) == len(names)
    assert fit.summary()["parameter"].to_list() == names
    expected = {
        "gsf": {
            "log_growth_per_year.mean[A]", "logit_resistant_fraction.sd", "death.beta[sex=male]",
            "death.link[effect:log_growth_per_year]", "residual.proportional",
            "effects.correlation[log_baseline_mm,log_growth_per_year]",
        },
        "random-slope-log": {
            "baseline.mean", "slope_per_year.mean[B]", "baseline.lesion_sd", "death.log_rate_per_year[5]",
            "death.link[slope]",
        },
        None: {"death.beta[age_year]", "death.log_scale_year", "death.log_shape"},
    }  # fmt: skip
    assert expected[fit.model.dynamics.law.name if fit.model.dynamics else None] <= set(names)
    free = sum(site.free_size for site in fit.model.sites(fit.dims))
    assert len(names) == free, "every free value has one name: a correlation is named once"


def test_draws_go_back_to_what_the_model_computes_with(drawn: tuple[Fit, np.ndarray]) -> None:
    """A correlation matrix returns to its Cholesky factor."""
    fit, positions = drawn
    chain, draw = np.array([0, 1]), np.array([5, 17])
    theta = theta_at(fit.arrays, fit.model, fit.dims, chain, draw)
    for k in (0, 1):
        values, _ = unpack(positions[chain[k], draw[k]], fit.model, fit.dims)
        for name, value in values.theta.items():
            np.testing.assert_allclose(theta[name][k], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_summary_is_that_of_the_draws(drawn: tuple[Fit, np.ndarray]) -> None:
    fit, _ = drawn
    names = flat_names(fit.model, fit.dims, fit.labels)
    draws = population_draws(fit.posterior, names).reshape(CHAINS * DRAWS, len(names))
    np.testing.assert_allclose(fit.summary()["mean"], draws.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.summary()["q95"], np.quantile(draws, 0.95, axis=0), rtol=1e-12)


def test_the_summary_for_json(drawn: tuple[Fit, np.ndarray]) -> None:
    """What `metachron summary --json` prints: a fixed set of keys, and numbers that are JSON."""
    fit, _ = drawn
    summary = json.loads(json.dumps(fit.as_dict(), allow_nan=False))
    assert set(summary) == {"parameters", "diagnostics", "provenance"}
    assert list(summary["parameters"]) == fit.summary()["parameter"].to_list()
    for row in summary["parameters"].values():
        assert set(row) == {"mean", "sd", "q05", "q95", "rhat", "ess_bulk", "ess_tail", "mcse_mean"}
        assert row["q05"] <= row["mean"] <= row["q95"] or row["sd"] > 0
    assert summary["provenance"] == {"seed": 1}


def test_files_keep_every_kind_of_fit(drawn: tuple[Fit, np.ndarray], tmp_path) -> None:
    fit, _ = drawn
    loaded = Fit.load(fit.save(tmp_path / "a.fit"))
    assert (loaded.model, loaded.labels, loaded.dims, loaded.cohort) == (fit.model, fit.labels, fit.dims, fit.cohort)
    xr.testing.assert_identical(loaded.posterior, fit.posterior)
    xr.testing.assert_identical(loaded.sample_stats, fit.sample_stats)
    assert loaded.summary().equals(fit.summary())


def test_a_shared_fit_names_no_patient(drawn: tuple[Fit, np.ndarray], tmp_path) -> None:
    fit, _ = drawn
    shared = fit.without_cohort()
    assert set(shared.posterior.coords) & {"patient", "series"} == set()
    data = shared.save(tmp_path / "shared.fit").read_bytes()
    for patient in ("P1", "P6"):
        assert patient.encode() not in data
    assert shared.summary().equals(fit.summary())
    assert Fit.load(tmp_path / "shared.fit").cohort is None


DAMAGES = {
    "a table that is no Parquet file": lambda tree: tree["cohort"]["patients"].values.__setitem__(slice(None), 7),
    "a version that is no number": lambda tree: tree.attrs.update(format_version="first"),
    "no draws": lambda tree: tree.__delitem__("posterior"),
    "provenance that is no JSON": lambda tree: tree.attrs.update(provenance="{"),
    "labels that are a list": lambda tree: tree.attrs.update(labels="[]"),
    "a cohort that breaks a rule": lambda tree: _break_rule(tree),
}


def _break_rule(tree: xr.DataTree) -> None:
    """Put a patient twice into the table of patients."""
    import io

    dataset = tree["cohort"].to_dataset()
    patients = pl.read_parquet(io.BytesIO(dataset["patients"].to_numpy().tobytes()))
    buffer = io.BytesIO()
    pl.concat([patients, patients.head(1)]).write_parquet(buffer)
    twice = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    tree["cohort"] = xr.DataTree(dataset.drop_vars("patients").assign(patients=("patients_byte", twice)))


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_file_whose_content_was_changed_is_refused(damage: str, tmp_path) -> None:
    fit, _ = drawn_from_prior(MODELS["survival"], small_cohort())
    path = fit.save(tmp_path / "a.fit")
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    DAMAGES[damage](tree)
    tree.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(FitFileError, match=r"(?s)a\.fit: .*fit again"):
        Fit.load(path)
