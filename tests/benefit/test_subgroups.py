"""Subgroups: the hazard ratios of OAK, and shrinkage against sums on a dense grid."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import halfnorm, norm
from scipy.stats import t as student

import metachron
from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import HeterogeneityPrior, Marker, assess_marker, shrink, subgroup_forest

Y, S = np.asarray([-0.9, -0.2, 0.1]), np.asarray([0.3, 0.2, 0.4])


def test_oak_as_published_and_as_other_software_has_it(data_dir):
    """Hazard ratios of death, unstratified, of independent Cox fits; 0.73 and 0.75 are in Rittmeyer 2017
    (doi:10.1016/S0140-6736(16)32517-X). Four decimals were given."""
    factors = ["pdl1_tc1ic1", "histology", Marker("ecog", kind="categorical")]
    found = subgroup_forest(
        metachron.load("oak-clinical"), factors, endpoint="os", control="docetaxel", randomised=True
    )
    row = {(r["factor"], r["level"]): r for r in found.table.iter_rows(named=True)}
    expected = {
        ("all patients", ""): (0.7286, 425, 425),
        ("pdl1_tc1ic1", "TC1/2/3 or IC1/2/3"): (0.7243, 222, 241),
        ("pdl1_tc1ic1", "TC0 and IC0"): (0.7513, 199, 180),
        ("histology", "non-squamous"): (0.7279, 315, 313),
        ("histology", "squamous"): (0.7279, 110, 112),
    }
    for key, (ratio, control, treatment) in expected.items():
        assert row[key]["effect"] == pytest.approx(ratio, abs=6e-5)
        assert (row[key]["patients_control"], row[key]["patients_treatment"]) == (control, treatment)
    tc0 = row["pdl1_tc1ic1", "TC0 and IC0"]
    assert (tc0["lower"], tc0["upper"]) == pytest.approx((0.588, 0.960), abs=6e-4)
    assert (row["all patients", ""]["events_control"], row["all patients", ""]["events_treatment"]) == (298, 271)
    assert tc0["interaction_p"] > 0.8
    assert found.missing["factor"].to_list() == ["pdl1_tc1ic1"] * 8
    shrunk = found.table.drop_nulls("shrunk_effect")
    overall = row["all patients", ""]["effect"]
    assert ((shrunk["shrunk_effect"] - overall).abs() <= (shrunk["effect"] - overall).abs() + 5e-3).all()
    assert (shrunk["shrunk_upper"] / shrunk["shrunk_lower"] < shrunk["upper"] / shrunk["lower"]).all()


@pytest.mark.parametrize(
    ("cut", "patients", "survival", "progression"),
    [(10.0, 96, 0.59, 0.67), (16.0, 63, 0.56, 0.57), (20.0, 42, 0.51, 0.58)],
)
def test_poplar_by_blood_tmb_is_as_published(data_dir, cut, patients, survival, progression):
    """Patients and hazard ratios of Gandara 2018, as Table 2 of doi:10.3389/fonc.2020.569202 lists them.

    Two decimals were given; one ratio is 0.675 here and 0.67 there.
    """
    for endpoint, published in (("os", survival), ("pfs", progression)):
        found = subgroup_forest(
            metachron.load("poplar-clinical"), [Marker("btmb", above=cut)], endpoint=endpoint, control="docetaxel",
            randomised=True,
        )  # fmt: skip
        above = found.table.filter(pl.col("level") == "at or above").row(0, named=True)
        assert above["patients_control"] + above["patients_treatment"] == patients
        assert above["effect"] == pytest.approx(published, abs=6e-3)


@pytest.mark.parametrize(
    ("prior", "density"),
    [
        (HeterogeneityPrior(), lambda tau: halfnorm.pdf(tau, scale=0.5)),
        (HeterogeneityPrior("half-t", 0.3, 3.0), lambda tau: 2.0 * student.pdf(tau / 0.3, 3.0) / 0.3),
    ],
)
def test_shrinkage_against_a_grid(prior, density):
    """Every theta and mu summed on grids for each tau: nothing of the closed form is used; grids err by 5e-4."""
    tau = np.linspace(1e-3, 5.0, 2500)
    mu = np.linspace(-4.0, 4.0, 401)
    spread = np.sqrt(S**2 + tau[:, None] ** 2)
    like = np.ones((len(tau), len(mu)))
    for j in range(3):
        like *= norm.pdf(Y[j], mu, spread[:, j, None])
    weight = like * density(tau)[:, None]
    weight /= weight.sum()
    found = shrink(Y, S, prior=prior)
    for j in range(3):
        keep = S[j] ** -2 / (S[j] ** -2 + tau[:, None] ** -2)
        mean, sd = keep * Y[j] + (1.0 - keep) * mu, np.sqrt(1.0 / (S[j] ** -2 + tau[:, None] ** -2))
        for quantile, level in ((found.lower, 0.025), (found.median, 0.5), (found.upper, 0.975)):
            assert (weight * norm.cdf((quantile[j] - mean) / sd)).sum() == pytest.approx(level, abs=1e-3)
    cumulated = np.cumsum(weight.sum(axis=1))
    assert found.heterogeneity == pytest.approx(tau[np.searchsorted(cumulated, 0.5)], abs=0.01)


def test_limits_of_shrinkage():
    """No heterogeneity allowed: the pooled estimate. Much allowed: each level's own."""
    weight = S**-2 / (S**-2).sum()
    together = shrink(Y, S, prior=HeterogeneityPrior(scale=1e-4))
    np.testing.assert_allclose(together.median, weight @ Y, atol=1e-3)
    np.testing.assert_allclose(together.upper - together.median, 1.96 / np.sqrt((S**-2).sum()), rtol=1e-3)
    far = np.asarray([-3.0, 0.0, 4.0])
    apart = shrink(far, S / 5.0, prior=HeterogeneityPrior(scale=50.0))
    np.testing.assert_allclose(apart.median, far, atol=0.01)
    with pytest.raises(ModelError, match="two levels"):
        shrink(Y[:1], S[:1], prior=HeterogeneityPrior())
    with pytest.raises(ModelError, match="no prior"):
        HeterogeneityPrior("flat")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="positive"):
        HeterogeneityPrior(scale=0.0)


def test_interaction_and_odds_ratios_agree_with_the_marker_by_itself():
    cohort = small_trial()
    found = subgroup_forest(cohort, ["kind"], endpoint="response", control="old", randomised=True)
    one = assess_marker(cohort, "kind", endpoint="response", control="old", randomised=True)
    levels = found.table.filter(pl.col("factor") == "kind")
    np.testing.assert_allclose(levels["effect"], one.levels["effect"], rtol=1e-4)
    np.testing.assert_allclose(levels["interaction_p"], one.predictive.p_value, rtol=1e-6)
    assert levels["events_treatment"].to_list() == one.levels["events_treatment"].to_list()


def test_a_level_of_one_arm_has_a_note_and_no_estimate():
    cohort = small_trial(side=np.where(np.arange(200) % 8 == 0, "few", np.where(np.arange(200) < 90, "l", "r")))
    found = subgroup_forest(
        cohort, ["side"], endpoint="os", control="old", randomised=True, adjust=["site", "side"]
    ).table
    few = found.filter(pl.col("level") == "few").row(0, named=True)
    assert few["patients_treatment"] == 0
    assert few["effect"] is None
    assert "one value only" in few["note"]
    assert found.filter(pl.col("level") == "l")["shrunk_effect"].null_count() == 0


def test_numbers_and_unrandomised_arms_are_refused():
    cohort = small_trial()
    with pytest.raises(ModelError, match="give a cut-off"):
        subgroup_forest(cohort, ["number"], endpoint="os", control="old", randomised=True)
    with pytest.raises(ModelError, match="not randomised"):
        subgroup_forest(cohort, ["kind"], endpoint="os", control="old", randomised=False)
