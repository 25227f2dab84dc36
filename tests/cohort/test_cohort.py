"""The container: what it accepts, what it tells, what it selects."""

from __future__ import annotations

import pickle
from datetime import date

import pandas as pd
import polars as pl
import pytest

from metachron.base import InputError, ModelError
from metachron.cohort import SCHEMA, AcceptedException, Cohort

PATIENTS = pl.DataFrame({"patient": ["A", "B"], "study": ["S", "S"], "arm": ["x", "y"]})


def rules_of(caught: pytest.ExceptionInfo[InputError]) -> set[str]:
    return {problem.rule for problem in caught.value.problems}


def test_all_tables_are_typed_and_complete(cohort: Cohort) -> None:
    for name, frame in cohort.tables.items():
        known = {c.name: c.dtype for c in SCHEMA[name].columns}
        assert {c: t for c, t in frame.schema.items() if c in known}.items() <= known.items()
        assert SCHEMA[name].covariates or set(frame.columns) >= set(known)
    assert cohort.alterations.is_empty()
    assert cohort.covariates == ("age_year", "sex", "site")
    assert cohort.patient_ids == ("P1", "P2", "P3", "P4")
    assert cohort.arms == ("atezolizumab", "docetaxel")
    assert cohort.studies == ("T",)


def test_a_cohort_without_patients_is_valid() -> None:
    empty = Cohort.create("empty", {"patients": PATIENTS.clear().with_columns(age_year=pl.lit(None, pl.Float64))})
    assert empty.describe().startswith("empty: 0 patients")
    assert empty.to_arrays(event=None).patient_ids == ()
    assert empty.to_arrays().patient_weight.sum() == 0


def test_the_table_patients_is_required() -> None:
    with pytest.raises(InputError) as caught:
        Cohort.create("x", {})
    assert rules_of(caught) == {"missing-table"}


def test_pandas_frames_are_read_and_their_nan_is_missing() -> None:
    frame = pd.DataFrame({"patient": [1, 2], "study": "S", "arm": ["x", "y"], "ecog": [1.0, float("nan")]})
    frame["ps"] = pd.Series([0, 1])
    cohort = Cohort.create("pandas", {"patients": frame})
    assert cohort.patient_ids == ("1", "2")
    assert cohort.patients["ecog"].to_list() == [1.0, None]
    assert cohort.patients["ps"].dtype == pl.Float64


def test_pandas_columns_of_mixed_values_are_refused() -> None:
    frame = pd.DataFrame({"patient": ["A", 2], "study": "S", "arm": ["x", "y"]})
    with pytest.raises(InputError) as caught:
        Cohort.create("pandas", {"patients": frame})
    assert [(p.rule, p.column) for p in caught.value.problems] == [("wrong-type", "patient")]


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        ("patient", [1.0, 2.0], "wrong-type"),
        ("arm", [None, "y"], "missing-value"),
        ("age_year", [date(2020, 1, 1)] * 2, "wrong-type"),
        ("age_year", [True, False], "wrong-type"),
        ("age_year", [float("nan"), 50.0], "not-finite"),
        ("bmi", [[1], [2]], "wrong-type"),
        ("bmi", [None, None], "all-missing-covariate"),
        ("site", ["a\nb", "c"], "untidy-text"),
        ("", ["a", "c"], "header"),
        (" site", ["a", "c"], "header"),
        ("^.*$", ["a", "c"], "header"),
    ],
)
def test_values_of_a_frame_that_cannot_serve(column: str, values: list[object], rule: str) -> None:
    frame = PATIENTS.with_columns(pl.Series(column, values))
    with pytest.raises(InputError) as caught:
        Cohort.create("x", {"patients": frame})
    assert [(p.rule, p.column) for p in caught.value.problems] == [(rule, column)]


def test_whole_numbers_and_truth_values_are_read() -> None:
    frame = PATIENTS.with_columns(patient=pl.Series([10, 11]), smoker=pl.Series([True, False]))
    patients = Cohort.create("x", {"patients": frame}).patients
    assert patients["patient"].to_list() == ["10", "11"]
    assert patients["smoker"].to_list() == [1.0, 0.0]


def test_not_a_frame() -> None:
    with pytest.raises(InputError) as caught:
        Cohort.create("x", {"patients": PATIENTS, "visits": [("A", 1)]})
    assert [(p.rule, p.table) for p in caught.value.problems] == [("wrong-type", "visits")]


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(InputError) as caught:
        Cohort.create("x", {"patients": PATIENTS}, limit_mm=0)
    assert rules_of(caught) == {"limit-not-positive"}


def after_death() -> dict[str, pl.DataFrame]:
    return {
        "patients": PATIENTS,
        "visits": pl.DataFrame({"patient": ["A", "B"], "day": [60, 60]}),
        "measurements": pl.DataFrame(
            {"patient": ["A", "A", "B"], "day": [0, 60, 60], "size_mm": [30, 40, 50], "state": ["measured"] * 3}
        ),
        "events": pl.DataFrame({"patient": ["A", "B"], "kind": "death", "day_lower": [50, 50], "day_upper": [50, 50]}),
        "followup": pl.DataFrame({"patient": ["A", "B"], "kind": "death", "entry_day": [0, 0], "last_day": [50, 50]}),
    }


def test_accepted_exceptions_cover_their_patient_and_rule_only() -> None:
    accept = [AcceptedException("A", "after-death", "kept as published")]
    with pytest.raises(InputError) as caught:
        Cohort.create("x", after_death(), accept=accept)
    assert {(p.rule, p.table, p.patients) for p in caught.value.problems} == {
        ("after-death", "measurements", ("B",)),
        ("after-death", "visits", ("B",)),
    }
    cohort = Cohort.create("x", after_death(), accept=[*accept, AcceptedException("B", "after-death", "also")])
    assert [a.patient for a in cohort.accepted] == ["A", "B"]
    assert "patient A, rule after-death: kept as published" in cohort.describe()
    assert cohort.measurements.height == 3


def test_an_exception_for_every_patient_names_those_it_met() -> None:
    cohort = Cohort.create("x", after_death(), accept=[AcceptedException("*", "after-death", "all")])
    assert cohort.accepted == tuple(AcceptedException(patient, "after-death", "all") for patient in "AB")


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (AcceptedException("A", "after-deth", "r"), "accept-unknown-rule"),
        (AcceptedException("A", "negative-size", "r"), "accept-not-possible"),
        (AcceptedException("Z", "after-death", "r"), "accept-unmatched"),
        (AcceptedException("A", "stop-before-start", "r"), "accept-not-possible"),
        (AcceptedException("A", "duplicate-visit", "r"), "accept-unmatched"),
    ],
)
def test_exceptions_that_do_not_fit(entry: AcceptedException, rule: str) -> None:
    whole = AcceptedException("*", "after-death", "all")
    with pytest.raises(InputError) as caught:
        Cohort.create("x", after_death(), accept=[whole, entry])
    assert rules_of(caught) == {rule}


def test_selection(cohort: Cohort) -> None:
    part = cohort.select(arms=["atezolizumab"])
    assert part.patient_ids == ("P3", "P4")
    assert all(set(frame["patient"]) <= {"P3", "P4"} for frame in part.tables.values())
    assert "2 of 4 patients" in part.notes[0]
    assert cohort.select(["P4", "P1"], arms=["docetaxel"]).patient_ids == ("P1",)
    assert cohort.select(studies=["T"]).fingerprint() == cohort.fingerprint()


def test_selection_leaves_out_covariates_that_nobody_has(cohort: Cohort) -> None:
    part = cohort.select(["P3"])
    assert part.covariates == ("sex",)
    assert "age_year, site" in part.notes[-1]
    Cohort.create("again", part.tables)


def test_selection_of_unknown_patients_and_arms(cohort: Cohort) -> None:
    with pytest.raises(ModelError, match="no patient 'P9'"):
        cohort.select(["P1", "P9"])
    with pytest.raises(ModelError, match="no arm 'placebo'; it has docetaxel, atezolizumab"):
        cohort.select(arms=["placebo"])
    with pytest.raises(ModelError, match="give a list"):
        cohort.select(arms="docetaxel")


def test_selection_keeps_the_exceptions_of_its_patients() -> None:
    cohort = Cohort.create("x", after_death(), accept=[AcceptedException("*", "after-death", "all")])
    assert [a.patient for a in cohort.select(["B"]).accepted] == ["B"]


def test_description(cohort: Cohort) -> None:
    text = cohort.describe()
    for part in (
        "trial: 4 patients",
        "T, docetaxel: 2 patients",
        "measurements: 11 rows",
        "absent 1, below_limit 1, measured 8, present 1",
        "death: 1 event in 1 of 4 patients under observation",
        "site: north (2), south (1); missing in 1",
        cohort.fingerprint(),
    ):
        assert part in text
    html = Cohort.create("<b>", {"patients": PATIENTS}, notes=["a < b"])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "a &lt; b" in html


def test_description_of_what_is_permitted_but_worth_knowing() -> None:
    tables = {k: v for k, v in after_death().items() if k in ("patients", "measurements")}
    tables["patients"] = pl.concat([PATIENTS, PATIENTS.head(1).with_columns(patient=pl.lit("C"))])
    text = Cohort.create("x", tables).describe()
    assert "no measured size at or before day 0 in 1 patient: B" in text
    assert "no sizes in 1 patient: C" in text


def test_unused_rows_are_told() -> None:
    unused = pl.DataFrame({"table": ["measurements"], "reason": ["no day"], "count": [3], "patients": [2]})
    cohort = Cohort.create("x", {"patients": PATIENTS}, unused=unused, provenance={"licence": "CC BY 4.0"})
    assert "measurements: 3 rows of 2 patients: no day" in cohort.describe()
    assert "licence: CC BY 4.0" in cohort.describe()
    with pytest.raises(InputError, match="unused-rows"):
        Cohort.create("x", {"patients": PATIENTS}, unused=unused.drop("count"))


def test_equality_and_pickling(cohort: Cohort) -> None:
    again = pickle.loads(pickle.dumps(cohort))
    assert again == cohort
    assert hash(again) == hash(cohort)
    assert cohort != cohort.select(["P1"])
    assert cohort != "trial"


def test_the_fingerprint_sees_every_change(cohort: Cohort) -> None:
    tables = dict(cohort.tables)
    seen = {cohort.fingerprint(), Cohort.create("other", tables, limit_mm=6).fingerprint()}
    for name in ("patients", "measurements", "events"):
        smaller = {**tables, name: tables[name].slice(0, 1)} if name != "patients" else {
            **tables, "patients": tables["patients"].with_columns(site=pl.col("site").fill_null("east"))
        }  # fmt: skip
        smaller |= {"markers": tables["markers"].clear()} if name == "events" else {}
        seen.add(Cohort.create("other", smaller).fingerprint())
    assert len(seen) == 5
    sorted_columns = tables["patients"].select(sorted(tables["patients"].columns))
    reordered = Cohort.create("other", {**tables, "patients": sorted_columns})
    assert reordered.fingerprint() == cohort.fingerprint()


def test_baseline_sizes(cohort: Cohort) -> None:
    sums = cohort.baseline_sizes()
    assert dict(zip(sums["patient"], sums["size_mm"], strict=True)) == {"P1": 55.5, "P2": 50.0, "P3": 18.0, "P4": 80.0}
    with_lesions = dict(cohort.tables)
    with_lesions["measurements"] = cohort.measurements.filter(pl.col("lesion").is_not_null())
    lesions = Cohort.create("x", with_lesions).baseline_sizes("lesion")
    assert lesions.select("patient", "lesion", "size_mm").rows() == [
        ("P1", "a", 34.0),
        ("P1", "b", 21.5),
        ("P2", "a", 50.0),
        ("P3", "a", 18.0),
    ]


def test_the_last_assessment_before_treatment_is_the_baseline() -> None:
    rows = pl.DataFrame({"patient": "A", "day": [-30.0, -2.0, 0.5], "size_mm": [10, 20, 30], "state": "measured"})
    cohort = Cohort.create("x", {"patients": PATIENTS, "measurements": rows})
    assert cohort.baseline_sizes()["size_mm"].to_list() == [20.0]
