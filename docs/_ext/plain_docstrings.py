"""Docstrings as they stand in the code, made safe for reStructuredText.

The docstrings of metachron are plain text with numpydoc headings and code in backticks. Entries are ``name : words``,
the words perhaps continued on indented lines. Characters that reStructuredText would read as markup are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_MARKUP = re.compile(r"([*|\\]|(?<=\w)_(?=\W|$))")
_RULE = re.compile(r"^-{3,}$")


def convert(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    return list(_sections(lines))


def _sections(lines: list[str]) -> Iterator[str]:
    heading, block = None, []
    for index, line in enumerate(lines):
        if index + 1 < len(lines) and _RULE.match(lines[index + 1]):
            yield from _section(heading, block)
            heading, block = line.strip(), []
        elif not (index and _RULE.match(line)):
            block.append(line)
    yield from _section(heading, block)


def _section(heading: str | None, block: list[str]) -> Iterator[str]:
    if heading is not None:
        yield from ("", f".. rubric:: {heading}", "")
    if heading in (None, "Examples", "Notes"):
        yield from _prose(block)
    else:
        yield from _entries(block)
    yield ""


def _prose(block: list[str]) -> Iterator[str]:
    example = False
    for line in block:
        example = line.startswith(">>>") or (example and line.strip() != "")
        yield line if example else escape(line)


def _entries(block: list[str]) -> Iterator[str]:
    """Yield a definition list: each unindented line begins an entry, and a colon parts its name from its words."""
    for line in block:
        if not line.strip():
            yield ""
        elif line.startswith(" "):
            yield f"    {escape(line.strip())}"
        else:
            name, _, words = line.partition(" : ")
            names = ", ".join(f"``{item.strip()}``" for item in name.strip(" :").split(","))
            yield from ("", names if "`" not in name else name, *([f"    {escape(words)}"] if words else []))


def escape(text: str) -> str:
    """Return text in which only code in backticks is markup."""
    return "".join(
        part if code else _MARKUP.sub(r"\\\1", part)
        for part, code in ((part, _CODE.fullmatch(part)) for part in _CODE.split(text))
    )


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = convert(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Convert every docstring that autodoc reads."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
