"""Reading the formats in which public data are distributed: Excel sheets, R data files, CSV."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import polars as pl

from metachron.base.units import DAYS_PER_UNIT

DAY_DECIMALS = 6
"""Times printed in months with nine decimals give days to about 3e-8; rounding at 1e-6 gives the whole days back."""


def read_sheet(path: Path, sheet: str) -> pl.DataFrame:
    """Return one sheet of a workbook: a column of numbers as Float64, one with any text in it as String."""
    import fastexcel

    quiet = logging.getLogger("fastexcel")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # it warns of columns without any value, which are then read as text
    try:
        return fastexcel.read_excel(path).load_sheet(sheet, schema_sample_rows=None).to_polars()
    finally:
        quiet.setLevel(level)


def read_rda(path: Path, name: str) -> pl.DataFrame:
    """Return the data frame called `name` from an R data file; factors as String, NA as null."""
    import rdata

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Missing constructor for R class")  # tibbles are data frames
        frame = rdata.read_rda(path)[name]
    columns = {str(column): frame[column].astype(object).where(frame[column].notna(), None) for column in frame}
    return pl.DataFrame({column: values.to_list() for column, values in columns.items()}, infer_schema_length=None)


def number(column: str) -> pl.Expr:
    """Return a published column as Float64, with empty cells and the sign '.' as null."""
    return pl.when(pl.col(column).cast(pl.String) != ".").then(pl.col(column)).cast(pl.Float64)


def text(column: str) -> pl.Expr:
    """Return a published column as String, with the sign '.' as null."""
    value = pl.col(column).cast(pl.String)
    return pl.when(value != ".").then(value)


def identifier(column: str) -> pl.Expr:
    """Return a column of whole numbers as String, every digit kept."""
    return pl.col(column).cast(pl.Int64).cast(pl.String)


def recode(column: str, names: dict[str, str]) -> pl.Expr:
    """Return a published text column in the words of the schema; a value that `names` lacks is an error."""
    return text(column).replace_strict(names, return_dtype=pl.String)


def flag(column: str) -> pl.Expr:
    """Return a published 0/1 column as Boolean; null stays null."""
    return number(column).replace_strict({0.0: False, 1.0: True}, return_dtype=pl.Boolean)


def to_days(column: str, unit: str) -> pl.Expr:
    """Return times in days (365.25 days a year, a twelfth of that a month), to 1e-6 day."""
    return (number(column) * DAYS_PER_UNIT[unit]).round(DAY_DECIMALS)
