"""A fit: reproducible, saved and loaded whole, refused when damaged, kept when interrupted, loud when not converged."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from metachron.base import ConvergenceError, FitFileError, ModelError
from metachron.cohort import Cohort
from metachron.inference import ChainProgress, Fit, fit
from metachron.joint.demo_trial import demo_model, two_arm_trial

SHORT = {"chains": 2, "warmup": 50, "draws": 30}


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return two_arm_trial(patients_per_arm=10)


@pytest.fixture(scope="module")
def short(cohort: Cohort) -> Fit:
    return fit(demo_model(), cohort, **SHORT, check=False)


def test_same_seed_same_draws(short: Fit, cohort: Cohort) -> None:
    again = fit(demo_model(), cohort, **SHORT, check=False)
    other = fit(demo_model(), cohort, **SHORT, seed=2, check=False)
    assert again.posterior.equals(short.posterior)
    assert not other.posterior.equals(short.posterior)


def test_draws_have_names_and_no_padding(short: Fit, cohort: Cohort) -> None:
    growth = short.posterior["log_growth_per_year.mean"]
    assert growth.dims == ("chain", "draw", "arm")
    assert growth.coords["arm"].to_numpy().tolist() == ["chemotherapy", "immunotherapy"]
    effect = short.posterior["log_growth_per_year.effect"]
    assert effect.coords["patient"].to_numpy().tolist() == list(cohort.patient_ids)
    assert effect.shape == (2, 30, 20)


def test_save_and_load_give_the_same_fit(short: Fit, cohort: Cohort, tmp_path: Path) -> None:
    loaded = Fit.load(short.save(tmp_path / "demo.fit"))
    assert loaded.model == short.model
    assert loaded.labels == short.labels
    assert loaded.dims == short.dims
    assert loaded.posterior.equals(short.posterior)
    assert loaded.sample_stats.equals(short.sample_stats)
    assert loaded.cohort == cohort
    assert dict(loaded.provenance) == dict(short.provenance)
    assert loaded.summary().equals(short.summary(), null_equal=True)


def test_arviz_reads_the_file(short: Fit, tmp_path: Path) -> None:
    with xr.open_datatree(short.save(tmp_path / "demo.fit"), engine="h5netcdf") as tree:
        assert {"posterior", "sample_stats", "cohort"} <= set(tree.children)


def test_without_cohort_holds_nothing_of_single_patients(short: Fit, cohort: Cohort, tmp_path: Path) -> None:
    path = short.without_cohort().save(tmp_path / "shared.fit")
    shared = Fit.load(path)
    assert shared.cohort is None
    assert shared.labels.patients == ()
    assert not any("patient" in shared.posterior[name].dims for name in shared.posterior.data_vars)
    assert cohort.patient_ids[3].encode() not in path.read_bytes()
    np.testing.assert_array_equal(shared.summary()["mean"], short.summary()["mean"])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"this is no netCDF file", "cannot be read as netCDF"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: b"", "cannot be read as netCDF"),
    ],
)
def test_damaged_file_is_refused(short: Fit, tmp_path: Path, damage: object, words: str) -> None:
    path = short.save(tmp_path / "demo.fit")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FitFileError, match=words) as error:
        Fit.load(path)
    assert str(path) in str(error.value)


def _rewrite(path: Path, **attributes: object) -> None:
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    tree.attrs = {**tree.attrs, **attributes}
    tree.to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"format": "something else"}, "not a metachron fit"),
        ({"format_version": 99}, "format version 99"),
        ({"model": "[dynamics]\nlaw = 'no-such-law'"}, "no-such-law"),
        ({"labels": "{}"}, "its content is not that of a fit"),
    ],
)
def test_file_of_another_model_or_version_is_refused(
    short: Fit, tmp_path: Path, attributes: dict[str, object], words: str
) -> None:
    path = short.save(tmp_path / "demo.fit")
    _rewrite(path, **attributes)
    with pytest.raises(FitFileError, match=words):
        Fit.load(path)


def test_missing_file_and_missing_folder(short: Fit, tmp_path: Path) -> None:
    with pytest.raises(FitFileError, match="there is no such file"):
        Fit.load(tmp_path / "none.fit")
    with pytest.raises(FitFileError, match="cannot be written"):
        short.save(tmp_path / "no-folder" / "demo.fit")


def test_short_run_raises_with_the_fit_attached(cohort: Cohort) -> None:
    with pytest.raises(ConvergenceError, match="ESS below 100") as error:
        fit(demo_model(), cohort, **SHORT)
    assert isinstance(error.value.fit, Fit)
    assert "what usually helps" in str(error.value)
    assert error.value.fit.posterior.sizes["draw"] == 30


def test_one_chain_cannot_show_convergence(cohort: Cohort) -> None:
    with pytest.raises(ConvergenceError, match="at least two"):
        fit(demo_model(), cohort, chains=1, warmup=50, draws=25)


@pytest.mark.usefixtures("interruptible")
def test_interruption_keeps_the_draws(cohort: Cohort) -> None:
    """Ctrl-C comes while the chains draw: what they have is returned, and the provenance says so."""
    seen: list[ChainProgress] = []

    def interrupt(progress: ChainProgress) -> None:
        seen.append(progress)
        if progress.chain == 0 and not progress.warming_up and progress.done == 150:
            signal.raise_signal(signal.SIGINT)

    result = fit(demo_model(), cohort, chains=2, warmup=50, draws=50_000, progress=interrupt)
    assert result.provenance["interrupted"] is True
    assert 25 <= result.posterior.sizes["draw"] < 5_000
    assert seen[0].warming_up


@pytest.mark.usefixtures("interruptible")
def test_interruption_during_warm_up_has_nothing_to_keep(cohort: Cohort) -> None:
    def interrupt(progress: ChainProgress) -> None:
        if progress.chain == 0 and progress.done == 50:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="no draws to keep"):
        fit(demo_model(), cohort, chains=2, warmup=20_000, draws=50, progress=interrupt)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine": "stan"}, "no engine 'stan'"),
        ({"chains": 0}, "chains must be at least 1"),
        ({"warmup": 10}, "warmup must be at least 50"),
        ({"draws": 1}, "draws must be at least 10"),
        ({"target_acceptance": 1.0}, "target_acceptance must lie between"),
    ],
)
def test_settings_out_of_range(cohort: Cohort, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        fit(demo_model(), cohort, **settings)
