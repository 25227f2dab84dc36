"""Imputed cohorts, and estimates and draws of them pooled: by hand, and against the truth that was hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benefit.sized_trials import SLOPE, sized_trial
from benefit.trials import small_trial
from metachron.base import ModelError
from metachron.benefit import Marker, imputed_cohorts
from metachron.benefit.imputed_fits import keep_codings, pool_estimates, pool_fits_of
from metachron.cohort import Cohort
from metachron.inference import Estimate, Fit
from metachron.joint import compose
from metachron.joint.demo_trial import TRUTH, demo_model


def _hidden(cohort: Cohort, column: str, every: int) -> Cohort:
    """Return the cohort without the marker of every so many patients."""
    gone = pl.int_range(cohort.patients.height) % every == 0
    column_or_null = pl.when(gone).then(None).otherwise(pl.col(column)).alias(column)
    return cohort.with_rows({"patients": cohort.patients.with_columns(column_or_null)})


@pytest.mark.parametrize(
    ("column", "marker"),
    [
        ("number", Marker("number", transform="log1p")),
        ("number", Marker("number", above=6.0)),
        ("yes", Marker("yes", kind="binary")),
        ("kind", Marker("kind")),
    ],
)
def test_known_cells_stay_and_levels_are_those_there_were(column: str, marker: Marker):
    whole = small_trial(seed=3)
    lacking = _hidden(whole, column, 4)
    made = imputed_cohorts(lacking, [marker], imputations=2, seed=5)
    known = lacking.patients[column].is_not_null()
    for one in made:
        assert one.patients[column].null_count() == 0
        assert one.patients.filter(known)[column].to_list() == lacking.patients.filter(known)[column].to_list()
        if column != "number":
            assert set(one.patients[column]) <= set(whole.patients[column])
        assert f"{column} of 50 patients" in one.notes[-1]
    assert made[0].fingerprint() != made[1].fingerprint()
    again = imputed_cohorts(lacking, [marker], imputations=2, seed=5)
    assert again[1].fingerprint() == made[1].fingerprint()


def test_what_sizes_say_of_a_marker_is_not_imputed_away():
    """Growth of 0.9 log mm per year for one unit of x, with patients' spread 0.5: x and the change of size correlate by
    0.87, so that imputed values follow hidden ones. Drawn without sizes the correlation would be 0, with a standard
    error of 0.1 for the 100 hidden values."""
    cohort = sized_trial(
        "random-slope-log", SLOPE, {"growth": ["x"]}, {"slope_per_year.beta": [0.9]}, per_arm=100, seed=4,
        observation="additive",
    )  # fmt: skip
    lacking = _hidden(cohort, "x", 2)
    made = imputed_cohorts(lacking, ["x"], imputations=5, seed=6)
    gone = lacking.patients["x"].is_null()
    truth = cohort.patients.filter(gone)["x"].to_numpy()
    found = np.mean([np.corrcoef(one.patients.filter(gone)["x"].to_numpy(), truth)[0, 1] for one in made])
    assert found > 0.5


def test_nothing_to_impute_is_said():
    with pytest.raises(ModelError, match="nothing to impute"):
        imputed_cohorts(small_trial(), ["number"], imputations=2, seed=1)


def _estimate(value: float, variance: float) -> Estimate:
    table = pl.DataFrame({"parameter": ["death.beta[x]", "death.log_shape"], "estimate": [value, 0.0]})
    return Estimate("ml", table, 0.0, 0.0, 2, 102, (), np.diag([variance, 1.0]))


def test_estimates_are_pooled_by_rubins_rules():
    """1, 2, 3 with variance 0.5: mean 2, variance 0.5 + 4/3 x 1; what does not vary keeps variance and complete df."""
    found = pool_estimates([_estimate(value, 0.5) for value in (1.0, 2.0, 3.0)])
    row, other = found.table.row(0, named=True), found.table.row(1, named=True)
    assert row["estimate"] == 2.0
    assert row["se"] == pytest.approx(np.sqrt(0.5 + 4.0 / 3.0))
    assert row["missing_information"] == pytest.approx((4.0 / 3.0) / (0.5 + 4.0 / 3.0))
    assert row["low"] < 2.0 - 1.645 * row["se"]
    assert other["se"] == 1.0
    assert other["degrees_of_freedom"] == pytest.approx(101.0 / 103.0 * 100.0)
    assert other["wald_p"] is None


def test_codings_are_those_of_the_first_cohort():
    whole = small_trial(seed=3)
    made = imputed_cohorts(_hidden(whole, "number", 4), ["number"], imputations=2, seed=5)
    model = keep_codings(compose(dynamics=None, covariates=["number", "kind"]), made)
    described = {covariate.column: covariate for covariate in model.covariates}
    assert described["number"].centre == pytest.approx(made[0].patients["number"].mean())
    assert described["kind"].reference == "a"
    with pytest.raises(ModelError, match="at least 2"):
        keep_codings(model, made[:1])
    with pytest.raises(ModelError, match="same patients"):
        keep_codings(model, [made[0], made[1].select(arms=["old"])])


def _made_fit(shift: float) -> Fit:
    """Return a fit whose draws are made by hand: no sampling."""
    import xarray as xr

    from metachron.joint.demo_trial import two_arm_trial

    cohort = two_arm_trial(patients_per_arm=3)
    model = demo_model()
    binding = model.bind(cohort)
    generator = np.random.default_rng(1)
    shape = {name: np.shape(list(v.values()) if isinstance(v, dict) else v) for name, v in TRUTH.items()}
    draws = {
        name: (("chain", "draw", *(f"{name} axis" for _ in own)), shift + generator.normal(size=(2, 100, *own)))
        for name, own in shape.items()
    }
    stats = {name: (("chain", "draw"), np.zeros((2, 100))) for name in ("lp", "energy", "diverging")}
    coords = {"chain": np.arange(2), "draw": np.arange(100)}
    provenance = {"cohort_sha256": cohort.fingerprint(), "seed": 1, "draws": 100}
    return Fit(
        model, xr.Dataset(draws, coords), xr.Dataset(stats, coords), binding.labels, binding.dims, provenance, cohort
    )


def test_draws_of_imputed_fits_stand_in_turn():
    one, other = _made_fit(0.0), _made_fit(10.0)
    found = pool_fits_of([one, other])
    name = "death.log_shape"
    values = found.posterior[name].to_numpy()
    assert values.shape == (2, 200)
    np.testing.assert_array_equal(values[:, ::2], one.posterior[name].to_numpy())
    np.testing.assert_array_equal(values[:, 1::2], other.posterior[name].to_numpy())
    told = found.provenance["imputed"]
    assert (told["cohorts"], len(told["verdicts"]), found.provenance["draws"]) == (2, 2, 200)
    assert "imputed cohorts" in told["pooled"]
    assert found.cohort is None
    assert replace(found).shape == (2, 200)
