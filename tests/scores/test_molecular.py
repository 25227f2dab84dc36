"""Burden, altered genes and allele fractions: by hand, and against what OAK and POPLAR publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metachron.base import InputError, ModelError
from metachron.cohort import Cohort
from metachron.scores import (
    BLOOD_TMB,
    LUNG_GENES,
    PROTEIN_CHANGING,
    BurdenRule,
    VariantFilter,
    allele_fraction_summaries,
    gene_alterations,
    mutational_burden,
    select_variants,
    sequenced_patients,
    with_features,
)

Load = Callable[[str], Cohort]
ROWS = [
    ("a", "KRAS", "missense", 0.10, "no"), ("a", "STK11", "nonsense", 0.30, "yes"),
    ("a", "TP53", "synonymous", 0.50, "no"), ("b", "TP53", "synonymous", 0.02, "no"),
    ("b", "KRAS", "splice", 0.005, "no"),
]  # fmt: skip
COLUMNS = ["patient", "gene", "kind", "allele_fraction", "omitted_driver_mutation"]


def small(rows: list[tuple[Any, ...]] = ROWS, **columns: Any) -> Cohort:
    """Four patients: two with variants, one sequenced without any, one not sequenced."""
    people = {"patient": ["a", "b", "c", "d"], "study": "S", "arm": "A", "read": ["yes", "yes", "yes", "no"]}
    variants = pl.DataFrame(rows, COLUMNS, orient="row")
    return Cohort.create("small", {"patients": pl.DataFrame({**people, **columns}), "alterations": variants})


def column(table: pl.DataFrame, name: str) -> list[Any]:
    assert table["patient"].to_list() == ["a", "b", "c", "d"]
    return table[name].to_list()


@pytest.mark.parametrize(("name", "evaluable"), [("oak-clinical", 642), ("poplar-clinical", 211)])
def test_blood_tmb_is_what_was_published(load: Load, name: str, evaluable: int) -> None:
    """Exact for every evaluable patient, null for every other."""
    cohort = load(name)
    found = mutational_burden(cohort, BLOOD_TMB, sequenced="biomarker_evaluable")
    assert found["btmb"].len() - found["btmb"].null_count() == evaluable
    assert found["btmb"].equals(cohort.patients["btmb"])
    assert found["patient"].equals(cohort.patients["patient"])


def test_good_quality_is_not_the_same_as_published_variants(load: Load) -> None:
    """137 patients of OAK had plasma of good quality and have no variant in the file, though 74 of them have a tumour
    allele fraction above 0: for them nothing is known, and the quality must not say who was sequenced.
    """
    cohort = load("oak-clinical")
    passed = cohort.patients.filter(pl.col("btmb_quality") == "pass")
    silent = passed.filter(~pl.col("patient").is_in(cohort.alterations["patient"].implode()))
    assert silent.height == 137
    assert (silent["max_somatic_allele_fraction"] > 0).sum() == 74
    assert silent["biomarker_evaluable"].sum() == 0


def test_zero_is_told_from_unknown() -> None:
    assert column(mutational_burden(small(), BLOOD_TMB, sequenced="read"), "btmb") == [2.0, 2.0, 0.0, None]
    genes = gene_alterations(small(), ["KRAS", "STK11"], sequenced="read")
    assert column(genes, "altered_STK11") == [True, False, False, None]
    fractions = allele_fraction_summaries(small(), sequenced="read")
    assert column(fractions, "variant_count") == [3.0, 2.0, 0.0, None]
    assert column(fractions, "max_allele_fraction") == [0.5, 0.02, None, None]
    assert column(fractions, "mean_allele_fraction") == pytest.approx([0.3, 0.0125, None, None])
    assert column(fractions, "median_allele_fraction") == pytest.approx([0.3, 0.0125, None, None])


def test_tissue_burden_is_per_megabase() -> None:
    rule = BurdenRule("tmb", VariantFilter(kinds=PROTEIN_CHANGING, lowest_allele_fraction=0.05), panel_mb=0.8)
    assert column(mutational_burden(small(), rule, sequenced="read"), "tmb") == [2.5, 0.0, 0.0, None]
    whole = replace(rule, variants=VariantFilter())
    assert column(mutational_burden(small(), whole, sequenced="read"), "tmb") == [3.75, 2.5, 0.0, None]
    with pytest.raises(ModelError, match="above 0 megabases"):
        BurdenRule("tmb", VariantFilter(), panel_mb=0.0)


def test_bounds_of_the_allele_fraction_are_included() -> None:
    def genes(rule: VariantFilter) -> list[str]:
        return select_variants(small(), rule)["gene"].to_list()

    assert genes(VariantFilter(lowest_allele_fraction=0.1)) == ["KRAS", "STK11", "TP53"]
    assert genes(VariantFilter(lowest_allele_fraction=0.1 + 1e-12)) == ["STK11", "TP53"]
    assert genes(VariantFilter(highest_allele_fraction=0.02)) == ["TP53", "KRAS"]
    assert genes(VariantFilter(highest_allele_fraction=0.02 - 1e-12)) == ["KRAS"]
    assert genes(VariantFilter(only=(("kind", ("nonsense", "splice")),))) == ["STK11", "KRAS"]
    assert genes(VariantFilter(kinds=("synonymous",), excluded=(("patient", "a"),))) == ["TP53"]


def test_genes_count_only_what_changes_the_protein() -> None:
    table = gene_alterations(small(), ["KRAS", "TP53", "STK11"], sequenced="read", together=[("KRAS", "STK11")])
    assert column(table, "altered_TP53") == [False, False, False, None]
    assert column(table, "altered_KRAS") == [True, True, False, None]
    assert column(table, "altered_KRAS_STK11") == [True, False, False, None]
    every = gene_alterations(small(), ["TP53"], sequenced="read", variants=VariantFilter())
    assert column(every, "altered_TP53") == [True, True, False, None]


def test_a_gene_that_nobody_has_is_refused_unless_it_is_on_the_panel() -> None:
    with pytest.raises(ModelError, match="KEAP1"):
        gene_alterations(small(), ["KEAP1"], sequenced="read")
    table = gene_alterations(small(), ["KEAP1"], sequenced="read", panel=["KEAP1", "KRAS"])
    assert column(table, "altered_KEAP1") == [False, False, False, None]
    with pytest.raises(ModelError, match="not on the panel"):
        gene_alterations(small(), ["TP53"], sequenced="read", panel=["KRAS"])
    with pytest.raises(ModelError, match="not among the genes"):
        gene_alterations(small(), ["KRAS"], sequenced="read", together=[("KRAS", "TP53")])


def test_lung_genes_of_oak(load: Load) -> None:
    """Counts of patients with a non-synonymous variant, from the workbook by hand."""
    table = gene_alterations(load("oak-clinical"), LUNG_GENES, sequenced="biomarker_evaluable")
    sheet = load("oak-clinical").alterations.filter(pl.col("kind") != "synonymous")
    for gene in LUNG_GENES:
        assert table[f"altered_{gene}"].sum() == sheet.filter(pl.col("gene") == gene)["patient"].n_unique()
        assert table[f"altered_{gene}"].null_count() == 850 - 642


variants = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from(["KRAS", "TP53"]), st.sampled_from([*PROTEIN_CHANGING, "synonymous"]),
        st.floats(0, 1), st.sampled_from(["yes", "no"]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(variants, st.floats(0, 1))
def test_a_stricter_rule_never_counts_more(rows: list[tuple[Any, ...]], lowest: float) -> None:
    cohort = small(rows)
    loose = BurdenRule("n", VariantFilter(), panel_mb=None)
    strict = replace(loose, variants=VariantFilter(kinds=PROTEIN_CHANGING, lowest_allele_fraction=lowest))
    many = mutational_burden(cohort, loose, sequenced="read")["n"]
    few = mutational_burden(cohort, strict, sequenced="read")["n"]
    expected = [sum(row[0] == who and row[2] != "synonymous" and row[3] >= lowest for row in rows) for who in "ab"]
    assert few.to_list() == [*map(float, expected), 0.0, None]
    assert (few <= many).drop_nulls().all()
    doubled = mutational_burden(cohort, replace(loose, panel_mb=2.0), sequenced="read")["n"]
    assert (doubled * 2).equals(many)


def test_who_was_sequenced_must_be_said_and_must_fit() -> None:
    assert sequenced_patients(small(), "read")["sequenced"].to_list() == [True, True, True, False]
    with pytest.raises(ModelError, match="no column 'panel'"):
        sequenced_patients(small(), "panel")
    with pytest.raises(InputError, match="variants of patients not sequenced") as caught:
        sequenced_patients(small(panel=["no", "yes", "yes", "yes"]), "panel")
    assert caught.value.problems[0].patients == ("a",)
    with pytest.raises(InputError, match="perhaps"):
        sequenced_patients(small(panel=["yes", "yes", "perhaps", "no"]), "panel")
    empty = small(panel=["yes", "yes", None, None])
    assert sequenced_patients(empty, "panel")["sequenced"].to_list() == [True, True, False, False]


def test_a_rule_needs_what_it_looks_at() -> None:
    with pytest.raises(ModelError, match="known_status"):
        select_variants(small(), VariantFilter(only=(("known_status", ("known",)),)))
    without = small([*ROWS, ("b", "KRAS", None, None, "no")])
    with pytest.raises(InputError, match="1 variants without a value") as caught:
        select_variants(without, VariantFilter(kinds=("missense",), lowest_allele_fraction=0.1))
    assert [problem.column for problem in caught.value.problems] == ["kind", "allele_fraction"]
    assert select_variants(without, VariantFilter()).height == 6


def test_two_samples_of_a_patient_are_not_counted_together() -> None:
    cohort = small()
    samples = cohort.alterations.with_columns(sample=pl.Series(["1", "1", "2", "3", "3"]))
    with pytest.raises(InputError, match="several-samples") as caught:
        mutational_burden(cohort.with_rows({"alterations": samples}), BLOOD_TMB, sequenced="read")
    assert caught.value.problems[0].patients == ("a",)


def test_features_become_covariates() -> None:
    cohort = small()
    genes = gene_alterations(cohort, ["KRAS"], sequenced="read")
    burden = mutational_burden(cohort, BLOOD_TMB, sequenced="read")
    richer = with_features(cohort, genes, burden.filter(pl.col("patient") != "b"))
    assert richer.patients["altered_KRAS"].to_list() == [1.0, 1.0, 0.0, None]
    assert richer.patients["btmb"].to_list() == [2.0, None, 0.0, None]
    assert "altered_KRAS, btmb" in richer.notes[-1]
    assert "altered_KRAS" not in cohort.patients.columns
    assert with_features(cohort) is cohort


def test_features_of_a_public_cohort_keep_its_exceptions_and_notes(load: Load) -> None:
    cohort = load("oak-clinical")
    richer = with_features(cohort, gene_alterations(cohort, ["STK11"], sequenced="biomarker_evaluable"))
    assert richer.accepted == cohort.accepted
    assert richer.notes[:-1] == cohort.notes
    assert richer.unused.equals(cohort.unused)
    assert richer.patients.drop("altered_STK11").equals(cohort.patients)


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"x": [1.0]}, "needs a column patient"),
        ({"patient": ["a", "a"], "x": [1.0, 2.0]}, "one row per patient"),
        ({"patient": ["z"], "x": [1.0]}, "has no patient z"),
        ({"patient": ["a"], "read": ["no"]}, "has a column read already"),
    ],
)
def test_features_that_do_not_fit_are_refused(table: dict[str, Any], match: str) -> None:
    with pytest.raises(ModelError, match=match):
        with_features(small(), pl.DataFrame(table))
