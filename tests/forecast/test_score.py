"""Scores of forecasts: what stands beside them, and what cannot be scored."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.forecast import Scores, cross_validate, score
from metachron.inference import Fit
from metachron.joint.demo_trial import demo_model, two_arm_trial


@pytest.fixture(scope="module")
def others() -> Cohort:
    trial = two_arm_trial(seed=11, patients_per_arm=25)
    return trial.with_rows({"patients": trial.patients.with_columns(study=pl.lit("another"))})


@pytest.fixture(scope="module")
def scores(demo_fit: Fit, others: Cohort) -> Scores:
    return score(demo_fit, others, landmark_day=120, horizon_day=500, draws=300)


def test_everything_stands_beside_its_competitors(scores: Scores) -> None:
    methods = {key[0]: set(frame["method"]) for key, frame in scores.table.group_by("of")}
    assert methods["survival"] == {
        "joint model", "Kaplan-Meier by arm", "Cox, baseline", "Cox, baseline and change in size",
    }  # fmt: skip
    assert methods["sizes"] == {"joint model", "last value carried forward", "straight line"}
    bounded = scores.table.drop_nans(["low"])
    assert ((bounded["low"] <= bounded["value"]) & (bounded["value"] <= bounded["high"])).all()
    assert scores.calibration["patients"].sum() == scores.table.filter(pl.col("of") == "survival")["patients"][0]


def test_sizes_are_foretold_better_than_by_the_last_one(scores: Scores) -> None:
    """Of patients drawn from the model itself."""
    error = dict(scores.table.filter(pl.col("score") == "CRPS of log size").select("method", "value").iter_rows())
    assert error["joint model"] < min(error["last value carried forward"], error["straight line"])
    covered = scores.table.filter(pl.col("score") == "coverage of 90 % intervals").row(0, named=True)
    assert covered["low"] - 0.05 < 0.9 < covered["high"] + 0.05


def test_patients_of_the_fit_are_not_scored(demo_fit: Fit) -> None:
    assert demo_fit.cohort is not None
    with pytest.raises(ModelError, match="are in the fit"):
        score(demo_fit, demo_fit.cohort, landmark_day=0, horizon_day=300)


def test_too_few_events_are_told(demo_fit: Fit, others: Cohort) -> None:
    """Within 60 days hardly anybody dies: sizes are scored, survival is not, and a note says why."""
    found = score(demo_fit, others, landmark_day=120, horizon_day=125, draws=100)
    assert set(found.table["of"]) <= {"sizes"}
    assert any("scores need 5" in note for note in found.notes)


@pytest.mark.slow
def test_cross_validation_foretells_everybody_once() -> None:
    """Two folds of 40 patients. About 2 minutes on 2 cores."""
    cohort = two_arm_trial(patients_per_arm=20)
    found = cross_validate(
        demo_model(), cohort, landmarks_and_horizons=[(0.0, 500.0)], folds=2, chains=2, draws=500, engine="marginal"
    )
    own = found.table.filter((pl.col("method") == "joint model") & (pl.col("score") == "Brier")).row(0, named=True)
    assert own["patients"] == 40
    assert np.isfinite(own["value"])
    with pytest.raises(ModelError, match="2 folds"):
        cross_validate(demo_model(), cohort, landmarks_and_horizons=[(0.0, 500.0)], folds=1)
