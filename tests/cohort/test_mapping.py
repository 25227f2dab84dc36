"""Mapping files: other names, words and units; and what is wrong in a mapping file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from metachron.base import InputError
from metachron.cohort.folder import read_folder
from metachron.cohort.mapping import FolderMapping, read_mapping

SURVIVAL = "ID;OS (months);died;PFS;event;arm code;age\nx1;12;1;6;1;A;61,5\nx2;24;0;3;1;B;-\nx3;6;0;6;0;A;50\n"
SIZES = "ID;lesion no;week;cm;where\nx1;1;-1;2,5;LIVER\nx1;1;6;0;LIVER\nx2;1;0;NE;NODE\nx2;1;8;5;NODE\nx2;2;8;TS;NODE\n"
MAPPING = """
name = "mapped"
separator = ";"
decimal_comma = true
missing = ["-"]
limit_mm = 4

[patients]
file = "survival.csv"
columns = { patient = "ID", arm = "arm code", age_year = "age" }
constants = { study = "T" }
values.arm = { control = ["A"], experimental = ["B"] }

[lesions]
file = "sizes.csv"
distinct = true
columns = { patient = "ID", lesion = "lesion no", organ = "where" }
constants = { role = "target" }
values.organ = { liver = ["LIVER"], lymph_node = ["NODE"] }

[measurements]
file = "sizes.csv"
columns = { patient = "ID", lesion = "lesion no", day = "week", size_mm = "cm" }
units = { day = "week", size_mm = "cm" }
states = { absent = ["0"], below_limit = ["TS"], not_evaluable = ["NE"] }

[[events]]
file = "survival.csv"
where = { died = ["1"] }
columns = { patient = "ID", day_lower = "OS (months)", day_upper = "OS (months)" }
units = { day_lower = "month", day_upper = "month" }
constants = { kind = "death" }

[[events]]
file = "survival.csv"
where = { event = ["1"] }
columns = { patient = "ID", day_lower = "PFS", day_upper = "PFS" }
units = { day_lower = "month", day_upper = "month" }
constants = { kind = "progression" }

[[followup]]
file = "survival.csv"
columns = { patient = "ID", last_day = "OS (months)" }
units = { last_day = "month" }
constants = { kind = "death", entry_day = 0 }

[[followup]]
file = "survival.csv"
columns = { patient = "ID", last_day = "PFS" }
units = { last_day = "month" }
constants = { kind = "progression", entry_day = 0 }
"""


@pytest.fixture
def folder(write_texts: Callable[..., Path]) -> Path:
    """Two spreadsheets of another make, with a mapping."""
    return write_texts({"survival.csv": SURVIVAL, "sizes.csv": SIZES, "mapping.toml": MAPPING})


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def test_organs_in_free_text_are_mapped_and_the_rest_is_listed(folder: Path) -> None:
    edit(folder, "mapping.toml", 'values.organ = { liver = ["LIVER"], lymph_node = ["NODE"] }', "organ_texts = true")
    edit(folder, "sizes.csv", "x2;2;8;TS;NODE", "x2;2;8;TS;somewhere")
    cohort = read_folder(folder)
    assert cohort.lesions["organ"].to_list() == ["liver", "lymph_node", "unknown"]
    assert any("'somewhere' (1)" in note for note in cohort.notes)


def test_two_spreadsheets_become_a_cohort(folder: Path) -> None:
    cohort = read_folder(folder)
    assert cohort.name == "mapped"
    assert cohort.limit_mm == 4
    assert cohort.patients.rows() == [
        ("x1", "T", "control", 61.5), ("x2", "T", "experimental", None), ("x3", "T", "control", 50.0),
    ]  # fmt: skip
    assert cohort.lesions.rows() == [
        ("x1", "1", "liver", "target"), ("x2", "1", "lymph_node", "target"), ("x2", "2", "lymph_node", "target"),
    ]  # fmt: skip
    assert cohort.measurements.rows() == [
        ("x1", "1", -7.0, 25.0, "measured"), ("x1", "1", 42.0, None, "absent"), ("x2", "1", 0.0, None, "not_evaluable"),
        ("x2", "1", 56.0, 50.0, "measured"), ("x2", "2", 56.0, None, "below_limit"),
    ]  # fmt: skip
    month = 365.25 / 12
    assert cohort.events.select("patient", "kind", "day_upper").rows() == [
        ("x1", "death", pytest.approx(12 * month)),
        ("x1", "progression", pytest.approx(6 * month)),
        ("x2", "progression", pytest.approx(3 * month)),
    ]
    assert cohort.followup.height == 6
    assert any("columns of survival.csv that the mapping does not use" in note for note in cohort.notes)


def test_a_mapping_may_lie_elsewhere_or_be_an_object(folder: Path, tmp_path: Path) -> None:
    whole = read_folder(folder)
    elsewhere = (folder / "mapping.toml").rename(tmp_path / "my.toml")
    assert read_folder(folder, mapping=elsewhere) == whole
    assert read_folder(folder, mapping=read_mapping(elsewhere)) == whole


def test_rows_are_those_of_the_file_as_it_lies_there(folder: Path) -> None:
    """Filtered and repeated rows do not shift the numbers in a message."""
    edit(folder, "survival.csv", "x2;24;0;3;1", "x2;24;1;-3;1")
    with pytest.raises(InputError) as caught:
        read_folder(folder)
    early = [p for p in caught.value.problems if p.rule == "event-before-entry"]
    assert [(p.rows, p.patients, p.file) for p in early] == [((2,), ("x2",), "survival.csv")]


def test_cells_that_cannot_be_converted_are_shown_as_they_stand(folder: Path) -> None:
    edit(folder, "sizes.csv", "2,5", "2x5")
    with pytest.raises(InputError, match="found '2x5'"):
        read_folder(folder)


def test_parquet_tables_are_converted_too(folder: Path) -> None:
    cells = {"ID": ["x1", "x2", "x2"], "lesion no": [1, 1, 1], "week": [-1, 0, 8], "cm": [2.5, 0, 3], "ok": [1.0, 1, 0]}
    frame = pl.DataFrame(cells, strict=False)
    frame.write_parquet(folder / "sizes2.parquet")
    new = '[measurements]\nfile = "sizes2.parquet"\nwhere = { ok = ["1"] }'
    edit(folder, "mapping.toml", '[measurements]\nfile = "sizes.csv"', new)
    cohort = read_folder(folder)
    assert cohort.measurements.rows() == [("x1", "1", -7.0, 25.0, "measured"), ("x2", "1", 0.0, None, "absent")]


@pytest.mark.parametrize(
    ("old", "new", "rule", "column", "says"),
    [
        ('name = "mapped"', "name = ", "mapping", None, "no valid TOML"),
        ("separator", "separators", "mapping", "separators", "did you mean 'separator'?"),
        ("limit_mm = 4", 'limit_mm = "four"', "mapping", "limit_mm", "'four'"),
        ("limit_mm = 4", "limit_mm = -4", "limit-not-positive", "limit_mm", "above 0 mm"),
        ('separator = ";"', 'separator = ";;"', "mapping", "separator", "';;'"),
        ("[lesions]", "[lesion]", "mapping", "lesion", "did you mean 'lesions'?"),
        ("distinct", "unique", "mapping", "lesions.unique", "distinct"),
        ('lesion = "lesion no", day', 'lesions = "lesion no", day', "mapping", "measurements.columns.lesions",
         "did you mean 'lesion'?"),
        ('day = "week", size_mm = "cm" }\nstates', 'day = "weeks", size_mm = "cm" }\nstates', "mapping",
         "measurements.units.day", "did you mean 'week'?"),
        ("absent = ", "abscent = ", "mapping", "measurements.states.abscent", "did you mean 'absent'?"),
        ('day = "week", size_mm = "cm" }\nunits', 'day = "Week", size_mm = "cm" }\nunits', "mapping", "day",
         "did you mean 'week'?"),
        ('died = ["1"]', 'died = ["yes"]', "mapping", "where.died", "'1', '0'"),
        ("died = ", "dead = ", "mapping", "where.dead", "no column 'dead'"),
        ('role = "target"', 'role = "target", organ = "liver"', "mapping", "organ", "`constants`"),
        ('control = ["A"]', "control = []", "unmapped-value", "arm", "'A'"),
        ('file = "sizes.csv"\ndistinct', 'file = "size.csv"\ndistinct', "unreadable-file", None, "no such file"),
        ('constants = { study = "T" }', 'units = { age_year = "day" }', "mapping", "patients.units.age_year", "month"),
        ('constants = { study = "T" }', 'units = { bmi = "day" }', "mapping", "patients.units.bmi", "no unit"),
        ("[[events]]", '[[accept]]\npatient = "x1"\n[[events]]', "mapping", "accept.rule", "nothing"),
        ("[[events]]", '[[accept]]\npatient = "x1"\nrule = "after-death"\nreason = "r"\n[[events]]', "accept-unmatched",
         "accept", "mapping.toml"),
        ("[lesions]", '[lesions]\nstates = { absent = ["0"] }', "mapping", "lesions.states", "[measurements]"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_mapping_is_named(
    folder: Path, old: str, new: str, rule: str, column: str | None, says: str
) -> None:
    edit(folder, "mapping.toml", old, new)
    with pytest.raises(InputError) as caught:
        read_folder(folder)
    fitting = [p for p in caught.value.problems if (p.rule, p.column) == (rule, column)]
    assert fitting, str(caught.value)
    assert says in str(fitting[0])
    assert fitting[0].remedy


def test_a_mapping_that_is_not_text(folder: Path) -> None:
    (folder / "mapping.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"mapping\.toml"):
        read_folder(folder)


def test_two_mappings_are_one_too_many(folder: Path) -> None:
    (folder / "cohort.toml").write_text("")
    with pytest.raises(InputError, match="one of the two"):
        read_folder(folder)


def test_accepted_exceptions_of_a_mapping(folder: Path) -> None:
    edit(folder, "survival.csv", "x1;12;1", "x1;1;1")
    edit(folder, "survival.csv", "x1;1;1;6;1", "x1;1;1;1;0")
    with pytest.raises(InputError, match="after-death"):
        read_folder(folder)
    text = '[[accept]]\npatient = "x1"\nrule = "after-death"\nreason = "as published"\n'
    (folder / "mapping.toml").write_text(MAPPING + text)
    assert [a.reason for a in read_folder(folder).accepted] == ["as published"]


def test_an_empty_mapping_changes_nothing(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    folder = write_texts(texts)
    assert read_folder(folder) == read_folder(folder, mapping=FolderMapping())
