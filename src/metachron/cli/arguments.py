"""Arguments that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

CohortName = Annotated[str, Parameter(help="A folder of tables, or the name of a public data set.")]
Mapping = Annotated[
    Path | None, Parameter(help="Mapping file of a folder whose columns, units or labels differ from metachron's.")
]
FitPath = Annotated[Path, Parameter(help="A file that `metachron fit --out` wrote.")]
DataSetName = Annotated[str, Parameter(help="Name in `metachron data list`.")]
Format = Annotated[Literal["csv", "parquet"], Parameter(help="Of the tables.")]
