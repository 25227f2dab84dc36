"""One fit, one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metachron.inference import Fit
from metachron.joint import JointModel
from metachron.report.numbers import Numbers
from metachron.report.page import render_page, write_page
from metachron.report.sections import SECTIONS
from metachron.report.wording import capitalised, joined


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
    return write_page(path, lambda: render(Numbers.of(fit, patients), title or _title(fit)))


def render(numbers: Numbers, title: str) -> str:
    """Return the report as HTML."""
    built = [build(numbers) for build in SECTIONS]
    return render_page(title, built, version=numbers.fit.provenance.get("versions", {}).get("metachron", ""))


def _title(fit: Fit) -> str:
    """Return the names of model and cohort; a model without a name of its own is called by what it describes."""
    where = fit.cohort.name if fit.cohort is not None else str(fit.provenance.get("cohort", ""))
    model = fit.model
    named = (("tumour size", model.dynamics), (model.hazard.event if model.hazard else "", model.hazard))
    parts = [name for name, part in (*named, ("new lesions", model.new_lesions)) if part is not None]
    name = joined(parts) if fit.model.name == JointModel.name else fit.model.name
    names = [capitalised(name)] + ([where] if where and where != name else [])
    return ": ".join(names)
