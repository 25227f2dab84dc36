"""The ten cohorts of the LORIS workbook: covariates, response and survival with and without checkpoint inhibitors.

Source: Chang and others 2024, Nat Cancer 5:1158, doi:10.1038/s43018-023-00694-5, sheet by sheet of AllData.xlsx.
Codes: sex 1 = male, stage 1 = IV, MSI 1 = unstable, response 1 = complete or partial (Chowell and others 2022,
Nat Biotechnol 40:499, doi:10.1038/s41587-021-01070-8, whose cohort is the first two sheets).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from metachron.base import InputError, Problem, Registry
from metachron.base.units import DAYS_PER_UNIT, DAYS_PER_YEAR
from metachron.cohort.datasets.dataset import DataSet, Published, Unused
from metachron.cohort.datasets.outcomes import OUTCOME_NOTE, best_responses, missing_outcomes, outcome_tables, outcomes
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import flag, identifier, number, read_sheet, text
from metachron.cohort.exceptions import AcceptedException

FILE = PublicFile(
    name="loris_AllData.xlsx",
    sha256="d7ad5c4aeb1033d9b36e520d63acfd8efdc5f6e3f5d52ae0f9abf0d6fe922218",
    urls=("https://raw.githubusercontent.com/rootchang/LORIS/HEAD/02.Input/AllData.xlsx",),
    origin="02.Input/AllData.xlsx of https://github.com/rootchang/LORIS",
)
CHECKPOINT_INHIBITOR = "immune checkpoint inhibitor"
OTHER_TREATMENT = "other treatment"
LONGEST_FOLLOWUP_YEARS = (1.0, 20.0)
"""The longest follow-up of a cohort treated between 2010 and 2023 lies between these: a check of the time unit."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, patients, unit of time, treatment, what to beware of, and what is knowingly kept."""

    name: str
    patients: int
    unit: str = "month"
    arm: str = CHECKPOINT_INHIBITOR
    notes: tuple[str, ...] = ()
    accepted: tuple[AcceptedException, ...] = ()

    @property
    def data_set(self) -> str:
        """Name of the data set that the sheet becomes."""
        return f"loris-{self.name.lower().replace('_', '-')}"


def _one_day_late(patient: str) -> AcceptedException:
    return AcceptedException(patient, "after-death", "progression is dated one day after death; kept as published")


_CONSTANT = "Albumin (3.8) and NLR (6.2) are the same for all patients: values filled in by the authors, not measured."
SHEETS = (
    Sheet("Chowell_train", 964, notes=("The LORIS score was made on this cohort.",)),
    Sheet("Chowell_test", 515),
    Sheet("MSK1", 453, notes=("Ages are midpoints of five-year classes.",)),
    Sheet("MSK2", 104, notes=("Ages are midpoints of five-year classes.",)),
    Sheet("Kato_panCancer", 35, notes=(_CONSTANT,)),
    Sheet(
        "Shim_NSCLC", 198,
        accepted=(
            AcceptedException(
                "Shim_NSCLC-15", "after-death", "follow-up for progression ends a year after death; kept as published"
            ),
            _one_day_late("Shim_NSCLC-61"),
            _one_day_late("Shim_NSCLC-191"),
        ),
    ),
    Sheet(
        "Vanguri_NSCLC", 246,
        notes=(
            "Overall survival is given only for patients who died: an analysis of survival would be biased.",
            "nlr is twice nlr_original in every patient: a conversion made by the authors.",
        ),
    ),
    Sheet(
        "Ravi_NSCLC", 309, unit="day",
        notes=("The columns headed PFS_Months and OS_Months hold days in this sheet, and are read as days.", _CONSTANT),
    ),
    Sheet("Pradat_panCancer", 57, notes=("No progression-free survival is given.",)),
    Sheet(
        "MSK_nonICB", 841, arm=OTHER_TREATMENT,
        notes=(
            "Patients without a checkpoint inhibitor: no response and no progression-free survival. TMB, NLR and age "
            "stand truncated at 50, 25 and 85. published_loris is the score stored in the workbook.",
        ),
    ),
)  # fmt: skip

_SEX = {0.0: "female", 1.0: "male"}
_DRUG = {0.0: "PD-1 or PD-L1", 1.0: "combination", 2.0: "CTLA-4"}
_COVARIATES = {
    "Age": number("Age").alias("age_year"),
    "Sex": number("Sex").replace_strict(_SEX, return_dtype=pl.String).alias("sex"),
    "Performance_status": number("Performance_status").alias("ecog"),
    "CancerType": text("CancerType").alias("cancer_type"),
    "Histology": identifier("Histology").alias("histology_code"),
    "Stage": flag("Stage").alias("stage_iv"),
    "Systemic_therapy_history": flag("Systemic_therapy_history").alias("prior_systemic_therapy"),
    "TMB": number("TMB").alias("tmb_per_mb"),
    "PDL1_TPS(%)": number("PDL1_TPS(%)").alias("pdl1_percent"),
    "Albumin": number("Albumin").alias("albumin_g_per_dl"),
    "NLR": number("NLR").alias("nlr"),
    "NLR_original": number("NLR_original").alias("nlr_original"),
    "Platelets": number("Platelets").alias("platelets_per_nl"),
    "HGB": number("HGB").alias("haemoglobin_g_per_dl"),
    "BMI": number("BMI").alias("bmi_kg_per_m2"),
    "MSI": flag("MSI").alias("msi_unstable"),
    "FCNA": number("FCNA").alias("fraction_copy_number_altered"),
    "HLA_LOH": flag("HLA_LOH").alias("hla_loh"),
    "HED": number("HED").alias("hla_evolutionary_divergence"),
    "Smoking_status": flag("Smoking_status").alias("ever_smoker"),
    "Pack_years": number("Pack_years").alias("pack_years"),
    "Gene Panel": text("Gene Panel").alias("gene_panel"),
    "Drug": number("Drug").replace_strict(_DRUG, return_dtype=pl.String).alias("drug_class"),
    "Year of ICI treatment start": number("Year of ICI treatment start").alias("start_year"),
    "Response": flag("Response").alias("response"),
    "LORIS": number("LORIS").alias("published_loris"),
}
_OUTCOMES = ("PFS_Months", "PFS_Event", "Response")


def _reader(sheet: Sheet) -> Callable[[Mapping[str, Path]], Published]:
    def read(paths: Mapping[str, Path]) -> Published:
        return tables_of(read_sheet(paths[FILE.name], sheet.name), sheet.name, unit=sheet.unit, arm=sheet.arm)

    return read


def tables_of(frame: pl.DataFrame, sheet: str, *, unit: str, arm: str = CHECKPOINT_INHIBITOR) -> Published:
    """Return the tables of one sheet, whose times are in `unit` (``"month"`` or ``"day"``).

    SAMPLE_ID restarts in every sheet, so that a patient is called sheet-SAMPLE_ID. Covariates that the sheet leaves
    empty are absent.

    Raises
    ------
    InputError : the longest follow-up, taken in `unit`, is not between 1 and 20 years.
    """
    missing = [pl.lit(None, pl.Float64).alias(name) for name in _OUTCOMES if name not in frame.columns]
    rows = frame.with_columns(pl.concat_str(pl.lit(f"{sheet}-"), identifier("SAMPLE_ID")).alias("patient"), *missing)
    _check_unit(rows, sheet, unit)
    ends = outcomes(
        rows, unit, survival="OS_Months", death=flag("OS_Event"), pfs="PFS_Months", progression=flag("PFS_Event")
    )
    tables = {
        "patients": _patients(rows, sheet, arm),
        "assessments": _responses(rows),
        **outcome_tables(ends),
    }
    unused = tuple(
        Unused("followup", f"time or event of {kind} is empty", missing_outcomes(ends, kind))
        for kind in ("death", "progression")
    )
    return Published(tables, unused)


def _patients(rows: pl.DataFrame, sheet: str, arm: str) -> pl.DataFrame:
    given = [column for name, column in _COVARIATES.items() if name in rows.columns and _any(rows, name)]
    return rows.select("patient", pl.lit(sheet).alias("study"), pl.lit(arm).alias("arm"), *given)


def _any(rows: pl.DataFrame, name: str) -> bool:
    return rows[name].null_count() < rows.height


def _responses(rows: pl.DataFrame) -> pl.DataFrame:
    words = flag("Response").replace_strict({True: "responder", False: "non-responder"}, return_dtype=pl.String)
    return best_responses(rows.with_columns(words.alias("word")), "word", criterion="as published")


def _check_unit(rows: pl.DataFrame, sheet: str, unit: str) -> None:
    longest = rows.select(number("OS_Months").max() * DAYS_PER_UNIT[unit] / DAYS_PER_YEAR).item()
    low, high = LONGEST_FOLLOWUP_YEARS
    if longest is None or not low <= longest <= high:
        problem = Problem(
            rule="time-unit",
            found=f"a longest follow-up of {longest} years, with times read as {unit}s",
            expected=f"{low:g} to {high:g} years",
            remedy="read the sheet in the other unit: days in Ravi_NSCLC, months elsewhere",
            file=FILE.name,
            table=sheet,
            column="OS_Months",
        )
        raise InputError([problem], f"sheet {sheet}")


_WARNINGS = (
    "Patients are numbered anew in every sheet and patients of different sheets must not be joined by number; some may "
    "be in more than one cohort of the same hospital.",
    "Response is as each cohort's authors defined it. The covariate response is an outcome: never a predictor.",
    "Day 0 is where the authors of each cohort began to count: the start of the checkpoint inhibitor, where one was "
    "given.",
    "histology_code is kept as published; its codes are not explained. No tumour sizes.",
    OUTCOME_NOTE,
)


def _data_set(sheet: Sheet) -> DataSet:
    return DataSet(
        name=sheet.data_set,
        title=f"LORIS workbook, {sheet.name}: covariates and outcomes, arm {sheet.arm}",
        citation="Chang TG and others. LORIS robustly predicts patient outcomes with immune checkpoint blockade "
        "therapy using common clinical, pathologic and genomic features. Nat Cancer 2024;5:1158-1175",
        licence="GPL-3.0, the licence of the repository rootchang/LORIS that holds it",
        doi="10.1038/s43018-023-00694-5",
        files=(FILE,),
        read=_reader(sheet),
        patients=sheet.patients,
        warnings=(*sheet.notes, *_WARNINGS),
        accepted=sheet.accepted,
    )


LORIS = Registry("LORIS cohort", {sheet.data_set: _data_set(sheet) for sheet in SHEETS})
