"""A page: sections laid out as one self-contained HTML file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from metachron.base import InputError, Problem
from metachron.report.blocks import LeftOut, Section
from metachron.report.typeset import typeset


def write_page(path: str | Path, render: Callable[[], str]) -> Path:
    """Write the text that ``render`` returns to a file and return its path.

    Raises
    ------
    InputError
        When the file cannot be written: where that is plain, before the work is done.
    """
    target = Path(path)
    _check_folder(target)
    text = render()
    temporary = target.with_name(target.name + ".part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise InputError([_unwritable(target, str(error))], "the report") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def render_page(title: str, parts: Sequence[Section | LeftOut], *, version: str) -> str:
    """Return a page as HTML: its sections in order, then what was left out and why.

    Parameters
    ----------
    version : of metachron that made what the page shows.
    """
    environment = Environment(
        loader=PackageLoader("metachron.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=typeset,
    )  # fmt: skip
    return environment.get_template("report.html.j2").render(
        title=title,
        sections=[part for part in parts if isinstance(part, Section)],
        left_out=[part.why for part in parts if isinstance(part, LeftOut)],
        version=version,
    )


def _check_folder(target: Path) -> None:
    """Raise before the work is done when the file could not be written after it."""
    if target.is_dir():
        raise InputError([_unwritable(target, "there is a folder of that name")], "the report")
    if not target.parent.is_dir():
        raise InputError([_unwritable(target, f"the folder {target.parent} does not exist")], "the report")


def _unwritable(target: Path, found: str) -> Problem:
    return Problem(
        rule="unwritable",
        found=found,
        expected="a file that can be written",
        remedy="give a path in a folder that exists and that you may write to, such as report.html",
        file=str(target),
    )
