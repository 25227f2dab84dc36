"""One fit, one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from metachron.base import InputError, Problem
from metachron.inference import Fit
from metachron.joint import JointModel
from metachron.report.blocks import LeftOut, Section
from metachron.report.numbers import Numbers
from metachron.report.sections import SECTIONS
from metachron.report.typeset import typeset


def write_report(
    fit: Fit, path: str | Path, *, title: str | None = None, patients: Sequence[str] | None = None
) -> Path:
    """Write the report of a fit as one self-contained HTML file and return its path.

    The file loads nothing from anywhere: figures are SVG inside it. Parts that do not apply to the fit are left out,
    and a sentence says which and why. The same fit gives the same bytes.

    Parameters
    ----------
    title : heading; the names of model and cohort unless given.
    patients : whose fits are shown; nine patients from the best response to the worst unless given.

    Raises
    ------
    InputError
        When the file cannot be written.
    ModelError
        When a patient is not in the fit.
    """
    target = Path(path)
    _check_folder(target)
    text = render(Numbers.of(fit, patients), title or _title(fit))
    temporary = target.with_name(target.name + ".part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise InputError([_unwritable(target, str(error))], "the report") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def render(numbers: Numbers, title: str) -> str:
    """Return the report as HTML."""
    built = [build(numbers) for build in SECTIONS]
    environment = Environment(
        loader=PackageLoader("metachron.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=typeset,
    )  # fmt: skip
    return environment.get_template("report.html.j2").render(
        title=title,
        sections=[part for part in built if isinstance(part, Section)],
        left_out=[part.why for part in built if isinstance(part, LeftOut)],
        version=numbers.fit.provenance.get("versions", {}).get("metachron", ""),
    )


def _title(fit: Fit) -> str:
    """Return the names of model and cohort; a model without a name of its own is called by what it describes."""
    where = fit.cohort.name if fit.cohort is not None else str(fit.provenance.get("cohort", ""))
    parts = (["tumour size"] if fit.model.dynamics else []) + ([fit.model.hazard.event] if fit.model.hazard else [])
    name = " and ".join(parts) if fit.model.name == JointModel.name else fit.model.name
    names = [name[:1].upper() + name[1:]] + ([where] if where and where != name else [])
    return ": ".join(names)


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
