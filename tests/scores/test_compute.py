"""What is told beside the scores: missing inputs, values outside their range, columns lacking, derived inputs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import polars as pl
import pytest

from metachron.base import InputError, ModelError
from metachron.cohort import Cohort
from metachron.scores import SCORES, compute_scores, list_scores

Made = Callable[..., Cohort]
Load = Callable[[str], Cohort]


def test_a_patient_without_an_input_has_no_value_and_is_told_which(made: Made) -> None:
    """Also where the other inputs would settle the group: nothing is guessed."""
    cohort = made(dnlr=[4.0, None, 4.0], ldh=[300.0, 300.0, None], ldh_upper_limit=[250.0, None, 250.0])
    values = compute_scores(cohort, ["lipi"]).values
    assert values["value"].to_list() == [2.0, None, None]
    assert values["group"].to_list() == ["poor", None, None]
    assert values["missing"].to_list() == [[], ["dnlr", "ldh_upper_limit"], ["ldh"]]


def test_a_value_outside_its_range_is_told_and_not_clamped(made: Made) -> None:
    """The range catches a value in another unit: platelets per µL in place of thousands."""
    cohort = made(nlr=[3.0, 300.0, None])
    found = compute_scores(cohort, ["nlr"])
    assert found.values["value"].to_list() == [3.0, None, None]
    assert found.outside.rows() == [("P2", "nlr", "300.0", "0 to 200")]
    assert found.values["missing"].to_list() == [[], ["nlr"], ["nlr"]]
    assert found.summary().row(0) == ("nlr", 1, 2, 0, 0, "low: 1, high: 0")


@pytest.mark.parametrize("bound", ["low", "high"])
@pytest.mark.parametrize("score", ["tmb-high", "nlr", "dnlr", "pdl1-tps", "pdl1-cps"])
def test_the_bounds_of_a_range_belong_to_it(made: Made, score: str, bound: str) -> None:
    item = SCORES[score].inputs[0]
    limit = getattr(item, bound)
    beyond = limit + (1e-6 if bound == "high" else -1e-6)
    cohort = made(**{item.column: [limit]})
    assert compute_scores(cohort, [score]).values["value"].to_list() == [limit]
    strange = cohort.with_rows({"patients": cohort.patients.with_columns(pl.lit(beyond).alias(item.column))})
    assert compute_scores(strange, [score]).values["value"].to_list() == [None]


def test_an_infinite_ratio_is_outside_the_range(made: Made) -> None:
    found = compute_scores(made(neutrophils_per_nl=[4.0, 4.0], lymphocytes_per_nl=[2.0, 0.0]), ["nlr"])
    assert found.values["value"].to_list() == [2.0, None]
    assert found.outside["value"].to_list() == ["inf"]


def test_ratios_are_derived_from_counts_unless_they_are_given(made: Made) -> None:
    counts = {"neutrophils_per_nl": [6.0], "lymphocytes_per_nl": [1.5], "leukocytes_per_nl": [8.0]}
    found = compute_scores(made(**counts), ["nlr", "dnlr"])
    assert dict(found.values.select("score", "value").iter_rows()) == {"nlr": 4.0, "dnlr": 3.0}
    given = compute_scores(made(**counts, dnlr=[2.5]), ["dnlr"])
    assert given.values["value"].to_list() == [2.5]


def test_more_neutrophils_than_leukocytes_is_told(made: Made) -> None:
    found = compute_scores(made(neutrophils_per_nl=[6.0], leukocytes_per_nl=[5.0]), ["dnlr"])
    assert found.values["value"].to_list() == [None]
    assert found.outside["value"].to_list() == ["-6.0"]


def with_lesions() -> Cohort:
    """Four patients: liver and lung; two lung lesions and the primary; one in an unknown organ; nothing known."""
    lesions = [
        ("a", "1", "liver", "target"), ("a", "2", "lung", "target"), ("b", "1", "lung", "target"),
        ("b", "2", "lung", "non_target"), ("b", "3", "primary", "target"), ("c", "1", "unknown", "target"),
        ("b", "4", "brain", "new"),
    ]  # fmt: skip
    sizes = [(p, lesion, 90.0 if role == "new" else -5.0, 20.0, "measured") for p, lesion, _, role in lesions]
    patients = {"patient": ["a", "b", "c", "d"], "study": "S", "arm": "A", "ecog": 2.0, "pack_years": 10.0}
    laboratory = {"ldh": 500.0, "ldh_upper_limit": 250.0, "nlr": 5.0, "albumin_g_per_dl": 3.0}
    return Cohort.create(
        "lesions",
        {
            "patients": pl.DataFrame({**patients, **laboratory}),
            "lesions": pl.DataFrame(lesions, ["patient", "lesion", "organ", "role"], orient="row"),
            "measurements": pl.DataFrame(sizes, ["patient", "lesion", "day", "size_mm", "state"], orient="row"),
        },
    )


def test_metastases_are_read_from_the_lesions() -> None:
    """A lesion that appeared later does not count; the primary is no metastasis; an unknown organ leaves the number
    of sites open, but not the liver.
    """
    values = compute_scores(with_lesions(), ["epsilon", "rmh"]).values
    by_score = {name: values.filter(pl.col("score") == name)["value"].to_list() for name in ("epsilon", "rmh")}
    assert by_score["epsilon"] == [5.0, 4.0, 4.0, None]
    assert by_score["rmh"] == [2.0, 2.0, None, None]
    missing = values.filter(pl.col("patient") == "d")["missing"].to_list()
    assert missing == [["involved_liver"], ["met_sites"]]


def test_three_organs_are_more_than_two() -> None:
    cohort = with_lesions()
    more = pl.DataFrame({"patient": ["a"], "lesion": ["9"], "organ": ["bone"], "role": ["target"]})
    size = {"patient": ["a"], "lesion": ["9"], "day": [-5.0], "size_mm": [20.0], "state": ["measured"]}
    wider = cohort.with_rows(
        {
            "lesions": pl.concat([cohort.lesions, more]),
            "measurements": pl.concat([cohort.measurements, pl.DataFrame(size)]),
        }
    )
    assert compute_scores(wider, ["rmh"]).values["value"][0] == 3.0


def test_a_score_that_cannot_be_computed_says_what_it_lacks(load: Load) -> None:
    found = compute_scores(load("loris-chowell-train"))
    assert found.lacking["grim"] == ("ldh", "ldh_upper_limit")
    assert found.lacking["lipi"][0] == "dnlr (or neutrophils_per_nl and leukocytes_per_nl)"
    assert set(found.values["score"].unique()) | set(found.lacking) == set(SCORES)
    assert found.values.height == 964 * (len(SCORES) - len(found.lacking))


def test_values_that_were_filled_in_are_noticed(load: Load) -> None:
    notes = compute_scores(load("loris-ravi-nsclc"), ["loris-pan-cancer"]).notes
    assert [note.split(" ")[0] for note in notes] == ["albumin_g_per_dl", "nlr"]


def test_one_limit_of_normal_for_all_is_nothing_to_notice(made: Made) -> None:
    found = compute_scores(made(dnlr=[4.0, 3.0], ldh=[300.0, 200.0], ldh_upper_limit=250.0), ["lipi"])
    assert found.values["value"].to_list() == [2.0, 0.0]
    assert found.notes == ()


def test_another_cancer_is_told_and_scored(load: Load) -> None:
    found = compute_scores(load("loris-chowell-train"), ["loris-nsclc"])
    scored = found.values.drop_nulls("value")
    types = load("loris-chowell-train").patients.join(scored, on="patient")["cancer_type"]
    assert scored.height == 217
    assert len(found.elsewhere["patients"][0]) == (types != "NSCLC").sum()


def test_text_in_a_column_of_numbers_is_refused(made: Made) -> None:
    with pytest.raises(InputError, match="wrong-type"):
        compute_scores(made(dnlr=["high"]), ["dnlr"])


def test_an_unknown_name_is_refused_with_the_nearest(made: Made) -> None:
    with pytest.raises(ModelError, match="did you mean 'grim'"):
        compute_scores(made(), ["grimm"])


def test_wide_has_a_column_per_score(made: Made) -> None:
    wide = compute_scores(made(nlr=[3.0, None], tmb_per_mb=[12.0, 3.0]), ["nlr", "tmb-high"]).wide()
    assert wide.rows() == [("P1", 3.0, 12.0), ("P2", None, 3.0)]


def test_the_list_has_one_row_per_score() -> None:
    assert list_scores()["name"].to_list() == list(SCORES)


def test_the_room_does_not_load_jax() -> None:
    code = "import sys, metachron.scores; print(sorted({'jax', 'matplotlib', 'statsmodels'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_patient_is_scored_alone(load: Load) -> None:
    """Other patients and their order change nothing."""
    cohort = load("loris-vanguri-nsclc")
    some = cohort.patient_ids[40:3:-3]
    alone = compute_scores(cohort.with_rows({"patients": cohort.patients.reverse()}).select(some)).values
    together = compute_scores(cohort).values.filter(pl.col("patient").is_in(some))
    assert alone.sort("score", "patient").equals(together.sort("score", "patient"))
