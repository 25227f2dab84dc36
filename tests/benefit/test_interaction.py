"""Prognostic and predictive: against Cox and logistic models of columns written out, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

import metachron
from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import (
    Marker,
    Missing,
    assess_marker,
    assess_markers,
    compare_arms,
    conclude,
    fit_logistic,
    subgroup_forest,
)
from metachron.benefit.assessment import tabulate
from metachron.benefit.endpoint import read_endpoint
from metachron.survival import fit_cox, log_rank

OS = {"endpoint": "os", "control": "old", "randomised": True}


def _written_out(cohort, endpoint="os") -> pl.DataFrame:
    found = read_endpoint(cohort, endpoint).join(cohort.patients.drop("arm", "study"), on="patient")
    treated = (pl.col("arm") == "new").cast(pl.Float64).alias("treated")
    return found.with_columns(treated).with_columns(product=pl.col("treated") * pl.col("number"))


@pytest.mark.parametrize("strata", [None, "site"])
def test_interaction_is_that_of_a_cox_model_of_the_product(strata):
    """The same partial likelihood: coefficients agree to the last step of Newton's ascent."""
    cohort = small_trial()
    frame = _written_out(cohort)
    found = assess_marker(cohort, "number", **OS, strata=[strata] if strata else [])
    options = {"time": "time_year", "event": "event", "strata": strata}
    full = fit_cox(frame, covariates=["treated", "number", "product"], **options)
    less = fit_cox(frame, covariates=["treated", "number"], **options)
    row = full.table().row(2, named=True)
    effect = found.predictive.effects.row(0, named=True)
    for ours, theirs in (("effect", "hazard_ratio"), ("lower", "lower"), ("upper", "upper"), ("wald_p", "p_value")):
        assert effect[ours] == pytest.approx(row[theirs], rel=1e-5)
    ratio = 2.0 * (full.log_likelihood - less.log_likelihood)
    assert found.predictive.likelihood_ratio == pytest.approx(ratio, abs=1e-7)
    assert found.predictive.likelihood_ratio_p == pytest.approx(chi2.sf(ratio, 1), rel=1e-6)
    averaged = found.averaged.effects.row(0, named=True)
    assert averaged["effect"] == pytest.approx(less.table()["hazard_ratio"][1], rel=1e-5)
    control = fit_cox(frame.filter(pl.col("treated") == 0.0), covariates=["number"], **options)
    assert found.prognostic.effects["effect"][0] == pytest.approx(control.table()["hazard_ratio"][0], rel=1e-5)
    null = 2.0 * (control.log_likelihood - control.null_log_likelihood)
    assert found.prognostic.likelihood_ratio == pytest.approx(null, abs=1e-7)


def test_treatment_effect_at_the_quartiles_follows_from_the_coefficients():
    cohort = small_trial()
    frame = _written_out(cohort)
    found = assess_marker(cohort, Marker("number", per=3.0), **OS)
    full = fit_cox(frame, time="time_year", event="event", covariates=["treated", "number", "product"])
    at = np.quantile(frame["number"].to_numpy(), [0.25, 0.5, 0.75])
    expected = np.exp(full.coefficients[0] + full.coefficients[2] * at)
    np.testing.assert_allclose(found.levels["effect"], expected, rtol=1e-5)
    variance = [[1.0, x] @ full.covariance[np.ix_([0, 2], [0, 2])] @ [1.0, x] for x in at]
    np.testing.assert_allclose(found.levels["standard_error"], np.sqrt(variance), rtol=1e-4)


def test_a_category_is_tested_as_a_whole():
    cohort = small_trial()
    found = assess_marker(cohort, "kind", **OS)
    assert found.predictive.degrees_of_freedom == 2
    frame = _written_out(cohort).filter(pl.col("arm") == "old")
    score = log_rank(frame["time_year"], frame["event"], group=frame["kind"])
    assert found.prognostic.likelihood_ratio == pytest.approx(score.statistic, rel=0.15)
    assert found.levels["patients_control"].sum() + found.levels["patients_treatment"].sum() == 200
    assert found.levels["events_control"].sum() == int(frame["event"].sum())


def test_response_and_its_differences_are_those_of_the_shares():
    """Without adjustment the model is saturated: chances are shares, variances p (1 - p) / n summed over the arms."""
    cohort = small_trial()
    found = assess_marker(cohort, "kind", endpoint="response", control="old", randomised=True)
    frame = _written_out(cohort, "response").with_columns(pl.col("response").fill_null(False))
    for row in found.risk_differences.iter_rows(named=True):
        own = frame.filter(pl.col("kind") == row["level"])
        shares = [own.filter(pl.col("arm") == arm)["response"] for arm in ("old", "new")]
        p = [share.mean() for share in shares]
        error = np.sqrt(sum(q * (1 - q) / len(share) for q, share in zip(p, shares, strict=True)))
        assert (row["chance_control"], row["chance_treatment"]) == pytest.approx(tuple(p), abs=1e-6)
        assert row["risk_difference"] == pytest.approx(p[1] - p[0], abs=1e-6)
        assert row["upper"] - row["risk_difference"] == pytest.approx(1.959964 * error, rel=1e-4)
    assert found.notes == ("5 patients without a recorded best response: non-responder",)
    assert found.measure == "odds ratio"
    left = assess_marker(
        cohort, "kind", endpoint="response", control="old", randomised=True, unrecorded="left out"
    ).left_out
    assert left["patient"].to_list() == ["p195", "p196", "p197", "p198", "p199"]


def test_adjusted_differences_average_over_the_patients():
    """Standardised by hand from the coefficients of the logistic model."""
    cohort = small_trial()
    found = assess_marker(cohort, "yes", endpoint="response", control="old", randomised=True, adjust=["number"])
    frame = _written_out(cohort, "response").with_columns(pl.col("response").fill_null(False))
    treated, yes, number = (frame[c].to_numpy() for c in ("treated", "yes", "number"))
    design = np.column_stack([treated, yes, treated * yes, number])
    beta = fit_logistic(design, frame["response"].to_numpy(), ("t", "y", "ty", "n")).coefficients
    at = np.unique(np.quantile(yes, [0.25, 0.5, 0.75]))
    for level, row in zip(at, found.risk_differences.iter_rows(named=True), strict=True):
        rows = [np.column_stack([np.ones(200), [[t, level, t * level]] * 200, number]) for t in (0.0, 1.0)]
        chance = [np.mean(1.0 / (1.0 + np.exp(-made @ beta))) for made in rows]
        assert row["risk_difference"] == pytest.approx(chance[1] - chance[0], abs=1e-6)


def test_an_empty_cell_is_told_and_finite():
    cohort = small_trial(rare=np.where(np.arange(200) % 50 == 1, "rare", "usual"))
    responders = cohort.assessments.with_columns(
        response=pl.when(pl.col("patient").is_in(["p001", "p051", "p101", "p151"]))
        .then(pl.lit("SD")).otherwise(pl.col("response"))
    )  # fmt: skip
    marker = np.where(np.isin(np.arange(200) % 50, [0, 1]), "rare", "usual")
    cohort = cohort.with_rows({"assessments": responders, "patients": cohort.patients.with_columns(rare=marker)})
    found = assess_marker(
        cohort, Marker("rare", reference="usual"), endpoint="response", control="old", randomised=True
    )
    assert "Firth" in found.predictive.note
    assert np.isfinite(found.predictive.p_value)


def test_incomparable_arms_refuse_the_predictive_question():
    cohort = small_trial()
    found = assess_marker(cohort, "number", endpoint="os", control="old", randomised=False)
    assert "not randomised" in found.predictive.refused
    assert np.isnan(found.predictive_p)
    assert found.levels.is_empty()
    assert np.isfinite(found.prognostic_p)
    one = assess_marker(cohort.select(arms=["old"]), "number", endpoint="os", control="old", randomised=True)
    assert "one arm" in one.predictive.refused
    assert "one arm" in one.averaged.refused
    assert one.prognostic_p == pytest.approx(found.prognostic_p, rel=1e-9)
    pooled = small_trial(study=np.where(np.arange(200) < 90, "s", "t"))
    assert "several studies" in assess_marker(pooled, "number", **OS).predictive.refused
    assert not assess_marker(pooled, "number", **OS, strata=["study"]).predictive.refused


def test_patients_without_the_marker_are_named():
    number = np.arange(200.0)
    number[[3, 8]] = np.nan
    cohort = small_trial(number=pl.Series(number).fill_nan(None))
    found = assess_marker(cohort, "number", **OS)
    assert found.left_out.rows() == [("p003", "number is missing"), ("p008", "number is missing")]
    assert found.predictive.patients == 198
    imputed = assess_marker(cohort, "number", **OS, missing=Missing("imputation", imputations=5, seed=2))
    assert imputed.left_out.is_empty()
    assert imputed.imputed == ("p003", "p008")
    assert imputed.predictive.patients == 200
    assert 0.0 < imputed.predictive.missing_information < 0.3
    assert imputed.predictive.effects["coefficient"][0] == pytest.approx(
        found.predictive.effects["coefficient"][0], abs=found.predictive.effects["standard_error"][0]
    )


def test_words_and_adjusted_p_values():
    assert [conclude(p, q, 0.05) for p, q in ((0.01, 0.2), (0.2, 0.01), (0.05, 0.05), (0.06, np.nan))] == [
        "prognostic", "predictive", "both", "not shown",
    ]  # fmt: skip
    cohort = small_trial()
    found = assess_markers(cohort, ["number", "yes", "kind"], **OS)
    raw = [one.predictive.p_value for one in found]
    assert found[int(np.argmin(raw))].predictive_p == pytest.approx(min(1.0, 3 * min(raw)))
    table = tabulate(found)
    assert table["marker"].to_list() == ["number", "yes", "kind"]
    assert table["ratio_of_effects"].null_count() == 1


def test_arms_must_be_named_without_guessing():
    cohort = small_trial(arm=np.asarray(["a", "b", "c", "d"])[np.arange(200) % 4])
    with pytest.raises(ModelError, match="name the treatment"):
        compare_arms(cohort, endpoint="os", control="a")
    assert len(compare_arms(cohort, endpoint="os", control="a", treatment="d")) == 100
    with pytest.raises(ModelError, match="no arm 'z'"):
        compare_arms(cohort, endpoint="os", control="z")
    with pytest.raises(ModelError, match="both the arm"):
        compare_arms(cohort, endpoint="os", control="a", treatment="a")
    with pytest.raises(ModelError, match="not columns"):
        compare_arms(cohort, endpoint="os", control="a", treatment="b", strata=["nowhere"])


def test_blood_tmb_in_oak(data_dir):
    """Gandara 2018, doi:10.1038/s41591-018-0134-3, reports for a blood TMB of 16 or more hazard ratios of 0.65
    (progression-free survival) and 0.64 (survival) in 158 patients (Table 2 of doi:10.3389/fonc.2020.569202).

    The table published with that article has 160 such patients, and gives 0.66 and 0.62: two patients can move a hazard
    ratio by 0.02, a quarter of its standard error on the log scale, so 0.03 is allowed.
    """
    cohort = metachron.load("oak-clinical")
    options = {"control": "docetaxel", "randomised": True}
    pfs = assess_marker(cohort, Marker("btmb", above=16.0), endpoint="pfs", **options)
    assert pfs.left_out.height == 208
    found = read_endpoint(cohort, "pfs").join(cohort.patients.select("patient", "btmb"), on="patient").drop_nulls()
    found = found.with_columns(a=(pl.col("arm") == "atezolizumab").cast(float), x=(pl.col("btmb") >= 16.0).cast(float))
    cox = fit_cox(found.with_columns(ax=pl.col("a") * pl.col("x")), time="time_year", event="event",
                  covariates=["a", "x", "ax"])  # fmt: skip
    assert pfs.predictive.effects["effect"][0] == pytest.approx(np.exp(cox.coefficients[2]), rel=1e-6)
    assert pfs.predictive.p_value < 0.05
    assert pfs.levels["upper"][1] < 1.0 < pfs.levels["upper"][0]
    for endpoint, ratio in (("pfs", 0.65), ("os", 0.64)):
        forest = subgroup_forest(cohort, [Marker("btmb", above=16.0)], endpoint=endpoint, **options).table
        above = forest.filter(pl.col("level") == "at or above").row(0, named=True)
        assert above["patients_control"] + above["patients_treatment"] == 160
        assert above["effect"] == pytest.approx(ratio, abs=0.03)
    survival = assess_marker(cohort, Marker("btmb", above=16.0), endpoint="os", **options)
    assert survival.predictive.p_value > 0.3
    number = assess_marker(cohort, Marker("btmb", transform="log1p", per="sd"), endpoint="os", **options)
    assert number.conclusion == "prognostic"
