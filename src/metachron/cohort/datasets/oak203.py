"""OAK, 203 patients whose lesion diameters were matched to clinical rows by a published course: numerical checks only.

No public home is known: the two files were put together from the supplementary data of doi:10.1371/journal.pcbi.1009822
and doi:10.1038/s41591-018-0134-3.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from metachron.cohort.datasets.atezolizumab import ONE_LESION_WARNING
from metachron.cohort.datasets.dataset import DataSet, Published
from metachron.cohort.datasets.oak_poplar import ARM, SEX
from metachron.cohort.datasets.outcomes import OUTCOME_NOTE, best_responses, outcome_tables, outcomes
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import identifier, number, recode, text, to_days
from metachron.cohort.datasets.sizes import LESION, one_target_lesion

_ORIGIN = "whoever gave you the set: it is local, made from two public files, and has no public home that we know"
SIZES_FILE = PublicFile(
    "oak203_tumour_size.csv", "a0924c5fcc4e5899211c1175ea575a3568fa1dc33c9945bcf95b1e53370424f3", (), _ORIGIN
)
SURVIVAL_FILE = PublicFile(
    "oak203_survival.csv", "6d9528851f11bc66a5365a3d4675100fd0bd7a481015b8aa492d39a2ec2f5c37", (), _ORIGIN
)


def read(paths: Mapping[str, Path]) -> Published:
    """Return the tables of the 203 patients; every size is as in the file and counts as measured."""
    sizes = pl.read_csv(paths[SIZES_FILE.name]).with_columns(identifier("id").alias("patient"))
    people = pl.read_csv(paths[SURVIVAL_FILE.name]).with_columns(identifier("id").alias("patient"))
    rows = sizes.select(
        "patient",
        pl.lit(LESION).alias("lesion"),
        to_days("year", "year").alias("day"),
        number("sld").alias("size_mm"),
        pl.lit("measured").alias("state"),
    )
    ends = outcomes(
        people, "year", survival="os_time", death=pl.col("os_event"), pfs="pfs_time", progression=pl.col("pfs_event")
    )
    tables = {
        "patients": _patients(people),
        "lesions": one_target_lesion(people),
        "measurements": rows,
        "visits": rows.select("patient", "day"),
        "assessments": best_responses(people, "response", assessor="investigator"),
        **outcome_tables(ends),
    }
    return Published(tables)


def _patients(people: pl.DataFrame) -> pl.DataFrame:
    return people.select(
        "patient",
        pl.lit("OAK").alias("study"),
        recode("arm", ARM).alias("arm"),
        number("age").alias("age_year"),
        recode("sex", SEX).alias("sex"),
        number("ecog").alias("ecog"),
        number("sld").alias("baseline_sld_mm"),
        text("race").str.to_lowercase().alias("race"),
    )


OAK203 = DataSet(
    name="oak203",
    title="OAK, 203 patients: lesion diameters matched to clinical rows; numerical checks only",
    citation="made from Ghaffari Laleh 2022, doi:10.1371/journal.pcbi.1009822, and Gandara 2018, "
    "doi:10.1038/s41591-018-0134-3, by a published course on joint models of tumour growth and survival",
    licence="made from data under CC BY 4.0 and from supplementary material of an article; do not redistribute",
    doi="10.1371/journal.pcbi.1009822",
    files=(SIZES_FILE, SURVIVAL_FILE),
    read=read,
    patients=203,
    measurements=1093,
    warnings=(
        "Use it only to compare numbers with other software. The diameters and the survival were joined by arm, "
        "baseline diameter and response across two separate anonymisations; with permuted baselines almost as many "
        "patients match, so the join is largely chance and says nothing about tumour size and survival in OAK.",
        ONE_LESION_WARNING,
        "Sizes are as in the file, where lesions that were absent or too small stand as 2 mm; all count as measured.",
        OUTCOME_NOTE,
    ),
)
