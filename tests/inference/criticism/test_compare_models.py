"""Comparing models on small cohorts: the truth leads, failures are told, and what is done is kept and used again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from metachron.base import FitFileError, InputError, ModelError
from metachron.cohort import Cohort
from metachron.inference import ChainProgress, FitSettings
from metachron.inference import kept as keeping
from metachron.inference.criticism import ModelComparison, compare_models
from metachron.inference.criticism.compare import BEST, CLOSE
from metachron.inference.criticism.models import FAILED, NOT_CONVERGED, NOT_POSSIBLE, RANKED
from metachron.joint import Candidate, JointModel, VisitPlan, compose, model_grid, patients_in_arms
from metachron.joint.demo_trial import demo_model, two_arm_trial

QUICK = FitSettings(chains=2, warmup=150, draws=300)
POOR = FitSettings(chains=1, warmup=50, draws=20)
SURVIVAL = {name: compose(dynamics=None, hazard=name) for name in ("weibull", "exponential")}


@pytest.fixture(scope="module")
def survival() -> Cohort:
    """40 patients whose hazard rises steeply: Weibull with shape 3; sizes are there and not looked at."""
    model = compose(dynamics="random-slope-log")
    truth = {
        "baseline.mean": 4.0, "baseline.sd": 0.3, "slope_per_year.mean": 0.0, "slope_per_year.sd": 0.1,
        "residual.proportional": 0.1, "death.log_scale_year": 0.0, "death.log_shape": float(np.log(3.0)),
    }  # fmt: skip
    plan = VisitPlan(visit_day=(-7.0, 56.0), cutoff_day=1000.0)
    return model.simulate(truth, patients_in_arms({"a": 40}), plan, seed=1)


@pytest.fixture(scope="module")
def kept(survival: Cohort, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelComparison]:
    """A comparison of two hazards, its fits kept in a folder."""
    folder = tmp_path_factory.mktemp("comparison")
    return folder, compare_models(SURVIVAL, survival, settings=QUICK, folder=folder)


def test_the_true_hazard_leads(kept: tuple[Path, ModelComparison]) -> None:
    """Shape 3 in 40 patients against shape 1: about 15 in log likelihood, beyond 2 standard errors."""
    folder, found = kept
    assert found.comparison is not None
    assert found.comparison.names == ["weibull", "exponential"]
    assert found.comparison.table["difference"][1] < -5.0
    assert found.comparison.table["weight"][0] > 0.9
    assert [outcome.status for outcome in found.outcomes] == [RANKED, RANKED]
    assert sorted(path.name for path in (folder / "fits").iterdir()) == ["exponential.fit", "weibull.fit"]


@pytest.mark.slow
def test_links_and_laws_are_ranked_and_the_impossible_is_told() -> None:
    """The demonstration's truth leads or is not told apart; a law without growth cannot have the link."""
    links = {"no link": (), "log-growth": ("log-growth",)}
    grid = model_grid(compose, {"dynamics": ["stein-fojo"], "links": links})
    grid += model_grid(compose, {"dynamics": ["random-slope-log"], "links": {"log-growth": ("log-growth",)}})
    found = compare_models(grid, two_arm_trial(patients_per_arm=20), settings=QUICK, loo_draws=300)
    assert found.comparison is not None
    assert grid[1].model == demo_model()
    verdicts = dict(found.comparison.table.select("model", "verdict").iter_rows())
    assert verdicts["stein-fojo, log-growth"] in (BEST, CLOSE)
    assert [outcome.status for outcome in found.outcomes] == [RANKED, RANKED, NOT_POSSIBLE]
    table = found.table
    assert table["model"].to_list()[-1] == "random-slope-log, log-growth"
    assert table["verdict"].to_list()[-1] == NOT_POSSIBLE
    assert table["elpd"].to_list()[-1] is None
    assert "does not provide" in table["reason"].to_list()[-1]
    assert found.as_dict()["models"]["random-slope-log, log-growth"]["model"] is None


def test_a_second_run_takes_what_is_kept(kept: tuple[Path, ModelComparison], survival: Cohort) -> None:
    folder, first = kept
    told: list[str] = []
    again = compare_models(SURVIVAL, survival, settings=QUICK, folder=folder, tell=told.append)
    assert sum(sentence.startswith("taken from") for sentence in told) == 2
    assert again.table.equals(first.table)
    more = {**SURVIVAL, "gompertz": compose(dynamics=None, hazard="gompertz")}
    told.clear()
    compare_models(more, survival, settings=QUICK, folder=folder, tell=told.append)
    assert sum(sentence.startswith("taken from") for sentence in told) == 2
    assert (folder / "fits" / "gompertz.fit").exists()


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "draws": ({"settings": FitSettings(chains=2, warmup=150, draws=400)}, "draws 300, not 400"),
    "seed": ({"settings": FitSettings(chains=2, warmup=150, draws=300, seed=2)}, "seed 1, not 2"),
    "engine": ({"settings": FitSettings("nuts", chains=2, warmup=150, draws=300)}, "engine auto, not nuts"),
    "model": ({"models": {**SURVIVAL, "weibull": compose(dynamics=None, hazard="gamma")}}, "of another model"),
    "cohort": ({"cohort": two_arm_trial(patients_per_arm=6)}, "of other data"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_kept_of_another_run_is_refused_before_any_work(
    case: str, kept: tuple[Path, ModelComparison], survival: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("a fit was begun")

    monkeypatch.setattr(keeping, "fit", never)
    changed, differs = OTHERS[case]
    asked = {"models": SURVIVAL, "cohort": survival, "settings": QUICK, **changed}
    with pytest.raises(FitFileError, match=differs):
        compare_models(asked["models"], asked["cohort"], settings=asked["settings"], folder=kept[0])


def test_a_fit_that_has_not_converged_is_not_ranked(survival: Cohort, tmp_path: Path) -> None:
    found = compare_models(SURVIVAL, survival, settings=POOR, folder=tmp_path)
    assert found.comparison is None
    assert [outcome.status for outcome in found.outcomes] == [NOT_CONVERGED, NOT_CONVERGED]
    assert "one chain cannot show convergence" in found.outcomes[0].reason
    assert found.table["verdict"].to_list() == [NOT_CONVERGED, NOT_CONVERGED]
    assert found.as_dict()["ranking"] == []
    again = compare_models(SURVIVAL, survival, settings=POOR, folder=tmp_path)
    assert again.table.equals(found.table)


def test_a_fit_that_ends_in_an_error_fails_alone(
    survival: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = keeping.fit

    def fit(model: JointModel, *words: Any, **options: Any) -> Any:
        if model == SURVIVAL["exponential"]:
            raise np.linalg.LinAlgError("singular")
        return real(model, *words, **options)

    monkeypatch.setattr(keeping, "fit", fit)
    found = compare_models(SURVIVAL, survival, settings=QUICK, folder=tmp_path)
    assert [(outcome.status, outcome.reason) for outcome in found.outcomes][1] == (FAILED, "singular")
    assert found.outcomes[0].status == RANKED
    assert [path.name for path in (tmp_path / "fits").glob("*.fit")] == ["weibull.fit"]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_comparison_goes_on(survival: Cohort, tmp_path: Path) -> None:
    """Ctrl-C in the second fit: the first is kept, and the second run gives what an uninterrupted one gives."""
    begun: list[int] = []

    @contextmanager
    def watch() -> Iterator[Any]:
        begun.append(0)

        def press(progress: ChainProgress) -> None:
            if len(begun) == 2 and not progress.warming_up and begun[-1] == 0:
                begun[-1] = 1
                os.kill(os.getpid(), signal.SIGINT)

        yield press

    with pytest.raises(KeyboardInterrupt):
        compare_models(SURVIVAL, survival, settings=QUICK, folder=tmp_path, watch=watch)
    assert [path.name for path in (tmp_path / "fits").glob("*.fit")] == ["weibull.fit"]
    assert (tmp_path / "fits" / "exponential.checkpoint").exists()
    told: list[str] = []
    resumed = compare_models(SURVIVAL, survival, settings=QUICK, folder=tmp_path, tell=told.append)
    assert sum(sentence.startswith("taken from") for sentence in told) == 1
    whole = compare_models(SURVIVAL, survival, settings=QUICK)
    assert resumed.comparison is not None
    assert whole.comparison is not None
    assert resumed.comparison.table.drop("verdict").equals(whole.comparison.table.drop("verdict"))


def test_what_a_comparison_needs(survival: Cohort, tmp_path: Path) -> None:
    impossible = Candidate("x", None, "no such pair")
    with pytest.raises(ModelError, match="at least two models"):
        compare_models({"one": compose()}, survival)
    with pytest.raises(ModelError, match="none of these models is possible: no such pair"):
        compare_models([impossible, Candidate("y", None, "no such pair")], survival)
    with pytest.raises(ModelError, match="different outcomes"):
        compare_models({"joint": compose(), "survival": SURVIVAL["weibull"]}, survival, folder=tmp_path / "new")
    with pytest.raises(ModelError, match="no follow-up for 'progression'"):
        compare_models({name: compose(dynamics=None, event="progression", hazard=name) for name in SURVIVAL}, survival)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output"):
        compare_models(SURVIVAL, survival, settings=POOR, folder=tmp_path / "file")


def test_names_that_would_share_a_file_do_not(survival: Cohort, tmp_path: Path) -> None:
    names = ["a/b", "a:b", "A b"]
    models = dict(zip(names, (SURVIVAL["weibull"], SURVIVAL["exponential"], SURVIVAL["weibull"]), strict=True))
    compare_models(models, survival, settings=POOR, folder=tmp_path)
    assert sorted(path.name for path in (tmp_path / "fits").iterdir()) == ["A_b~3.fit", "a_b.fit", "a_b~2.fit"]


def test_the_table_holds_every_candidate_once(kept: tuple[Path, ModelComparison]) -> None:
    table = kept[1].table
    assert table["model"].is_unique().all()
    assert table.filter(pl.col("status") == RANKED)["weight"].sum() == pytest.approx(1.0)
    assert "2 of 2 models ranked" in repr(kept[1])
