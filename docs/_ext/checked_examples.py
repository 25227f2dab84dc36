"""Examples that are not executed are checked all the same: commands must parse, TOML must be a model or a mapping."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cyclopts import CycloptsError
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from metachron.base import MetachronError
from metachron.cli.app import app as command_line
from metachron.cohort.mapping import read_mapping
from metachron.joint import JointModel

_BLOCK = re.compile(r"^```(bash|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(metachron [a-z][^`]*)`")
_NOT_A_COMMAND = re.compile(r"\.\.\.| then ")


def check_page(page: Path, scratch: Path) -> None:
    """Raise `ExtensionError` when an example of a Markdown page is out of date."""
    text = page.read_text("utf-8")
    for language, example in _BLOCK.findall(text):
        _check(page, language, example, scratch)
    for example in _INLINE.findall(text):
        _check(page, "bash", example, scratch)


def _check(page: Path, language: str, example: str, scratch: Path) -> None:
    try:
        if language == "toml":
            _toml(example, scratch)
        else:
            _commands(example)
    except (CycloptsError, MetachronError, tomllib.TOMLDecodeError) as error:
        raise ExtensionError(f"{page.name}: the example {example!r} is out of date: {error}") from error


def _toml(example: str, scratch: Path) -> None:
    if {"dynamics", "hazard"} & set(tomllib.loads(example)):
        JointModel.from_toml(example)
        return
    path = scratch / "mapping.toml"
    path.write_text(example, "utf-8")
    read_mapping(path)


def _commands(example: str) -> None:
    for line in example.replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition(" > ")[0], comments=True)
        if words[:1] == ["metachron"] and not _NOT_A_COMMAND.search(line):
            command_line.parse_args(words[1:], exit_on_error=False, print_error=False)


def pages(root: Path) -> Iterator[Path]:
    """Yield every Markdown page of the project."""
    yield from (page for page in sorted((root / "docs").rglob("*.md")) if "_build" not in page.parts)
    yield from (root / "README.md", root / "CONTRIBUTING.md", root / "examples" / "README.md")


def _check_all(app: Sphinx) -> None:
    scratch = Path(app.doctreedir)
    scratch.mkdir(parents=True, exist_ok=True)
    for page in pages(Path(app.srcdir).parent):
        check_page(page, scratch)


def setup(app: Sphinx) -> dict[str, bool]:
    """Check all pages before they are read."""
    app.connect("builder-inited", _check_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
