"""The layout of the public RECIST data set: dates to days, sites in free text to organs, clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from metachron.base import InputError
from metachron.cohort.datasets import DATASETS
from metachron.cohort.datasets.recist_open import DOI
from metachron.cohort.read import load

PATIENTS = "patient_id,age,sex,diagnosis,histology\nP1,61,F,colon cancer,adenocarcinoma\nP2,70,m,melanoma,\n"
SIZES = """patient_id,study_date,region,lesion_label_alias,recist_measurement_mm,study_order
P1,20190410,Liver segment VI,L1,31.5,1
P1,20190410,right hilar lymph node,L2,18,1
P1,20190605,Liver segment VI,L1,22.0,2
P1,20190605,right hilar lymph node,L2,,2
P1,20190605,xyz,L3,9,2
P2,20200101,RUL,L1,12,1
P2,20200229,RUL,L1,0,2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "patients.csv").write_text(PATIENTS, encoding="utf-8")
    (tmp_path / "recist_measurements.csv").write_text(SIZES, encoding="utf-8")
    return tmp_path


def test_folder_becomes_a_cohort(folder: Path) -> None:
    cohort = load(folder)
    assert cohort.lesions.rows() == [
        ("P1", "L1", "liver", "target"),
        ("P1", "L2", "lymph_node", "target"),
        ("P1", "L3", "unknown", "new"),
        ("P2", "L1", "lung", "target"),
    ]
    assert cohort.measurements.rows() == [
        ("P1", "L1", 0.0, 31.5, "measured"),
        ("P1", "L2", 0.0, 18.0, "measured"),
        ("P1", "L1", 56.0, 22.0, "measured"),
        ("P1", "L2", 56.0, None, "not_evaluable"),
        ("P1", "L3", 56.0, 9.0, "measured"),
        ("P2", "L1", 0.0, 12.0, "measured"),
        ("P2", "L1", 59.0, 0.0, "absent"),
    ]
    assert cohort.patients["sex"].to_list() == ["female", "male"]
    assert cohort.patients["age_year"].to_list() == [61.0, 70.0]
    assert cohort.visits.height == 4


def test_texts_without_an_organ_are_listed(folder: Path) -> None:
    assert any("'xyz' (1)" in note for note in load(folder).notes)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("P2,20200101", "P2,01.01.2020", "study_date"),
        ("L2,18,1", "L2,eighteen,1", "recist_measurement_mm"),
        ("P1,20190605,Liver segment VI", "P1,20190605,bone", "region"),
        ("region", "place", "region"),
        ("P2,20200101,RUL,L1,12", "P9,20200101,RUL,L1,12", "patient"),
        ("P2,20200101,RUL,L1,12", "P2,20200101,RUL,L1,-12", "size_mm"),
    ],
)
def test_errors_name_file_and_column(folder: Path, old: str, new: str, column: str) -> None:
    file = folder / "recist_measurements.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(folder)
    problem = caught.value.problems[0]
    assert problem.file == "recist_measurements.csv"
    assert problem.column == column


def test_name_reads_the_files_from_the_data_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "data" / DOI.replace("/", "_")
    place.mkdir(parents=True)
    for name in ("patients.csv", "recist_measurements.csv"):
        (folder / name).rename(place / name)
    monkeypatch.setenv("METACHRON_DATA", str(tmp_path / "data"))
    assert DATASETS["recist-open"].load().lesions.height == 4
