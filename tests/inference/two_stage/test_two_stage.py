"""Two stages beside the joint model: where they must agree, where they must not, and what is refused and kept.

Every fit takes about 20 seconds, most of it to compile; the three cohorts share what is compiled where they can.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from metachron.base import ConvergenceError, FitFileError, ModelError
from metachron.cohort import Cohort
from metachron.inference import FitSettings
from metachron.inference.two_stage import STAGES, TwoStage, two_stage
from metachron.joint import VisitPlan, compose, patients_in_arms

LINK = "death.link[log-growth]"
MODEL = compose(links=["log-growth"])
SETTINGS = FitSettings(engine="marginal", chains=2, warmup=150, draws=500)
EFFECTIVE = 500.0
"""Floor on the effective sample size of the joint estimates that the tolerances rest on; checked."""
MONTE_CARLO = 5.0 / EFFECTIVE**0.5
"""5 Monte Carlo standard errors of a posterior mean, in sds."""
TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 4.1,
    "log_baseline_mm.sd": 0.55,
    "log_shrinkage_per_year.mean": 0.0,
    "log_shrinkage_per_year.sd": 0.8,
    "log_growth_per_year.mean": -0.5,
    "log_growth_per_year.sd": 0.7,
    "death.log_scale_year": 1.0,
    "death.log_shape": 1.0,
}


def trial(residual: float, coefficient: float, *, every_weeks: int, **others: float) -> Cohort:
    """Return 40 patients measured with a scatter, whose hazard follows their growth by a coefficient."""
    days = (-7.0, *(float(day) for day in range(7 * every_weeks, 1400, 7 * every_weeks)))
    plan = VisitPlan(visit_day=days, cutoff_day=1461.0)
    truth = {**TRUTH, "residual.proportional": residual, LINK: coefficient, **others}
    return MODEL.simulate(truth, patients_in_arms({"a": 40}), plan, seed=3)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TwoStage]:
    """Run the stages on a cohort, the fits kept in a folder."""

    def run(cohort: Cohort) -> TwoStage:
        found = two_stage(
            MODEL, cohort, settings=SETTINGS, imputations=30, folder=tmp_path_factory.mktemp("fits"), check=False
        )
        assert found.pareto_k < 0.7
        return found

    return run


def rows(found: TwoStage, parameter: str) -> dict[str, dict[str, float]]:
    return {row["stage"]: row for row in found.table.filter(pl.col("parameter") == parameter).iter_rows(named=True)}


def refuse_imprecise(found: TwoStage) -> None:
    """Fail where the joint draws are too few for the tolerances."""
    hazard = found.joint.summary().filter(pl.col("parameter").str.starts_with("death"))
    assert hazard["ess_bulk"].min() > EFFECTIVE


@pytest.mark.slow
def test_without_uncertainty_all_three_agree(stages: Callable[..., TwoStage]) -> None:
    """Sizes to 0.2 %, every 8 weeks, deaths late: growth is known. What is left is Monte Carlo error, and a tenth of a
    sd for the patients who die before their growth shows."""
    found = stages(trial(0.002, 0.8, every_weeks=8))
    refuse_imprecise(found)
    for row in found.table.iter_rows(named=True):
        assert abs(row["shift"]) < MONTE_CARLO + 0.1, row
        assert row["sd_ratio"] == pytest.approx(1.0, abs=MONTE_CARLO), row
    assert max(found.missing.values()) < 0.1


@pytest.mark.slow
def test_without_a_link_all_three_agree(stages: Callable[..., TwoStage]) -> None:
    """Growth that does not matter for survival may be uncertain: what is attenuated is nothing but noise.

    The joint coefficient is within a sd of 0 and less than a quarter of the information is missing, so that
    attenuation moves it by a quarter of a sd at most.
    """
    found = stages(trial(0.1, 0.0, every_weeks=8))
    refuse_imprecise(found)
    joint = rows(found, LINK)["joint"]
    assert abs(joint["estimate"]) < joint["sd"]
    assert found.missing[LINK] < 0.25
    for row in found.table.iter_rows(named=True):
        assert abs(row["shift"]) < MONTE_CARLO + 0.25, row


@pytest.mark.slow
def test_badly_known_growth_attenuates_the_link(stages: Callable[..., TwoStage]) -> None:
    """Sizes to 35 %, every 12 weeks, early deaths: imputed values are scattered like measurement error. 1 minute.

    The share of the variance of log growth that the dynamics alone explain is about a half; draws that ignore survival
    multiply the coefficient by it. The plug-in is too small too, for it ignores who died before growth showed.
    """
    cohort = trial(0.35, 1.0, every_weeks=12, **{"death.log_scale_year": 0.45, "death.log_shape": 0.25})
    found = stages(cohort)
    by_stage = rows(found, LINK)
    assert by_stage["imputed"]["ratio"] < 0.7
    assert by_stage["imputed"]["estimate"] < by_stage["plug-in"]["estimate"] < by_stage["joint"]["estimate"]
    assert found.missing[LINK] > 0.2


def test_what_two_stages_need() -> None:
    cohort = trial(0.1, 0.0, every_weeks=12)
    with pytest.raises(ModelError, match="a link between them"):
        two_stage(compose(), cohort)
    with pytest.raises(ModelError, match="a link between them"):
        two_stage(compose(dynamics=None), cohort)
    with pytest.raises(ModelError, match="imputations must be at least 5; found 2"):
        two_stage(MODEL, cohort, imputations=2)


@pytest.mark.slow
def test_fits_are_kept_and_checked(tmp_path: Path) -> None:
    """A run that cannot converge is refused by default, and its fit is kept; other settings refuse what is kept."""
    cohort = trial(0.1, 0.0, every_weeks=12)
    poor = FitSettings(engine="nuts", chains=1, warmup=50, draws=20)
    with pytest.raises(ConvergenceError, match="the dynamics alone: not converged"):
        two_stage(MODEL, cohort, settings=poor, folder=tmp_path)
    assert (tmp_path / "dynamics.fit").exists()
    assert not (tmp_path / "joint.fit").exists()
    told: list[str] = []
    found = two_stage(MODEL, cohort, settings=poor, imputations=5, folder=tmp_path, check=False, tell=told.append)
    assert f"taken from {tmp_path / 'dynamics.fit'}" in told
    assert [caution.split(":")[0] for caution in found.cautions[:2]] == ["the dynamics alone", "the joint model"]
    assert found.table["stage"].to_list() == 3 * list(STAGES)
    assert set(found.as_dict()["parameters"][LINK]) == set(STAGES)
    assert found.side_by_side().height == 3
    with pytest.raises(FitFileError, match="seed 1, not 2"):
        two_stage(
            MODEL, cohort, settings=FitSettings(engine="nuts", chains=1, warmup=50, draws=20, seed=2), folder=tmp_path
        )
