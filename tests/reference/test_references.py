"""The reference posteriors that are shipped: their records, their limits, and forecasts from them."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from metachron.base import FitFileError, ModelError
from metachron.cohort import Cohort
from metachron.cohort.read import load
from metachron.reference import RECIPES, check_reference, forecast_from, load_reference, reference_names
from metachron.reference.reference import SIZE_LIMIT_BYTES
from metachron.reference.synthetic import invent_patients

ROOT = Path(str(files("metachron.reference"))) / "posteriors"
PATIENTS = Path(__file__).resolve().parents[2] / "examples" / "patients"


@pytest.fixture(scope="module")
def lung() -> Cohort:
    return load(str(PATIENTS / "nsclc"))


def test_every_recipe_is_shipped() -> None:
    assert set(reference_names()) == set(RECIPES)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_reference_is_what_its_record_says(name: str) -> None:
    """Nothing wrong, all parts together below 2 MB, no patient in it, and a card that says what it cannot tell."""
    assert check_reference(ROOT / name) == []
    assert sum(path.stat().st_size for path in (ROOT / name).iterdir()) < SIZE_LIMIT_BYTES
    reference = load_reference(name)
    assert reference.card.citation
    assert reference.card.licence
    assert len(reference.card.cannot_tell) >= 3
    for part in reference.parts.values():
        assert part.fit.cohort is None
        assert not {"patient", "series"} & set(part.fit.posterior.dims)
        assert part.members


def test_unlinked_parts_stay_apart(lung: Cohort) -> None:
    """In the lung posterior a scan changes sizes and leaves survival as it was; nothing is said of both together."""
    reference = load_reference("nsclc-2l-oak")
    early = forecast_from(reference, lung, landmark_day=0, horizon_day=365, draws=300)
    assert set(early.options) == {"atezolizumab", "docetaxel"}
    assert "progression_free" not in early.progression.columns
    assert not any("without progression" in quantity for quantity in early.outcomes["quantity"])
    assert any("withheld" in note for note in early.notes)
    grown = lung.measurements.with_columns(size_mm=3.0 * pl.col("size_mm"))
    again = forecast_from(
        reference, lung.with_rows({"measurements": grown}), landmark_day=0, horizon_day=365, draws=300
    )
    assert again.survival.equals(early.survival)
    last = [each.sizes.filter(pl.col("day") == 365)["size_mm_q50"][0] for each in (early, again)]
    assert last[1] > 2.0 * last[0]


def test_unknown_covariates_are_averaged_over(lung: Cohort) -> None:
    """A patient of whom only the tumour is known: between what the best and the worst of invented patients have."""
    reference = load_reference("nsclc-2l-oak")
    bare = lung.with_rows({"patients": lung.patients.select("patient", "study", "arm")})
    found = forecast_from(reference, bare, landmark_day=0, horizon_day=365, draws=300)
    assert found.reliability["imputed"][0].split(", ") == sorted(reference.card.covariates)
    assert any("averages over" in note for note in found.notes)
    alive = pl.col("quantity") == "alive at the horizon"
    values = []
    for ecog in (0.0, 1.0):
        own = bare.with_rows({"patients": bare.patients.with_columns(ecog=pl.lit(ecog))})
        each = forecast_from(reference, own, landmark_day=0, horizon_day=365, draws=300)
        values.append(each.outcomes.filter(alive).sort("option")["value"].to_numpy())
    averaged = found.outcomes.filter(alive).sort("option")["value"].to_numpy()
    assert (values[0] > values[1]).all()
    assert (values[1] < averaged).all()
    assert (averaged < values[0]).all()


def test_a_patient_of_the_trial_is_known_again() -> None:
    reference = load_reference("mcrc-ffcd")
    patient = load(str(PATIENTS / "mcrc"))
    same = patient.with_rows(
        {
            "patients": patient.patients.with_columns(patient=pl.lit("1"), study=pl.lit("FFCD 2000-05")),
            "measurements": patient.measurements.with_columns(patient=pl.lit("1")),
        }
    )
    with pytest.raises(ModelError, match="are in the fit"):
        forecast_from(reference, same, landmark_day=0, horizon_day=365, draws=300)


def test_an_unknown_name_and_a_damaged_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="mcrc-ffcd"):
        load_reference("mcrc")
    shutil.copytree(ROOT / "nsclc-2l-oak", tmp_path / "copy")
    (tmp_path / "copy" / "sizes.trial.json").write_text("{", "utf-8")
    with pytest.raises(FitFileError, match=r"sizes\.trial\.json"):
        load_reference(tmp_path / "copy")
    (tmp_path / "copy" / "card.toml").write_text("name = 1", "utf-8")
    with pytest.raises(FitFileError, match=r"card\.toml"):
        load_reference(tmp_path / "copy")


def test_a_changed_posterior_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(ROOT / "nsclc-2l-oak", folder)
    shutil.copy(folder / "survival.nc", folder / "sizes.nc")
    assert any("sizes: parameters" in problem for problem in check_reference(folder))


def test_invented_patients_are_distributed_like_the_real_ones() -> None:
    rng = np.random.default_rng(2)
    age = rng.normal(60, 10, 400)
    real = pl.DataFrame({"age": age, "sites": np.floor(age / 20), "sex": rng.choice(["f", "m"], 400, p=[0.3, 0.7])})
    found = invent_patients(real, ["age", "sites", "sex"], count=4000)
    assert found["age"].mean() == pytest.approx(age.mean(), abs=1.0)
    assert set(found["sites"]) <= set(real["sites"])
    assert (found["sex"] == "f").mean() == pytest.approx((real["sex"] == "f").mean(), abs=0.04)
    assert np.corrcoef(found["age"], found["sites"])[0, 1] > 0.6, "ties, broken at random, weaken it a little"
    assert not set(found["age"]) & set(real["age"])
