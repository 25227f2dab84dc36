"""``metachron export FIT --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath, Format
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note


def export(
    fit: FitPath,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the tables; tables of the same name are replaced.")],
    format: Format = "csv",
) -> None:
    """Write individual estimates, predictions, draws and diagnostics of a fit as tables."""
    from metachron.cohort.table_files import write_csv
    from metachron.cohort.write import filling
    from metachron.inference import Fit
    from metachron.inference.predict import export_tables

    loaded = Fit.load(fit)
    keep_compiled_models()
    with filling(out) as folder:
        for name, frame in export_tables(loaded).items():
            path = folder / f"{name}.{format}"
            if format == "csv":
                write_csv(frame, path)
            else:
                frame.write_parquet(path)
            note(f"{out / path.name}: {frame.height} rows")
