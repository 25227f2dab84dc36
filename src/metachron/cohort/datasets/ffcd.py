"""FFCD 2000-05: metastatic colorectal cancer, sequential against combination chemotherapy, 150 patients.

Source: data frames colorectal and colorectalLongi of the R package frailtypack; trial: Ducreux 2011, Lancet Oncol
12:1032, doi:10.1016/S1470-2045(11)70199-1; analysis: Krol 2016, doi:10.1111/biom.12490.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from metachron.cohort.datasets.dataset import DataSet, Published
from metachron.cohort.datasets.outcomes import exact_events, followup_from_start
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import identifier, number, read_rda, recode, text, to_days
from metachron.cohort.datasets.sizes import with_state
from metachron.cohort.exceptions import AcceptedException

BOX_COX_POWER = 0.3
"""Power of the published Box-Cox scale, y = (cm^0.3 - 1)/0.3 (Krol 2016, doi:10.1111/biom.12490)."""
_ROUNDING = 1e-12
_MM_PER_CM = 10.0


def _file(name: str, sha256: str) -> PublicFile:
    homes = ("cran/frailtypack/HEAD", "socale/frailtypack/HEAD")
    return PublicFile(
        name=f"{name}.rda",
        sha256=sha256,
        urls=tuple(f"https://raw.githubusercontent.com/{home}/data/{name}.rda" for home in homes),
        origin="the folder data of the R package frailtypack (https://CRAN.R-project.org/package=frailtypack)",
    )


EVENTS_FILE = _file("colorectal", "65cd6fd5a97cbaab6742ceda6df32ba92c12ed5dba4a793526ca6bc05ef8966c")
SIZES_FILE = _file("colorectalLongi", "b356202fc0c9e8c77ae7faadfc796f5abf643d769035669dba9ee8c0b334b2ff")


def size_mm_from_box_cox(value: pl.Expr) -> pl.Expr:
    """Return the sum of diameters in mm, 10 (0.3 y + 1)^(1/0.3), of a published value y.

    y = -1/0.3, printed -3.33333333333333, is a sum of zero.
    """
    base = BOX_COX_POWER * value + 1
    power = pl.when(base.abs() < _ROUNDING).then(0.0).otherwise(base).pow(1 / BOX_COX_POWER)
    return _MM_PER_CM * power


def read(paths: Mapping[str, Path]) -> Published:
    """Return the tables of FFCD 2000-05; every published row is used."""
    events = _named(read_rda(paths[EVENTS_FILE.name], "colorectal"))
    sizes = _named(read_rda(paths[SIZES_FILE.name], "colorectalLongi"))
    return Published(tables_of(events, sizes))


def tables_of(events: pl.DataFrame, sizes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the tables of the schema from the two published data frames (with column patient)."""
    spells = events.with_columns(to_days("time1", "year").alias("day"))
    ends = spells.group_by("patient", maintain_order=True).last()
    size = size_mm_from_box_cox(number("tumor.size"))
    sums = sizes.select("patient", to_days("year", "year").alias("day"), size.alias("size_mm"))
    deaths, new_lesions = ends.filter(pl.col("state") == 1), spells.filter(pl.col("new.lesions") == 1)
    return {
        "patients": _patients(ends),
        "measurements": with_state(sums),
        "visits": sums.select("patient", "day"),
        "events": pl.concat([exact_events(deaths, "death", "day"), exact_events(new_lesions, "new_lesion", "day")]),
        "followup": pl.concat([followup_from_start(ends, kind, "day") for kind in ("death", "new_lesion")]),
    }


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(identifier("id").alias("patient"))


def _patients(ends: pl.DataFrame) -> pl.DataFrame:
    return ends.select(
        "patient",
        pl.lit("FFCD 2000-05").alias("study"),
        recode("treatment", {"S": "sequential", "C": "combination"}).alias("arm"),
        text("age").str.strip_suffix(" years").alias("age_group"),
        text("who.PS").alias("who_ps"),
        text("prev.resection").str.to_lowercase().alias("previous_resection"),
    )


FFCD = DataSet(
    name="ffcd2000-05",
    title="FFCD 2000-05: sum of diameters, new lesions and death; sequential against combination chemotherapy in "
    "metastatic colorectal cancer (150 of the 410 patients)",
    citation="Ducreux M and others. Sequential versus combination chemotherapy for the treatment of advanced "
    "colorectal cancer (FFCD 2000-05). Lancet Oncol 2011;12:1032-1044; by courtesy of the Fédération Francophone de "
    "Cancérologie Digestive and Gustave Roussy; analysed in Krol A and others, Biometrics 2016, doi:10.1111/biom.12490",
    licence="GPL (>= 2), as part of the R package frailtypack",
    doi="10.1016/S1470-2045(11)70199-1",
    files=(EVENTS_FILE, SIZES_FILE),
    read=read,
    patients=150,
    measurements=906,
    design={"control arm": "sequential", "randomised": "yes"},
    warnings=(
        "Sizes and events belong to the same person. Sizes are sums over target lesions, published on the Box-Cox "
        "scale (power 0.3, cm) and turned back into mm here; 34 sums of zero (-3.33 there) are absent lesions.",
        "Times of new lesions are exact and each equals a visit; their organ and visits without a size are not given. "
        "The risk of a new lesion is followed to death or last contact, as in the published analyses.",
        "Published years divide some intervals by 366 days and others by 365, so days (x 365.25) are right to 0.3 %.",
    ),
    accepted=(
        AcceptedException(
            "101",
            "after-death",
            "one size at 1.459 years, death at 1.148 years; kept because the published analyses kept it",
        ),
    ),
)
