"""What a report is made of: sections of paragraphs, lists, tables, pictures and folded text. No HTML here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from metachron.report.figures.style import Chart
from metachron.report.numbers import Numbers
from metachron.report.svg import to_svg


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``strong`` sets it off as the point of the section."""

    kind: ClassVar[str] = "paragraph"
    text: str
    strong: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list, under a title of its own where there is one."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table of texts; the columns named in ``numeric`` (by position) are set right."""

    kind: ClassVar[str] = "table"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()


@dataclass(frozen=True)
class Picture:
    """A figure as SVG, its caption, and what it shows in words for those who do not see it."""

    kind: ClassVar[str] = "picture"
    svg: str
    caption: str


@dataclass(frozen=True)
class Folded:
    """Text that opens on a click: a file, or a list."""

    kind: ClassVar[str] = "folded"
    title: str
    text: str = ""
    items: Sequence[str] = ()


Block = Paragraph | Bullets | Table | Picture | Folded


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading of its own."""

    anchor: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True)
class LeftOut:
    """Why a part does not apply to this fit, as a sentence."""

    why: str


Builder = Callable[[Numbers], Section | LeftOut]


def picture(name: str, chart: Chart, *, shows: str, caption: str) -> Picture:
    """Return a figure for the page; ``name`` keeps its identifiers apart, ``shows`` is its alternative text."""
    return Picture(to_svg(chart, name=name, label=shows), caption)
