"""What the command line prints: results on stdout, messages on stderr, tables that fit a terminal or a file."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

_UNLIMITED = 2000
_DECIMALS = {"rhat": 3, "ess_bulk": 0, "ess_tail": 0}


def stdout() -> Console:
    """Return the console of results; where it is not a terminal, a table row is one line."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console of messages."""
    return _console(stderr=True)


def say(text: str) -> None:
    """Print a result as it stands, unwrapped."""
    stdout().print(text, soft_wrap=True)


def note(text: str) -> None:
    """Print a message as it stands, unwrapped."""
    stderr().print(text, soft_wrap=True)


def complain(what: str, text: str) -> None:
    """Print why the command ended early."""
    from rich.text import Text

    stderr().print(Text.assemble((f"{what}: ", "bold red"), text), soft_wrap=True)


def show_table(frame: pl.DataFrame) -> None:
    """Print a frame as a table, numbers to three digits and right-aligned."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name, dtype in frame.schema.items():
        number = dtype.is_numeric()
        table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in frame.iter_rows(named=True):
        table.add_row(*(_cell(value, _DECIMALS.get(name)) for name, value in row.items()))
    stdout().print(table)


def show_json(document: object) -> None:
    """Print a document as strict JSON, null in place of numbers that JSON does not have."""
    print(json.dumps(_strict(document), allow_nan=False, indent=2))


def _strict(value: object) -> object:
    """Return the value with null in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object, decimals: int | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if not isinstance(value, float):
        return str(value)
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:#.3g}"


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console
