"""Clinical tables and plasma variants of OAK and POPLAR."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.cohort.datasets import oak_poplar

FILE = oak_poplar.FILE.name
Load = Callable[[str], Cohort]
Sheet = Callable[[str, str], pl.DataFrame]


def _deaths(cohort: Cohort) -> dict[str, int]:
    deaths = cohort.events.filter(pl.col("kind") == "death").join(cohort.patients, on="patient")
    return dict(deaths["arm"].value_counts().iter_rows())


def test_oak_counts(load: Load) -> None:
    cohort = load("oak-clinical")
    assert dict(cohort.patients["arm"].value_counts().iter_rows()) == {"atezolizumab": 425, "docetaxel": 425}
    assert _deaths(cohort) == {"atezolizumab": 271, "docetaxel": 298}  # so OS.CNSR = 0 is a death
    responders = cohort.assessments.filter(pl.col("response").is_in(["CR", "PR"])).join(cohort.patients, on="patient")
    assert dict(responders["arm"].value_counts().iter_rows()) == {"atezolizumab": 58, "docetaxel": 57}
    pdl1 = cohort.patients.group_by("pdl1_tc1ic1", "arm").len()
    assert set(pdl1.iter_rows()) >= {
        ("TC1/2/3 or IC1/2/3", "atezolizumab", 241),
        ("TC1/2/3 or IC1/2/3", "docetaxel", 222),
        ("TC0 and IC0", "atezolizumab", 180),
        ("TC0 and IC0", "docetaxel", 199),
    }
    assert cohort.assessments.height + cohort.unused["count"].sum() == 850


def test_poplar_counts(load: Load) -> None:
    cohort = load("poplar-clinical")
    assert dict(cohort.patients["arm"].value_counts().iter_rows()) == {"atezolizumab": 144, "docetaxel": 143}
    assert _deaths(cohort) == {"atezolizumab": 90, "docetaxel": 110}
    assert "pdl1_tc1ic1" not in cohort.patients.columns


def test_all_variants_are_there(load: Load) -> None:
    assert sum(load(name).alterations.height for name in ("oak-clinical", "poplar-clinical")) == 12_022


@pytest.mark.parametrize("trial", ["OAK", "POPLAR"])
def test_survival_and_pfs_come_back(load: Load, sheet: Sheet, trial: str) -> None:
    """Published months to nine decimals are whole days; PFS is the first event in the follow-up of progression."""
    cohort = load(f"{trial.lower()}-clinical")
    published = sheet(FILE, f"{trial}_Clinical_Data").with_columns(pl.col("PtID").cast(pl.Int64).cast(pl.String))
    last = cohort.followup.pivot("kind", index="patient", values="last_day")
    first = cohort.events.pivot("kind", index="patient", values="day_upper")
    rows = published.join(last, left_on="PtID", right_on="patient").join(
        first, left_on="PtID", right_on="patient", how="left", suffix="_event"
    )
    assert rows.height == published.height
    ended = pl.min_horizontal("death_event", "progression_event") <= pl.col("progression")
    checks = rows.select(
        os=(pl.col("OS") * 365.25 / 12 - pl.col("death")).abs().max(),
        pfs=(pl.col("PFS") * 365.25 / 12 - pl.col("progression")).abs().max(),
        death=((pl.col("OS.CNSR") == 0) == pl.col("death_event").is_not_null()).all(),
        event=((pl.col("PFS.CNSR") == 0) == ended.fill_null(False)).all(),
        pfs_at_event=(
            pl.min_horizontal("death_event", "progression_event", "progression") == pl.col("progression")
        ).all(),
        whole=(pl.col("death") == pl.col("death").round()).all(),
    ).row(0, named=True)
    assert checks["os"] < 1e-6  # nine decimals of a month are 3e-8 day, days are kept to 1e-6
    assert checks["pfs"] < 1e-6
    assert all(checks[name] for name in ("death", "event", "pfs_at_event", "whole"))


def test_dots_are_missing(load: Load) -> None:
    patients = load("oak-clinical").patients
    assert patients["baseline_sld_mm"].null_count() == 1
    assert patients["kras_mutation"].null_count() == 588
    assert patients["pdl1_tc3ic3"].null_count() == 9
    texts = patients.select(pl.col(pl.String))
    assert not any((texts[name] == ".").any() for name in texts.columns)
