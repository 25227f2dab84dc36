"""Cohorts for the tests of scores: made by hand, and public ones read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from metachron.cohort import Cohort
from metachron.cohort.datasets import DATASETS
from scores.made import people


@pytest.fixture(scope="session")
def made() -> Callable[..., Cohort]:
    """Make a cohort of the columns given."""
    return people


@pytest.fixture(scope="session")
def load(data_dir: Path) -> Callable[[str], Cohort]:
    """Load a public data set by name, once."""
    return cache(lambda name: DATASETS[name].load())
