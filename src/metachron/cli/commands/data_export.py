"""``metachron data export NAME DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import DataSetName, Format
from metachron.cli.console import note


def export_dataset(
    name: DataSetName,
    folder: Annotated[Path, Parameter(name="DIR", help="New or empty folder, or one that metachron wrote.")],
    /,
    *,
    format: Format = "csv",
) -> None:
    """Write a public data set as a folder of tables, to look at or to start from."""
    from metachron.cohort import write_folder
    from metachron.cohort.datasets import DATASETS

    write_folder(DATASETS[name].load(), folder, format=format)
    note(f"written: {folder}")
