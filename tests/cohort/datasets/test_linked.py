"""The sets in which sizes and survival belong together: FFCD 2000-05, INSPIRE; and oak203, where they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from metachron.base import InputError
from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS
from metachron.cohort.datasets.reading import read_rda

Load = Callable[[str], Cohort]
TABLES = {
    "ffcd2000_05_events.csv": "colorectal",
    "ffcd2000_05_tumour_size.csv": "colorectalLongi",
    "inspire_patients.csv": "pembrolizumab",
    "inspire_tumour_change.csv": "ctDNA",
}


@pytest.mark.parametrize(("copy", "name"), TABLES.items())
def test_published_r_data_equal_the_csv_copies(data_dir: Path, copy: str, name: str) -> None:
    """Texts and missing cells exactly; numbers to the 15 digits that the copies print."""
    frame = read_rda(data_dir / f"{name}.rda", name)
    read = pl.read_csv(data_dir / copy, infer_schema_length=None)
    same = read.select(pl.col(column).cast(dtype) for column, dtype in frame.schema.items())
    assert_frame_equal(same, frame, rel_tol=1e-13, abs_tol=1e-13)


def _kinds(cohort: Cohort) -> dict[str, int]:
    return dict(cohort.events["kind"].value_counts().iter_rows())


def test_ffcd_counts(load: Load) -> None:
    cohort = load("ffcd2000-05")
    assert (cohort.patients.height, cohort.measurements.height, cohort.unused.height) == (150, 906, 0)
    assert _kinds(cohort) == {"death": 121, "new_lesion": 139}
    new = cohort.patients.join(
        cohort.events.filter(pl.col("kind") == "new_lesion").group_by("patient").len(), on="patient", how="left"
    )
    counts = dict(new["len"].fill_null(0).value_counts().iter_rows())
    assert counts == {0: 60, 1: 54, 2: 25, 3: 9, 4: 2}
    assert (cohort.measurements["state"] == "absent").sum() == 34
    assert cohort.arms == ("combination", "sequential")


def test_ffcd_new_lesions_are_seen_at_visits(load: Load) -> None:
    cohort = load("ffcd2000-05")
    new = cohort.events.filter(pl.col("kind") == "new_lesion")
    assert new.join(cohort.visits, left_on=["patient", "day_upper"], right_on=["patient", "day"]).height == 139


def test_ffcd_sizes_go_back_to_the_published_scale(load: Load, data_dir: Path) -> None:
    published = pl.read_csv(data_dir / "ffcd2000_05_tumour_size.csv")
    size_mm = load("ffcd2000-05").measurements["size_mm"].to_numpy()
    back = ((size_mm / 10) ** 0.3 - 1) / 0.3
    assert np.abs(back - published["tumor.size"].to_numpy()).max() < 1e-9
    day = load("ffcd2000-05").measurements["day"].to_numpy()
    assert np.abs(day / 365.25 - published["year"].to_numpy()).max() < 2e-9  # days are kept to 1e-6


def test_ffcd_size_after_death_is_found_and_accepted(load: Load) -> None:
    data_set = DATASETS["ffcd2000-05"]
    assert [(entry.patient, entry.rule) for entry in load("ffcd2000-05").accepted] == [("101", "after-death")]
    with pytest.raises(InputError) as caught:
        replace(data_set, accepted=()).load()
    assert {problem.patients for problem in caught.value.problems} == {("101",)}
    row = load("ffcd2000-05").measurements.filter(pl.col("patient") == "101")["day"].max() / 365.25
    death = load("ffcd2000-05").events.filter(pl.col("patient") == "101", pl.col("kind") == "death")["day_upper"].item()
    assert (round(row, 3), round(death / 365.25, 3)) == (1.459, 1.148)


def test_inspire_counts(load: Load) -> None:
    cohort = load("inspire")
    assert cohort.patients.height == 94
    assert cohort.measurements.height == 94 + 270 - 8
    assert cohort.unused["count"].to_list() == [8]
    assert cohort.visits.height == 94 + 270
    later = cohort.measurements.filter(pl.col("day") > 0)
    assert (later["state"] == "absent").sum() == 20
    assert cohort.visits.filter(pl.col("day") > 0)["patient"].n_unique() == 74
    assert _kinds(cohort)["death"] == 64
    ended = cohort.events.group_by("patient").len().height
    assert ended == 82  # patients whose progression-free survival ended, by progression or death


def test_inspire_sizes_follow_from_baseline_and_change(load: Load, data_dir: Path) -> None:
    cohort = load("inspire")
    sizes = cohort.measurements.join(cohort.patients.select("patient", "baseline_sld_mm"), on="patient")
    base = sizes.filter(pl.col("day") == 0)
    assert (base["size_mm"] == base["baseline_sld_mm"]).all()
    published = pl.read_csv(data_dir / "inspire_tumour_change.csv").drop_nulls("size_change")
    later = sizes.filter(pl.col("day") > 0)
    change = 100 * (later["size_mm"] / later["baseline_sld_mm"] - 1)
    assert (change - published["size_change"]).abs().max() < 1e-9
    assert (later["day"] / 7 - published["time"]).abs().max() < 1e-6


def test_inspire_ctdna_change_is_known_from_cycle_3_on(load: Load) -> None:
    cohort = load("inspire")
    counts = cohort.markers.group_by("marker", "day").agg(pl.len(), pl.col("value").sum()).sort("day")
    assert counts["day"].to_list() == [0.0, 42.0]
    assert counts["len"].to_list() == [94, 73]
    assert counts["value"][1] == 33
    assert not [name for name in cohort.covariates if "change" in name or "decrease" in name]
    changed = cohort.markers.filter(pl.col("day") > 0).join(cohort.followup, on="patient")
    assert changed.filter(pl.col("kind") == "death")["last_day"].min() > 42.0


def test_inspire_sizes_after_last_contact_are_those_listed(load: Load) -> None:
    cohort = load("inspire")
    last = cohort.followup.filter(pl.col("kind") == "death").select("patient", "last_day")
    late = cohort.measurements.join(last, on="patient").filter(pl.col("day") > pl.col("last_day"))
    by = (late["day"] - late["last_day"]).to_list()
    assert (round(min(by)), round(max(by))) == (14, 98)
    listed = next(note for note in cohort.notes if "last contact" in note)
    assert set(late["patient"]) == {word.strip(",") for word in listed.split() if word.startswith("INS-")}


def test_oak203_counts(load: Load, data_dir: Path) -> None:
    cohort = load("oak203")
    rows = cohort.measurements.join(cohort.patients.select("patient", "arm"), on="patient")
    counts = rows.group_by("arm").agg(pl.len().alias("rows"), pl.col("patient").n_unique()).sort("arm")
    assert counts.rows() == [("atezolizumab", 630, 107), ("docetaxel", 463, 96)]
    assert set(cohort.measurements["state"]) == {"measured"}
    published = pl.read_csv(data_dir / "oak203_tumour_size.csv")
    assert cohort.measurements["size_mm"].to_list() == published["sld"].to_list()
    assert (cohort.measurements["day"] / 365.25 - published["year"]).abs().max() < 1e-9
    assert _kinds(cohort)["death"] == 108
    assert (cohort.measurements["day"] == cohort.measurements["day"].round()).all()


def test_oak203_times_are_years(load: Load, data_dir: Path) -> None:
    """The survival of each patient is that of the clinical table, whose months are another unit of the same days."""
    clinical = load("oak-clinical").followup.filter(pl.col("kind") == "death")
    here = load("oak203").followup.filter(pl.col("kind") == "death")
    both = here.join(clinical, on="patient", suffix="_clinical")
    assert both.height == 203
    assert (both["last_day"] == both["last_day_clinical"]).all()
