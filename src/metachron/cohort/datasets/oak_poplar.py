"""Clinical tables and plasma variants of OAK and POPLAR: atezolizumab against docetaxel in lung cancer.

Source: Gandara and others 2018, Nat Med 24:1441, doi:10.1038/s41591-018-0134-3, supplementary workbook MOESM3: one
sheet of patients per trial, and one of the variants found in plasma of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from metachron.base import Registry
from metachron.cohort.datasets.dataset import DataSet, Published, Unused
from metachron.cohort.datasets.outcomes import OUTCOME_NOTE, best_responses, outcome_tables, outcomes
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import flag, identifier, number, read_sheet, recode, text

FILE = PublicFile(
    name="41591_2018_134_MOESM3_ESM.xlsx",
    sha256="fdbd731241ad0fc745f66b36058b9255838b7ddb7106c09099efd64d407e8578",
    urls=(
        "https://static-content.springer.com/esm/art%3A10.1038%2Fs41591-018-0134-3/MediaObjects/"
        "41591_2018_134_MOESM3_ESM.xlsx",
    ),
    origin="the supplementary tables of https://doi.org/10.1038/s41591-018-0134-3",
)

_VARIANTS = "OAK_POPLAR_btmb_variants"
SEX = {"F": "female", "M": "male"}
ARM = {"Docetaxel": "docetaxel", "MPDL3280A": "atezolizumab"}  # MPDL3280A: development name of atezolizumab
_HISTOLOGY = {"NON-SQUAMOUS": "non-squamous", "SQUAMOUS": "squamous"}
_YES = {"Y": True, "N": False}


@dataclass(frozen=True)
class _Spelling:
    """Names of the columns that the two sheets spell differently."""

    prior_lines: str
    alk: str
    quality: str
    input_ng: str
    pdl1: tuple[str, ...]


_TRIALS = {
    "OAK": _Spelling("PRIORTXC", "EML4MUT", "btmb_QC", "cfDNA_input_ng", ("TC1IC1", "TC3IC3")),
    "POPLAR": _Spelling("PRIORTX", "EMLAMUT", "QC_Status", "cfDNA_Input_ng", ()),
}


def read_oak(paths: Mapping[str, Path]) -> Published:
    """Return the tables of OAK."""
    return _read(paths[FILE.name], "OAK")


def read_poplar(paths: Mapping[str, Path]) -> Published:
    """Return the tables of POPLAR."""
    return _read(paths[FILE.name], "POPLAR")


def _read(path: Path, trial: str) -> Published:
    sheet = read_sheet(path, f"{trial}_Clinical_Data").with_columns(identifier("PtID").alias("patient"))
    variants = read_sheet(path, _VARIANTS).filter(pl.col("Study") == trial)
    ends = outcomes(sheet, "month", survival="OS", death=~flag("OS.CNSR"), pfs="PFS", progression=~flag("PFS.CNSR"))
    tables = {
        "patients": _patients(sheet, trial),
        "assessments": best_responses(sheet, "BCOR", assessor="investigator"),
        **outcome_tables(ends),
        "alterations": _alterations(variants),
    }
    silent = tuple(sheet.filter(text("BCOR").is_null())["patient"])
    return Published(tables, (Unused("assessments", "no best response was recorded", silent),))


def _patients(sheet: pl.DataFrame, trial: str) -> pl.DataFrame:
    names = _TRIALS[trial]
    pdl1 = [text(column).replace("UNKNOWN", None).alias(f"pdl1_{column.lower()}") for column in names.pdl1]
    return sheet.select(
        "patient",
        pl.lit(trial).alias("study"),
        recode("TRT01P", ARM).alias("arm"),
        number("BAGE").alias("age_year"),  # codespell:ignore bage
        recode("SEX", SEX).alias("sex"),
        text("race2").str.to_lowercase().alias("race"),
        number("ECOGGR").alias("ecog"),
        recode("HIST", _HISTOLOGY).alias("histology"),
        text("TOBHX").str.to_lowercase().alias("smoking"),
        number("METSITES").alias("met_sites"),
        number("blSLD").alias("baseline_sld_mm"),
        number(names.prior_lines).alias("prior_lines"),
        text("KRASMUT").str.to_lowercase().alias("kras_mutation"),
        text("EGFRMUT").str.to_lowercase().alias("egfr_mutation"),
        text(names.alk).str.to_lowercase().alias("alk_fusion"),
        *pdl1,
        text("BEP").replace_strict(_YES, return_dtype=pl.Boolean).alias("biomarker_evaluable"),
        number("btmb").alias("btmb"),
        text(names.quality).str.to_lowercase().alias("btmb_quality"),
        number(names.input_ng).alias("cfdna_input_ng"),
        number("MSAF").alias("max_somatic_allele_fraction"),
        number("Median_exon_coverage").alias("median_exon_coverage"),
    )


def _alterations(variants: pl.DataFrame) -> pl.DataFrame:
    return variants.select(
        identifier("PtID").alias("patient"),
        text("gene_name").alias("gene"),
        pl.coalesce(text("protein_syntax"), text("cds_syntax")).alias("alteration"),
        text("effect").alias("kind"),
        number("af").alias("allele_fraction"),
        pl.lit(None, pl.Float64).alias("sample_day"),
        text("omitted_driver_mutation"),
        text("status").alias("known_status"),
        text("chromosome"),
        number("position"),
        text("reference_sequence"),
        text("alternate_sequence"),
        text("transcript_name").alias("transcript"),
        text("cds_syntax"),
        number("depth"),
    )


_WARNINGS = (
    "Day 0 is randomisation, from which survival is counted, not the first dose.",
    OUTCOME_NOTE,
    "The patients were anonymised apart from the file of lesion diameters of the same trials: the two cannot be joined "
    "by patient. baseline_sld_mm is the sum over target lesions (OAK: median 66 mm).",
    "Blood was drawn before treatment; its day is not given. Only the biomarker-evaluable patients have a btmb.",
)


def _data_set(trial: str, title: str, patients: int) -> DataSet:
    return DataSet(
        name=f"{trial.lower()}-clinical",
        title=f"{trial}: {title}",
        citation="Gandara DR and others. Blood-based tumor mutational burden as a predictor of clinical benefit in "
        "non-small-cell lung cancer patients treated with atezolizumab. Nat Med 2018;24:1441-1448",
        licence="supplementary material of the article, copyright of its publisher; read it where it was published "
        "and do not redistribute it",
        doi="10.1038/s41591-018-0134-3",
        files=(FILE,),
        read=read_oak if trial == "OAK" else read_poplar,
        patients=patients,
        warnings=_WARNINGS,
        design={"control arm": "docetaxel", "randomised": "yes", "sequenced": "biomarker_evaluable"},
    )


_TITLE = "survival, response, covariates and plasma variants; atezolizumab against docetaxel in lung cancer"
OAK_POPLAR = Registry(
    "clinical table",
    {"oak-clinical": _data_set("OAK", _TITLE, 850), "poplar-clinical": _data_set("POPLAR", _TITLE, 287)},
)
