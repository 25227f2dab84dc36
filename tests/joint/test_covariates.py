"""Baseline covariates: how text and numbers become columns, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from joint.small_cohort import PATIENTS, small_cohort, small_tables
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.joint import Binding, Covariate, JointModel, compose
from metachron.joint.covariates import code_covariates


def coded(column: pl.Series, **options) -> tuple[np.ndarray, list[str]]:
    """Return the columns of one covariate, and their names."""
    table = PATIENTS.select("patient").with_columns(column.alias("x"))
    result = code_covariates((Covariate("x", **options),), {"hazard": ("x",)}, table, None)
    return result.matrices["hazard"], result.names["hazard"]


def test_text_is_compared_with_its_first_level() -> None:
    columns, names = coded(pl.Series(["b", "a", "c", "a", "b", "c", "c"]))
    assert names == ["x=b", "x=c"]
    np.testing.assert_array_equal(columns.T, [[1, 0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 1, 1]])


def test_the_reference_level_can_be_chosen() -> None:
    columns, names = coded(pl.Series(["b", "a", "c", "a", "b", "c", "c"]), reference="c")
    assert names == ["x=a", "x=b"]
    np.testing.assert_array_equal(columns.T, [[0, 1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0]])


def test_numbers_are_centred_at_their_mean() -> None:
    values = np.array([61.0, 70.5, 48.0, 55.0, 66.0, 73.0, 59.0])
    columns, names = coded(pl.Series(values))
    assert names == ["x"]
    np.testing.assert_allclose(columns[:, 0], values - values.mean(), rtol=1e-14)


def test_numbers_are_centred_and_scaled_as_stated() -> None:
    columns, names = coded(pl.Series([61, 70, 48, 55, 66, 73, 59]), centre=60.0, per=10.0)
    assert names == ["x/10"]
    np.testing.assert_allclose(columns[:, 0], [0.1, 1.0, -1.2, -0.5, 0.6, 1.3, -0.1], rtol=1e-14)


def test_numbers_can_be_levels() -> None:
    """1 and 1.0 are one level; the reference is named as text."""
    for series in (pl.Series([0, 1, 2, 1, 0, 0, 2]), pl.Series([0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 2.0])):
        columns, names = coded(series, kind="categorical", reference="1")
        assert names == ["x=0", "x=2"]
        np.testing.assert_array_equal(columns[:, 0], [1, 0, 0, 0, 1, 1, 0])


def test_truth_values_are_levels() -> None:
    columns, names = coded(pl.Series([True, False, True, True, False, False, True]))
    assert names == ["x=true"]
    np.testing.assert_array_equal(columns[:, 0], [1, 0, 1, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("column", "options", "words"),
    [
        (pl.Series(["a", "b"] * 3 + ["a"]), {"kind": "continuous"}, "'x' is text; a continuous covariate needs numb"),
        (pl.Series(["a", "b"] * 3 + ["a"]), {"reference": "z"}, "reference level 'z' does not occur; levels: a, b"),
        (pl.Series(["a"] * 7), {}, "'x' has the single level 'a'"),
        (pl.Series([3.0] * 7), {}, "'x' has the single value 3"),
        (pl.Series(["a", None, "b", None, "a", "a", "b"]), {}, r"empty for 2 of 7 patients \(P2, P4\)"),
        (pl.Series([1.0, 2.0, 3.0, 4.0, None, 6.0, 7.0]), {}, r"empty for 1 of 7 patients \(P5\)"),
        (pl.Series([1.0, 2.0, 3.0, 4.0, float("nan"), 6.0, 7.0]), {}, r"empty for 1 of 7 patients \(P5\)"),
    ],
)
def test_unusable_columns_are_refused(column: pl.Series, options: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        coded(column, **options)


def bound(model: JointModel, patients: pl.DataFrame | None = None, fitted: Binding | None = None) -> Binding:
    tables = small_tables() if patients is None else {**small_tables(), "patients": patients}
    return model.bind(Cohort.create("small", tables), fitted.labels if fitted else None)


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ModelError, match="'ldh' is not a column of table patients; there are: patient, study, arm, ag"):
        compose(covariates=["ldh"]).bind(small_cohort())


def test_a_missing_value_names_the_patients() -> None:
    table = PATIENTS.with_columns(
        age_year=pl.when(pl.col("patient").is_in(["P2", "P6"])).then(None).otherwise("age_year")
    )
    with pytest.raises(ModelError, match=r"'age_year'.*empty for 2 of 7 patients \(P2, P6\); no patient is left out"):
        bound(compose(covariates=["age_year"]), table)


def test_columns_stand_where_they_are_named() -> None:
    model = compose(dynamics="gsf", covariates=["sex", "age_year"], dynamics_covariates={"growth_per_year": ["sex"]})
    binding = bound(model)
    assert dict(binding.dims.columns) == {"growth_per_year": 1, "hazard": 2}
    assert binding.labels.columns == {"growth_per_year": ("sex=male",), "hazard": ("sex=male", "age_year")}
    sites = {site.name: site.shape for site in model.sites(binding.dims)}
    assert (sites["log_growth_per_year.beta"], sites["death.beta"]) == ((1,), (2,))
    male = binding.design.columns["growth_per_year"][:, 0]
    np.testing.assert_array_equal(male, [0, 1, 1, 0, 0, 1, 0, 0])


def test_new_patients_are_coded_as_the_fitted_ones() -> None:
    """Centre and levels come from the fit, not from the new cohort."""
    model = compose(covariates=["age_year", "sex"])
    fitted = bound(model)
    new = PATIENTS.with_columns(pl.col("age_year") + 10.0, sex=pl.lit("male"))
    again = bound(model, new, fitted)
    columns = np.asarray(again.design.columns["hazard"][:7])
    np.testing.assert_allclose(columns[:, 0], new["age_year"].to_numpy() - PATIENTS["age_year"].mean(), rtol=1e-13)
    np.testing.assert_array_equal(columns[:, 1], 1.0)
    assert again.dims == fitted.dims
    assert again.labels.codings == fitted.labels.codings


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.Series("sex", ["female", "male", "unknown", "male", "diverse", "male", "male"]),
         "'sex' has levels unknown to the fit: diverse, unknown; it knows female, male"),
        (pl.Series("age_year", ["old", "young"] * 3 + ["old"]), "'age_year' was a number in the cohort of the fit"),
        (pl.Series("arm", ["A", "B", "C", "A", "D", "A", "B"]), "arm C, D is unknown to the fit, which has A, B"),
        (pl.Series("study", ["S1"] * 6 + ["S9"]), "study and arm .*S9:A.* is unknown to the fit"),
    ],
    ids=["level", "text for numbers", "arm", "study"],
)  # fmt: skip
def test_what_the_fit_does_not_know_is_refused(column: pl.Series, words: str) -> None:
    model = compose(covariates=["age_year", "sex"])
    fitted = bound(model)
    table = PATIENTS.with_columns(column)
    with pytest.raises(ModelError, match=words):
        code_and_bind(model, table, fitted)


def code_and_bind(model: JointModel, table: pl.DataFrame, fitted: Binding) -> None:
    """Bind patients alone, so that only the rules of coding are met."""
    from metachron.joint.bind import bind_patients

    bind_patients(model, table, np.ones(len(table)), np.arange(len(table)), labels=fitted.labels)


def test_a_stated_coding_travels_with_the_model() -> None:
    model = dataclasses.replace(
        compose(covariates=["age_year"]), covariates=(Covariate("age_year", centre=50.0, per=5.0),)
    )
    binding = bound(model)
    assert binding.labels.columns["hazard"] == ("age_year/5",)
    np.testing.assert_allclose(binding.design.columns["hazard"][0, 0], (61.0 - 50.0) / 5.0)


def test_an_interaction_is_the_product_of_its_columns() -> None:
    """Of levels with levels, and of levels with a number."""
    table = PATIENTS.with_columns(grade=pl.Series(["low", "mid", "high", "low", "mid", "high", "low"]))
    terms = ("arm", "grade", "age_year", "arm:grade", "arm:age_year")
    found = code_covariates((Covariate("age_year", centre=60.0, per=10.0),), {"hazard": terms}, table, None)
    names, columns = found.names["hazard"], found.matrices["hazard"]
    assert names[4:] == ["arm=B:grade=low", "arm=B:grade=mid", "arm=B:age_year/10"]
    in_b = (table["arm"] == "B").to_numpy()
    np.testing.assert_array_equal(columns[:, 4], in_b & (table["grade"] == "low").to_numpy())
    np.testing.assert_allclose(columns[:, 6], in_b * (table["age_year"].to_numpy() - 60.0) / 10.0)


def test_an_interaction_needs_the_effects_of_its_columns() -> None:
    with pytest.raises(ModelError, match="'arm:sex' needs the effect of sex too"):
        compose(hazard="weibull", covariates=["arm", "arm:sex"])
    with pytest.raises(ModelError, match="needs the effect of arm too"):
        compose(hazard="weibull", covariates=["sex", "arm:sex"])
    by_arm = compose(hazard="weibull", dynamics_covariates={"growth_per_year": ["sex", "arm:sex"]})
    binding = by_arm.bind(small_cohort())
    assert binding.labels.columns["growth_per_year"] == ("sex=male", "arm=B:sex=male")
    assert JointModel.from_toml(by_arm.to_toml()) == by_arm
