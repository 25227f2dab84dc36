"""data, check and template: what they print and write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.cohort.datasets import DATASETS
from metachron.cohort.read import load

Run = Callable[..., tuple[int, str, str]]


def test_data_list_has_one_line_per_data_set(run: Run) -> None:
    code, out, err = run("data", "list")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()[2:]]
    assert names == list(DATASETS)


@pytest.mark.usefixtures("data_dir")
def test_data_describe_tells_contents_warnings_and_licence(run: Run) -> None:
    code, out, err = run("data", "describe", "oak203")
    assert (code, err) == (0, "")
    data_set = DATASETS["oak203"]
    for text in ("oak203: 203 patients", data_set.licence, data_set.citation, *data_set.warnings):
        assert text in out


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_data_export_writes_an_equal_cohort(format: str, run: Run, tmp_path: Path) -> None:
    code, out, err = run("data", "export", "inspire", tmp_path / "inspire", "--format", format)
    assert (code, out) == (0, "")
    assert str(tmp_path / "inspire") in err
    assert (tmp_path / "inspire" / f"patients.{format}").is_file()
    assert load(tmp_path / "inspire") == DATASETS["inspire"].load()


def test_check_describes_a_good_cohort(run: Run, trial: Path) -> None:
    code, out, err = run("check", trial)
    assert (code, err) == (0, "")
    assert "demonstration, chemotherapy: 6 patients" in out
    assert out.endswith("no problems\n")


def test_check_lists_every_problem(run: Run, tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("patient,study,arm\nP1,T,A\nP1,T,A\n")
    (tmp_path / "measurements.csv").write_text("patient,day,size_mm,state\nP1,0,-4,measured\nP9,0,4,measured\n")
    code, out, err = run("check", tmp_path)
    assert (code, out) == (2, "")
    for rule in ("[duplicate-patient]", "[negative-size]", "[unknown-patient]"):
        assert rule in err
    assert err.count("what to do:") >= 3


def test_check_reads_a_mapping(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "patients.csv").write_text("SUBJID,TRT\nP1,A\n")
    mapping = tmp_path / "names.toml"
    mapping.write_text('[patients]\ncolumns = { patient = "SUBJID", arm = "TRT" }\nconstants = { study = "T" }\n')
    assert run("check", folder)[0] == 2
    code, out, _ = run("check", folder, "--mapping", mapping)
    assert code == 0
    assert "T, A: 1 patient" in out


def test_template_is_a_valid_cohort(run: Run, tmp_path: Path) -> None:
    code, out, err = run("template", tmp_path / "new")
    assert (code, out) == (0, "")
    assert f"metachron check {tmp_path / 'new'}" in err
    assert run("check", tmp_path / "new")[0] == 0
    assert run("template", tmp_path / "new")[0] == 2
