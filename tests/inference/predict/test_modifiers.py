"""The effect of treatment at the levels of a covariate that it interacts with: liver metastases at baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from inference.made_fits import make_fit
from metachron.cli import main
from metachron.cohort import Cohort
from metachron.forecast import forecast
from metachron.inference import Fit, fit
from metachron.inference.predict import clinical_parameters, effect_modifiers
from metachron.joint import VisitPlan, compose, patients_in_arms

TERMS = ["arm", "involved_liver", "arm:involved_liver"]
ALONE, WITH_LIVER = -0.9, 0.1
"""Log hazard ratios of the new drug without and with liver metastases."""
TRUTH: dict[str, Any] = {
    "log_baseline_mm.mean": 3.2, "log_baseline_mm.sd": 0.3, "log_baseline_mm.lesion_sd": 0.3,
    "log_shrinkage_per_year.mean": [0.2, 0.8], "log_shrinkage_per_year.sd": 0.3,
    "log_shrinkage_per_year.lesion_sd": 0.3, "log_growth_per_year.mean": [-0.3, -1.0], "log_growth_per_year.sd": 0.3,
    "log_growth_per_year.lesion_sd": 0.3, "residual.proportional": 0.12, "death.log_scale_year": 0.3,
    "death.log_shape": 0.2, "death.beta": [ALONE, 0.4, WITH_LIVER - ALONE],
    **{f"log_{name}.organ_sd": 0.1 for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year")},
    **{
        f"log_{name}.organ": {"liver": 0.1, "lung": -0.1}
        for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year")
    },
}  # fmt: skip


def trial(per_arm: int, study: str, *, seed: int) -> Cohort:
    """Return a trial in which every other patient has a liver metastasis beside the one in the lung."""
    people = patients_in_arms({"chemotherapy": per_arm, "new drug": per_arm}, study)
    liver = people.gather_every(2)["patient"]
    people = people.with_columns(
        involved_liver=pl.when(pl.col("patient").is_in(liver.to_list())).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    lesions = pl.concat(
        [
            pl.DataFrame({"patient": people["patient"], "lesion": "L1", "organ": "lung", "role": "target"}),
            pl.DataFrame({"patient": liver, "lesion": "L2", "organ": "liver", "role": "target"}),
        ]
    ).sort("patient", "lesion")
    model = compose(dynamics="stein-fojo", hazard="weibull", covariates=TERMS, size="lesion")
    cohort = model.simulate(TRUTH, people, VisitPlan((-7.0, 56.0), 900.0), seed=seed, lesions=lesions)
    return cohort.with_rows({"patients": cohort.patients.drop("involved_liver")})


@pytest.fixture(scope="module")
def by_liver() -> Fit:
    """Survival alone, with involvement read from the lesions."""
    model = compose(dynamics=None, hazard="weibull", covariates=TERMS)
    return fit(model, trial(300, "trial", seed=3), chains=2, warmup=300, draws=500, seed=1)


def test_effects_at_the_levels_are_sums_of_coefficients(by_liver: Fit) -> None:
    found = effect_modifiers(by_liver)
    assert found["level"].to_list() == ["no", "yes"]
    assert found["patients"].to_list() == [300, 300]
    beta = by_liver.posterior["death.beta"].to_numpy().reshape(-1, 3)
    alone, liver = (np.exp(np.quantile(values, 0.5)) for values in (beta[:, 0], beta[:, 0] + beta[:, 2]))
    assert found["effect_q50"].to_list() == pytest.approx([alone, liver], rel=0.02)
    assert found["times_reference_q50"][1] == pytest.approx(np.exp(np.quantile(beta[:, 2], 0.5)), rel=0.02)
    assert found["probability_larger"][1] == pytest.approx(np.mean(beta[:, 2] > 0), abs=0.01)
    assert found["times_reference_q50"][0] is None


def test_the_truth_is_found(by_liver: Fit) -> None:
    """With 600 patients the 90 % intervals hold both hazard ratios, and the drug works worse with liver metastases."""
    found = effect_modifiers(by_liver)
    for row, truth in zip(found.iter_rows(named=True), (ALONE, WITH_LIVER), strict=True):
        assert row["effect_q05"] < np.exp(truth) < row["effect_q95"]
    assert found["probability_larger"][1] > 0.95


def test_the_command_and_the_clinical_table_say_it(
    by_liver: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = by_liver.save(tmp_path / "trial.fit")
    assert main(["organs", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["effect_modifiers"]
    assert [row["level"] for row in told] == ["no", "yes"]
    assert main(["organs", str(path)]) == 0
    assert "Effect of treatment by involved_liver" in capsys.readouterr().out
    quantities = clinical_parameters(by_liver)["quantity"].to_list()
    assert any("arm new drug against chemotherapy, times involved_liver yes against no" in q for q in quantities)


def test_a_forecast_reads_involvement_from_the_lesions(by_liver: Fit) -> None:
    """The drug gains more for the patient without liver metastases; nothing is imputed."""
    new = trial(1, "elsewhere", seed=8)
    found = forecast(by_liver, new, landmark_day=0, horizon_day=365)
    assert set(found.reliability["imputed"]) == {""}
    gain = {
        row["patient"]: row["difference"]
        for row in found.differences.iter_rows(named=True)
        if row["quantity"].startswith("days alive")
    }
    with_liver, without = new.patient_ids
    assert gain[without] > gain[with_liver] + 10.0


def test_effects_on_growth_are_ratios_of_rates() -> None:
    """With coefficients of known sign the ratio is the exponential of the log rate's, and is called one of rates."""
    model = compose(dynamics="stein-fojo", hazard=None)
    assert model.dynamics is not None
    growth = replace(model.dynamics.parameters[-1], group="all", covariates=("arm", "x", "arm:x"))
    parameters = (*model.dynamics.parameters[:-1], growth)
    model = replace(model, dynamics=replace(model.dynamics, parameters=parameters))
    people = patients_in_arms({"a": 10, "b": 10}).with_columns(x=pl.Series(["no", "yes"] * 10))
    truth = {
        "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.3, "log_shrinkage_per_year.mean": [0.2, 0.2],
        "log_shrinkage_per_year.sd": 0.3, "log_growth_per_year.mean": -0.3, "log_growth_per_year.sd": 0.3,
        "log_growth_per_year.beta": [-0.5, 0.0, 0.8], "residual.proportional": 0.1,
    }  # fmt: skip
    cohort = model.simulate(truth, people, VisitPlan((-7.0, 56.0), 400.0), seed=1)
    found = effect_modifiers(make_fit(model, cohort, truth, draws=4))
    assert found["quantity"].unique().to_list() == ["ratio of growth per year"]
    assert found["effect_q50"].to_list() == pytest.approx([np.exp(-0.5), np.exp(0.3)])
