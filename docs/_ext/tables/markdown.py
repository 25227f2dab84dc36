"""Markdown from data: tables, links, and text in which nothing is markup by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_DOI = re.compile(r"\bdoi:(10\.\d{4,}/[^\s,;:)]+[^\s,;:.)])")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#$|])")


def text(words: str) -> str:
    """Return words as Markdown text; a DOI becomes a link."""
    pieces = _DOI.split(words)
    return "".join(
        f"[doi:{_SPECIAL.sub(r'\\\1', piece)}](https://doi.org/{piece})" if index % 2 else _quoted(piece)
        for index, piece in enumerate(pieces)
    )


def code(words: object) -> str:
    """Return words as code; empty when there are none."""
    return f"`{str(words).replace('|', chr(92) + '|')}`" if str(words) else ""


def codes(words: Iterable[object]) -> str:
    """Return several pieces of code, separated by commas."""
    return ", ".join(code(word) for word in words)


def number(value: float) -> str:
    """Return a number to four significant digits, without trailing zeros."""
    return f"{value:.4g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace(chr(10), ' ') for cell in line)} |" for line in lines) + "\n"


def _quoted(words: str) -> str:
    """Return plain words escaped, leaving what stands in backticks as code."""
    pieces = re.split(r"(``.+?``|`[^`]+`)", words)
    return "".join(code(p.strip("`")) if p.startswith("`") and len(p) > 1 else _SPECIAL.sub(r"\\\1", p) for p in pieces)
