"""Folders: written and read back, empty ones to fill in, and load by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from metachron.base import InputError, ModelError
from metachron.cohort import SCHEMA, AcceptedException, Cohort
from metachron.cohort.folder import read_folder
from metachron.cohort.read import load
from metachron.cohort.template import write_template
from metachron.cohort.write import write_folder

FORMATS: tuple[Literal["csv", "parquet"], ...] = ("csv", "parquet")


@pytest.fixture
def awkward(cohort: Cohort) -> Cohort:
    """A cohort with everything that a file format may lose."""
    tables = dict(cohort.tables)
    tables["patients"] = tables["patients"].with_columns(
        pl.Series("code", ["01", "02", None, 'é, "quoted"']),
        pl.Series("numbers", ["1", "2", None, "3"]),
        pl.Series("lab value", [0.1 + 0.2, 1e-300, None, -0.0]),
    )
    tables["visits"] = (
        tables["visits"].with_columns(day=pl.col("day") / 3).vstack(pl.DataFrame({"patient": ["P1"], "day": [400.5]}))
    )
    tables["alterations"] = pl.DataFrame({"patient": ["P1"], "gene": ["KRAS"], "depth": [12], "caller": ["x;y"]})
    return Cohort.create(
        'name with "quotes" and \\',
        tables,
        limit_mm=4.5,
        accept=[AcceptedException("P1", "after-death", "reason with 'quotes'\nand lines")],
        notes=["note 1", "note = 2 # é"],
        provenance={"licence": "CC BY 4.0", "odd key": "x"},
        unused=pl.DataFrame({"table": ["visits"], "reason": ["no, day"], "count": [3], "patients": [2]}),
    )


@pytest.mark.parametrize("format", FORMATS)
def test_written_and_read_back(awkward: Cohort, tmp_path: Path, format: Literal["csv", "parquet"]) -> None:
    folder = write_folder(awkward, tmp_path / "a" / "b", format=format)
    again = read_folder(folder)
    assert again == awkward
    for name, frame in awkward.tables.items():
        assert again.tables[name].equals(frame), name
        assert again.tables[name].schema == frame.schema, name
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


def test_a_folder_that_metachron_wrote_is_replaced(awkward: Cohort, cohort: Cohort, tmp_path: Path) -> None:
    write_folder(awkward, tmp_path / "x", format="parquet")
    write_folder(cohort, tmp_path / "x")
    assert read_folder(tmp_path / "x") == cohort
    assert not (tmp_path / "x" / "alterations.parquet").exists()


def test_foreign_folders_are_not_touched(
    cohort: Cohort, texts: dict[str, str], write_texts: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "trial"
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match="folder-not-usable"):
        write_folder(cohort, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    write_folder(cohort, folder, overwrite=True)
    assert read_folder(folder) == cohort
    (folder / "notes.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"notes\.csv"):
        write_folder(cohort, folder, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file of that name"):
        write_folder(cohort, tmp_path / "file", overwrite=True)
    with pytest.raises(ModelError, match="'csv' or 'parquet'"):
        write_folder(cohort, tmp_path / "new", format="xlsx")  # type: ignore[arg-type]


def test_text_that_looks_like_numbers_is_a_number_unless_said_otherwise(
    texts: dict[str, str], write_texts: Callable[..., Path]
) -> None:
    texts["patients.csv"] = texts["patients.csv"].replace("north", "1").replace("south", "2")
    folder = write_texts(texts)
    assert read_folder(folder).patients["site"].to_list() == [1.0, 2.0, None, 1.0]
    (folder / "mapping.toml").write_text('[patients]\ntypes = { site = "text" }\n')
    assert read_folder(folder).patients["site"].to_list() == ["1", "2", None, "1"]


def test_windows_files_with_byte_order_mark(cohort: Cohort, texts: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "windows" / "trial"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_folder(folder) == cohort


def test_files_that_are_no_tables_may_be_ignored(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    folder = write_texts({**texts, "old_sizes.csv": "x\n1\n", "README.txt": "hello"})
    with pytest.raises(InputError, match="unknown-table"):
        read_folder(folder)
    (folder / "mapping.toml").write_text('ignore = ["old_*.csv"]\n')
    assert read_folder(folder).patients.height == 4


def test_a_file_that_may_not_be_read(
    texts: dict[str, str], write_texts: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read_bytes = write_texts(texts), Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "visits.csv":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match="unreadable-file") as caught:
        read_folder(folder)
    assert [(p.file, p.found) for p in caught.value.problems] == [("visits.csv", "Permission denied")]


def test_a_folder_that_may_not_be_read_or_written(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="no-folder"):
        read_folder(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        write_folder(cohort, tmp_path / "new")


def test_the_template_is_a_valid_empty_cohort(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "new")
    assert {p.name for p in folder.iterdir()} == {"mapping.toml", "README.txt", *(f"{t}.csv" for t in SCHEMA)}
    cohort = read_folder(folder)
    assert cohort.name == "new"
    assert cohort.patients.is_empty()
    with pytest.raises(InputError, match="folder-not-usable"):
        write_template(folder)


def test_the_examples_of_the_template_are_valid(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "new")
    lines = (folder / "README.txt").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  example: "):
            table = next(text for text in reversed(lines[:number]) if ".csv: one row" in text).split(".")[0]
            header, row = line.removeprefix("  example: "), lines[number + 1].strip()
            assert (folder / f"{table}.csv").read_text() == header + "\n"
            (folder / f"{table}.csv").write_text(f"{header}\n{row}\n")
    cohort = read_folder(folder)
    assert all(frame.height == 1 for frame in cohort.tables.values())


def test_the_mapping_of_the_template_is_valid_when_uncommented(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "new")
    lines = (folder / "mapping.toml").read_text().splitlines()
    inside = [line.removeprefix("# ") for line in lines if line.startswith("# ") and ("= " in line or line[2] == "[")]
    (folder / "mapping.toml").write_text("\n".join(inside))
    tumour = "SUBJID,LESID,VISITWK,DIAM,SITE\n" + "P017,L1,-1,3.4,LIV\nP017,L1,60,TOO SMALL,LIV\nP017,L2,-1,2.2,LUNG\n"
    (folder / "tumour.csv").write_text(tumour.replace(",", ";").replace("3.4", "3,4"))
    (folder / "survival.csv").write_text("SUBJID;DEAD;OS_MONTHS\nP017;1;12\n")
    (folder / "patients.csv").write_text("SUBJID;TRT;AGE;ALB;site\nP017;docetaxel;61;41;01\n")
    for table in ("lesions", "measurements", "events", "followup"):
        (folder / f"{table}.csv").unlink()
    for name in ("visits", "assessments", "markers", "therapies", "alterations"):
        text = (folder / f"{name}.csv").read_text()
        (folder / f"{name}.csv").write_text(text.replace(",", ";"))
    cohort = read_folder(folder)
    assert cohort.lesions["organ"].to_list() == ["liver", "lung"]
    assert cohort.measurements["state"].to_list() == ["measured", "below_limit", "measured"]
    assert cohort.measurements["size_mm"].to_list() == [34.0, None, 22.0]
    assert cohort.patients["albumin_g_per_dl"].to_list() == [pytest.approx(4.1)]
    assert [a.rule for a in cohort.accepted] == ["after-death"]


def test_load_by_folder_and_by_name(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    folder = write_texts(texts)
    assert load(folder) == load(str(folder)) == read_folder(folder)
    with pytest.raises(InputError, match="no-cohort") as caught:
        load(str(folder)[:-1])
    assert str(folder) in str(caught.value)
    assert "public data set" in str(caught.value)
