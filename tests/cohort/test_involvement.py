"""Which organs have lesions at baseline: yes, no, or not known."""

from __future__ import annotations

import polars as pl

from metachron.cohort import Cohort
from metachron.cohort.involvement import with_involvement


def three() -> Cohort:
    """A liver and a lung lesion; a lung lesion, and one in the liver that appears later; a sum alone."""
    sizes = [
        ("a", "1", -7.0, 20.0, "measured"), ("a", "2", -7.0, None, "present"), ("b", "1", 0.0, 30.0, "measured"),
        ("b", "2", 60.0, 12.0, "measured"), ("b", "3", -1.0, None, "absent"), ("c", None, -3.0, 80.0, "measured"),
    ]  # fmt: skip
    lesions = [
        ("a", "1", "lung", "target"), ("a", "2", "liver", "non_target"), ("b", "1", "lung", "target"),
        ("b", "2", "liver", "new"), ("b", "3", "bone", "non_target"),
    ]  # fmt: skip
    return Cohort.create(
        "three",
        {
            "patients": pl.DataFrame({"patient": ["a", "b", "c"], "study": "S", "arm": "A"}),
            "measurements": pl.DataFrame(sizes, ["patient", "lesion", "day", "size_mm", "state"], orient="row"),
            "lesions": pl.DataFrame(lesions, ["patient", "lesion", "organ", "role"], orient="row"),
        },
    )


def test_an_organ_is_involved_by_what_was_there_at_baseline() -> None:
    """Not by a lesion that appeared later, nor by one that was absent; of a sum nothing is known."""
    found = with_involvement(three(), ["involved_liver", "involved_bone", "involved_lung", "age_year"]).patients
    assert found["involved_liver"].to_list() == ["yes", "no", None]
    assert found["involved_bone"].to_list() == ["no", "no", None]
    assert found["involved_lung"].to_list() == ["yes", "yes", None]
    assert "age_year" not in found.columns


def test_a_column_of_that_name_is_left_as_it_is() -> None:
    cohort = three()
    stated = cohort.with_rows({"patients": cohort.patients.with_columns(involved_liver=pl.lit("unknown"))})
    assert with_involvement(stated, ["involved_liver"]) is stated
