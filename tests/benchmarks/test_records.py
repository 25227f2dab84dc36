"""Records are found again under the same code and settings, and become the table of the documentation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from benchmarks.jobs import BENCH, FULL, Job, find_jobs
from benchmarks.record import Record, origin_of, path_of, read_record, write_record
from benchmarks.table import write_tables

from benchmarks import record as records

JOB = Job("marginal", "simulated-200")
FOUND: dict[str, Any] = {
    "draws": 1000,
    "warmup": 300,
    "ess": 500.0,
    "ess_se": 50.0,
    "cpu_seconds": 30.0,
    "compile_cpu_seconds": 10.0,
    "first_draw_cpu_seconds": 20.0,
    "ms_per_leapfrog": 0.5,
    "leapfrogs_sampling": 14000,
    "peak_mib": 900.0,
    "divergences": 0,
    "parameters": [{"parameter": "death.log_shape", "mean": 0.0, "sd": 1.0, "mcse_mean": 0.04}],
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")


def test_record_is_found_again_until_settings_change() -> None:
    assert read_record(JOB) is None
    write_record(Record(JOB, FOUND, {**origin_of(JOB), "made": "2026-01-01T00:00+00:00"}))
    again = read_record(replace(JOB, minutes=99.0))
    assert again is not None
    assert again.found == FOUND
    assert read_record(replace(JOB, draws=JOB.draws + 1)) is None


def test_record_is_of_one_code_and_machine() -> None:
    origin = origin_of(JOB)
    for key, other in (("code", "changed"), ("machine", {**origin["machine"], "cores": 0}), ("versions", {})):
        assert path_of(JOB, {**origin, key: other}) != path_of(JOB, origin)


def test_table_counts_compiling_and_leaves_it_out(tmp_path: Path) -> None:
    short = replace(JOB, cohort="simulated-50000", short=True)
    costs = {key: value for key, value in FOUND.items() if not key.startswith(("ess", "parameters"))}
    origin = {**origin_of(JOB), "made": "2026-01-01T00:00+00:00"}
    path = write_tables([Record(JOB, FOUND, origin), Record(short, costs, origin)], command="x", folder=tmp_path)
    first, second = pl.read_csv(path).to_dicts()
    assert first["ess_per_second_with_compiling"] == pytest.approx(500 / 30, rel=1e-4)  # five digits are written
    assert first["ess_per_second_without_compiling"] == pytest.approx(500 / 20, rel=1e-4)
    assert first["leapfrogs_per_draw"] == 7.0
    assert first["wrong"] is None
    assert second["short"] is True
    assert second["ess_per_second_with_compiling"] is None
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["machines"] == [origin["machine"]]


def test_jobs_that_are_not_run_again_keep_their_rows(tmp_path: Path) -> None:
    other = replace(JOB, cohort="simulated-2000")
    early, late = ({**origin_of(JOB), "made": f"2026-01-0{day}T00:00+00:00"} for day in (1, 2))
    write_tables([Record(JOB, FOUND, early), Record(other, FOUND, early)], command="x", folder=tmp_path)
    again = Record(JOB, {**FOUND, "ess": 250.0}, late)
    path = write_tables([again], command="y", folder=tmp_path)
    assert dict(pl.read_csv(path).select("cohort", "ess").iter_rows()) == {JOB.cohort: 250.0, other.cohort: 500.0}
    runs = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["runs"]
    assert runs == {JOB.name: late["made"], other.name: early["made"]}


def test_names_are_unique_and_the_short_plan_is_within_an_hour() -> None:
    for plan in (BENCH, FULL):
        assert len({job.name for job in plan}) == len(plan)
    assert sum(job.minutes for job in BENCH) <= 60
    assert find_jobs([JOB.name], BENCH)[0].engine == "marginal"
    with pytest.raises(ValueError, match="there is no job nonsense; known: oak203"):
        find_jobs(["nonsense"], BENCH)
