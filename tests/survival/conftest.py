"""The published files read directly, on a path of their own, and the reference numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture
def reference() -> Callable[[str], pl.DataFrame]:
    """Return a function that reads a table of reference numbers; see its README for where they come from."""
    return lambda name: pl.read_csv(REFERENCE / f"{name}.csv")


def _published(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs the published file {name}")
    return path


@pytest.fixture(scope="session")
def ffcd_stretches(data_dir: Path) -> pl.DataFrame:
    """FFCD 2000-05 in counting-process form: one row per stretch (time0, time1] of a patient, in years."""
    return pl.read_csv(_published(data_dir, "ffcd2000_05_events.csv"))


@pytest.fixture(scope="session")
def ffcd_patients(ffcd_stretches: pl.DataFrame) -> pl.DataFrame:
    """FFCD 2000-05, the last stretch of each patient: time1 and state are the follow-up to death."""
    return ffcd_stretches.group_by("id", maintain_order=True).last()


@pytest.fixture(scope="session")
def oak(data_dir: Path) -> pl.DataFrame:
    """The OAK clinical table, with event indicators OS_event and PFS_event (the file codes 1 for censored)."""
    path = _published(data_dir, "41591_2018_134_MOESM3_ESM.xlsx")
    table = pl.read_excel(path, sheet_name="OAK_Clinical_Data")
    return table.with_columns((1 - pl.col(f"{name}.CNSR")).alias(f"{name}_event") for name in ("OS", "PFS"))
