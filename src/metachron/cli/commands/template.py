"""``metachron template DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.console import note


def template(folder: Annotated[Path, Parameter(name="DIR", help="New or empty folder.")], /) -> None:
    """Write an empty cohort to fill in, with a mapping file for tables that have other names or units."""
    from metachron.cohort.template import write_template

    write_template(folder)
    note(
        f"written: {folder}\nREADME.txt there says what goes into each table; fill in patients.csv and what you have, "
        f"delete the other tables, then: metachron check {folder}"
    )
