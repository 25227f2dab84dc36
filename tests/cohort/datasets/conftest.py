"""Public data sets and published sheets, each read once per session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS
from metachron.cohort.datasets.reading import read_sheet


@pytest.fixture(scope="session")
def load(data_dir: Path) -> Callable[[str], Cohort]:
    """Load a public data set by name, once."""
    return cache(lambda name: DATASETS[name].load())


@pytest.fixture(scope="session")
def sheet(data_dir: Path) -> Callable[[str, str], pl.DataFrame]:
    """Read one sheet of a published workbook, once."""
    return cache(lambda file, name: read_sheet(data_dir / file, name))
