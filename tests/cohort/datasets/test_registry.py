"""The list of public data sets, and what each says of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import polars as pl
import pytest

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS, list_datasets

Load = Callable[[str], Cohort]


def test_list() -> None:
    table = list_datasets()
    assert table["name"].to_list() == list(DATASETS)
    assert table.height == 21
    uncounted = table.filter(pl.any_horizontal(pl.all().is_null()))["name"].to_list()
    assert uncounted == ["recist-open"]


def test_unknown_name_is_helped() -> None:
    with pytest.raises(ModelError, match="did you mean 'inspire'"):
        DATASETS["inspires"]


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_is_complete(name: str) -> None:
    item = DATASETS[name]
    assert item.name == name
    assert all((item.title, item.citation, item.licence, item.doi, item.files, item.warnings))
    for file in item.files:
        assert file.doi if file.sha256 is None else len(file.sha256) == 64
        assert all(url.startswith("https://") for url in file.urls)


@pytest.mark.parametrize("name", [name for name, item in DATASETS.items() if item.patients is not None])
def test_cohort_carries_origin_warnings_and_counts(load: Load, name: str) -> None:
    item, cohort = DATASETS[name], load(name)
    assert cohort.name == name
    assert (cohort.patients.height, cohort.measurements.height) == (item.patients, item.measurements)
    assert set(item.warnings) <= set(cohort.notes)
    assert {(entry.patient, entry.rule) for entry in cohort.accepted} == {(a.patient, a.rule) for a in item.accepted}
    assert cohort.provenance["citation"] == item.citation


@pytest.mark.parametrize("name", ["atezolizumab-imvigor210", "ffcd2000-05", "inspire", "oak203", "loris-shim-nsclc"])
def test_description(load: Load, name: str) -> None:
    item, text = DATASETS[name], DATASETS[name].describe()
    for part in (item.title, item.citation, item.licence, *item.warnings, *(file.sha256 for file in item.files)):
        assert part in text
    for entry in (*item.accepted, *item.settled):
        assert entry.patient in text
        assert entry.reason in text
    for reason in load(name).unused["reason"]:
        assert reason in text


def test_listing_stays_light() -> None:
    """No Excel, R or download machinery is imported before a data set is asked for."""
    code = (
        "import sys; from metachron.cohort.datasets import list_datasets; list_datasets();"
        "sys.exit(bool({'rdata', 'pooch', 'fastexcel', 'pandas', 'jax'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
