"""Files in Mutation Annotation Format: what becomes of each column, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from metachron.base import InputError
from metachron.cohort import Cohort
from metachron.cohort.folder import read_folder
from metachron.cohort.maf import KINDS, read_maf
from metachron.cohort.write import write_folder
from metachron.scores import gene_alterations

HEADER = (
    "Hugo_Symbol", "Chromosome", "Start_Position", "Variant_Classification", "Reference_Allele", "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode", "HGVSc", "HGVSp_Short", "t_depth", "t_ref_count", "t_alt_count", "Mutation_Status",
)  # fmt: skip
KRAS = (
    "KRAS", "chr12", "25245350", "Missense_Mutation", "C", "A", "TCGA-05-4244-01A-01D-1105-08", "c.35G>T", "p.G12V",
    "200", "150", "50", "Somatic",
)  # fmt: skip
SILENT = (
    "TP53", "chr17", "7673803", "Silent", "G", "A", "TCGA-05-4249-01A-01D-1105-08", "c.817C>T", "", "", "90", "10", "",
)  # fmt: skip


def write(folder: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER, name: str = "a.maf") -> Path:
    """Write a MAF file with a version line."""
    text = "\n".join(["#version gdc-1.0.0", *("\t".join(row) for row in (header, *rows))]) + "\n"
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.maf", "a.maf.gz"])
def test_rows_become_alterations(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, KRAS, SILENT, name=name)
    patients = {row[6]: row[6][:12] for row in (KRAS, SILENT)}
    first, second = read_maf(path, patients=patients).to_dicts()
    assert first == {
        "patient": "TCGA-05-4244", "gene": "KRAS", "alteration": "p.G12V", "kind": "missense", "allele_fraction": 0.25,
        "sample_day": None, "sample": "TCGA-05-4244-01A-01D-1105-08", "variant_classification": "Missense_Mutation",
        "chromosome": "chr12", "reference_sequence": "C", "alternate_sequence": "A", "cds_syntax": "c.35G>T",
        "mutation_status": "Somatic", "position": 25245350.0, "depth": 200.0,
    }  # fmt: skip
    assert (second["alteration"], second["kind"]) == ("c.817C>T", "synonymous")
    assert second["allele_fraction"] == 0.1  # without a depth: over reference and variant reads
    assert second["mutation_status"] is None


def test_the_required_columns_are_enough(tmp_path: Path) -> None:
    header = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")
    table = read_maf(write(tmp_path, ("EGFR", "In_Frame_Del", "P1"), header=header))
    assert table.select("patient", "gene", "kind", "alteration", "allele_fraction").rows() == [
        ("P1", "EGFR", "inframe", None, None)
    ]


def test_no_reads_have_no_fraction(tmp_path: Path) -> None:
    row = (*KRAS[:9], "0", "0", "0", "Somatic")
    assert read_maf(write(tmp_path, row))["allele_fraction"].to_list() == [None]


def test_a_cohort_takes_the_table(tmp_path: Path) -> None:
    table = read_maf(write(tmp_path, KRAS), patients={KRAS[6]: "P1"})
    people = pl.DataFrame({"patient": ["P1", "P2"], "study": "S", "arm": "A"})
    cohort = Cohort.create("maf", {"patients": people, "alterations": table})
    assert cohort.alterations["gene"].to_list() == ["KRAS"]
    with pytest.raises(InputError, match="unknown-patient"):
        Cohort.create("maf", {"patients": people.filter(pl.col("patient") == "P2"), "alterations": table})


def _folder(path: Path, mapping: str) -> Path:
    (path / "patients.csv").write_text("patient,study,arm,exome\nTCGA-05-4244,S,A,1\nTCGA-05-4249,S,A,1\n")
    (path / "mapping.toml").write_text(mapping)
    return path


@pytest.mark.parametrize("name", ["alterations.maf", "alterations.maf.gz", "tumours.maf"])
def test_a_folder_may_hold_variants_as_maf(tmp_path: Path, name: str) -> None:
    write(tmp_path, KRAS, SILENT, name=name)
    cohort = read_folder(_folder(tmp_path, f'[alterations]\nfile = "{name}"\nbarcode_characters = 12\n'))
    assert cohort.alterations["patient"].to_list() == ["TCGA-05-4244", "TCGA-05-4249"]
    assert cohort.alterations["sample"][0] == KRAS[6]
    altered = gene_alterations(cohort, ["KRAS"], sequenced="exome")
    assert altered["altered_KRAS"].to_list() == [True, False]


def test_problems_of_a_maf_in_a_folder_are_told_with_the_others(tmp_path: Path) -> None:
    write(tmp_path, (*KRAS[:3], "Typo", *KRAS[4:]), name="alterations.maf")
    with pytest.raises(InputError, match=r"alterations\.maf.*Variant_Classification") as error:
        read_folder(_folder(tmp_path, "[patients]\nbarcode_characters = 3\n"))
    assert {problem.rule for problem in error.value.problems} >= {"label", "mapping"}


def test_barcodes_that_are_not_patients_are_told(tmp_path: Path) -> None:
    write(tmp_path, KRAS, name="alterations.maf")
    with pytest.raises(InputError, match="unknown-patient"):
        read_folder(_folder(tmp_path, ""))


def test_a_maf_is_neither_overlooked_nor_another_table(tmp_path: Path) -> None:
    write(tmp_path, KRAS, name="other.maf")
    with pytest.raises(InputError, match=r"file other\.maf, table other"):
        read_folder(_folder(tmp_path, ""))
    with pytest.raises(InputError, match="MAF is for alterations"):
        read_folder(_folder(tmp_path, '[events]\nfile = "other.maf"\n'))
    with pytest.raises(InputError, match=r"other\.maf"):
        write_folder(read_folder(_folder(tmp_path, 'ignore = ["*.maf"]\n')), tmp_path, overwrite=True)


@pytest.mark.parametrize("classification", list(KINDS))
def test_every_classification_has_a_kind(tmp_path: Path, classification: str) -> None:
    row = (*KRAS[:3], classification, *KRAS[4:])
    assert read_maf(write(tmp_path, row))["kind"].item() == KINDS[classification]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        ("", *KRAS[1:]), (*KRAS[:3], "Missense", *KRAS[4:]), (*KRAS[:9], "many", *KRAS[10:]),
        (*KRAS[:6], "other", *KRAS[7:]),
    ]  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_maf(write(tmp_path, *rows), patients={KRAS[6]: "P1"})
    found = {(problem.rule, problem.column, problem.rows) for problem in caught.value.problems}
    assert found == {
        ("missing", "Hugo_Symbol", (1,)), ("label", "Variant_Classification", (2,)), ("not-a-number", "t_depth", (3,)),
        ("unknown-sample", "Tumor_Sample_Barcode", (4,)),
    }  # fmt: skip


def test_more_variant_reads_than_reads_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, (*KRAS[:9], "200", "150", "201", "Somatic"))
    with pytest.raises(InputError, match="allele-fraction"):
        read_maf(path)
    assert read_maf(write(tmp_path, (*KRAS[:9], "200", "0", "200", "Somatic")))["allele_fraction"].to_list() == [1.0]


@pytest.mark.parametrize("row", [(*KRAS, "one cell too many"), KRAS[:-1]])
def test_rows_of_another_length_are_refused(tmp_path: Path, row: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="ragged-row") as caught:
        read_maf(write(tmp_path, KRAS, row))
    assert caught.value.problems[0].rows == (2,)


def test_what_is_no_maf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing-column"):
        read_maf(write(tmp_path, ("a", "b"), header=("gene", "kind")))
    with pytest.raises(InputError, match="header"):
        read_maf(write(tmp_path, (*KRAS, "TP53"), header=(*HEADER, "Hugo_Symbol")))
    for content in (b"#version 2.4.1\n", b"\x1f\x8b\x00broken", b"Hugo_Symbol\t\xff\n"):
        (tmp_path / "broken.maf").write_bytes(content)
        with pytest.raises(InputError, match="unreadable-file"):
            read_maf(tmp_path / "broken.maf")
    with pytest.raises(InputError, match="unreadable-file"):
        read_maf(tmp_path / "absent.maf")


def test_a_file_without_variants_is_an_empty_table(tmp_path: Path) -> None:
    assert read_maf(write(tmp_path)).height == 0
