"""INSPIRE: pembrolizumab in five cohorts of advanced cancer, with tumour size, ctDNA and survival, 94 patients.

Source: data frames pembrolizumab and ctDNA of the R package reportRmd; trial: Bratman 2020, Nat Cancer 1:873,
doi:10.1038/s43018-020-0096-5.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from metachron.cohort.datasets.dataset import DataSet, Published, Unused
from metachron.cohort.datasets.outcomes import OUTCOME_NOTE, best_responses, outcome_tables, outcomes
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import flag, number, read_rda, text, to_days
from metachron.cohort.datasets.sizes import with_state

CYCLE_3_DAY = 42.0
"""Nominal day of cycle 3: two cycles of 21 days after day 0 (pembrolizumab every three weeks, Bratman 2020)."""


def _file(name: str, sha256: str) -> PublicFile:
    homes = ("cran/reportRmd/HEAD", "biostatsPMH/reportRmd/HEAD")
    return PublicFile(
        name=f"{name}.rda",
        sha256=sha256,
        urls=tuple(f"https://raw.githubusercontent.com/{home}/data/{name}.rda" for home in homes),
        origin="the folder data of the R package reportRmd (https://CRAN.R-project.org/package=reportRmd)",
    )


PATIENTS_FILE = _file("pembrolizumab", "9bd54ce88b1e5f9a3d00161564a8f5a3da1cd4d67cf88425f2e3a5efddcc1ec7")
SIZES_FILE = _file("ctDNA", "dc82a65d56cf217e2512ce65e9030134562765b09c0e8e7d98f31ea6877f3e11")


def read(paths: Mapping[str, Path]) -> Published:
    """Return the tables of INSPIRE, and the follow-up sizes that are empty."""
    people = read_rda(paths[PATIENTS_FILE.name], "pembrolizumab").with_columns(text("id").alias("patient"))
    changes = read_rda(paths[SIZES_FILE.name], "ctDNA").with_columns(text("id").alias("patient"))
    return tables_of(people, changes)


def tables_of(people: pl.DataFrame, changes: pl.DataFrame) -> Published:
    """Return the tables of the schema from the two published data frames (with column patient).

    The size at day 0 is l_size, and after week w it is l_size (1 + change/100) at day 7 w, in mm; a change of -100 %
    is a complete disappearance (state absent). A visit without a change is a visit without a measurement.
    """
    baseline = people.select("patient", pl.lit(0.0).alias("day"), number("l_size").alias("size_mm"))
    later = changes.join(people.select("patient", "l_size"), on="patient", how="left", maintain_order="left").select(
        "patient",
        to_days("time", "week").alias("day"),
        (number("l_size") * (1 + number("size_change") / 100)).alias("size_mm"),
    )
    rows = pl.concat([baseline, later])
    ends = outcomes(
        people, "month", survival="os_time", death=flag("os_status"), pfs="pfs_time", progression=flag("pfs_status")
    )
    tables = {
        "patients": _patients(people),
        "measurements": with_state(rows.drop_nulls("size_mm")),
        "visits": rows.select("patient", "day"),
        "assessments": pl.concat(
            [best_responses(people, "orr"), best_responses(people, "cbr", criterion="clinical benefit")]
        ),
        "markers": _markers(people),
        **outcome_tables(ends),
    }
    empty = tuple(later.filter(pl.col("size_mm").is_null())["patient"])
    return Published(tables, (Unused("measurements", "the change of size is empty (the visit is kept)", empty),))


def _patients(people: pl.DataFrame) -> pl.DataFrame:
    return people.select(
        "patient",
        pl.lit("INSPIRE").alias("study"),
        pl.lit("pembrolizumab").alias("arm"),
        number("age").alias("age_year"),
        text("sex").str.to_lowercase().alias("sex"),
        number("pdl1").alias("pdl1_percent"),
        number("l_size").alias("baseline_sld_mm"),
        text("cohort"),
        number("tmb").alias("log_tmb"),
        number("baseline_ctdna").alias("baseline_ctdna"),
    )


def _markers(people: pl.DataFrame) -> pl.DataFrame:
    fell = text("change_ctdna_group").replace_strict({"Decrease from baseline": 1.0, "Increase from baseline": 0.0})
    values = [
        ("ctdna", 0.0, number("baseline_ctdna"), "as published"),
        ("ctdna_decreased_by_cycle_3", CYCLE_3_DAY, fell, "1 decrease, 0 increase"),
    ]
    frames = [
        people.select(
            "patient",
            pl.lit(marker).alias("marker"),
            pl.lit(day).alias("day"),
            value.alias("value"),
            pl.lit(unit).alias("unit"),
        )
        for marker, day, value, unit in values
    ]
    return pl.concat(frames).drop_nulls("value")


INSPIRE = DataSet(
    name="inspire",
    title="INSPIRE: tumour size, ctDNA, response and survival under pembrolizumab in five cohorts of advanced cancer",
    citation="Bratman SV and others. Personalized circulating tumor DNA analysis as a predictive biomarker in solid "
    "tumor patients treated with pembrolizumab. Nat Cancer 2020;1:873-881",
    licence="MIT, as part of the R package reportRmd",
    doi="10.1038/s43018-020-0096-5",
    files=(PATIENTS_FILE, SIZES_FILE),
    read=read,
    patients=94,
    measurements=356,
    warnings=(
        "Sizes and survival belong to the same person. The file has no row at day 0: the baseline is l_size, and later "
        "sizes are worked out from percentage changes. Twenty of them are -100 %, complete disappearances; 20 patients "
        "have no later size.",
        "The change of ctDNA is known only at cycle 3, for those who lived to it: use it from that landmark on, never "
        f"as a baseline covariate. It stands in markers at the nominal day {CYCLE_3_DAY:.0f}. The ctDNA clearance of "
        "the file was judged over the whole follow-up and is left out.",
        "Cohorts: A head and neck, B triple-negative breast, C ovarian, D melanoma, E mixed. log_tmb is a logarithm, "
        "as published.",
        "The last size of INS-A-019, INS-A-020, INS-D-003 and INS-E-028, alive at last contact, is 14 to 98 days later "
        "than that contact, as published.",
        OUTCOME_NOTE,
    ),
)
